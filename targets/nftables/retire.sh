#!/bin/sh
# Step 3 of 3: removes from table inet zonec whatever its base chains do not lead to: the ruleset that was replaced, or one
# that was built and never switched to. Needs nft and awk; removes in one transaction; does nothing when nothing is left over.
set -eu
live=$(nft list chain inet zonec forward | sed -n 's/^[[:space:]]*goto d_fwd\([_G0-9a-f]*\)$/\1/p' | tail -n 1)
nft list chain inet zonec forward | grep -q "goto d_fwd$live\$" || { echo "chain forward does not end in d_fwd" >&2; exit 1; }
nft -t list table inet zonec | awk -v live="$live" '
    $1 ~ /^(chain|map|set|counter)$/ && $3 == "{" && $2 !~ /^(antispoof|forward|input|output)$/ {
        generation = match($2, /_G[0-9a-f]+$/) ? substr($2, RSTART) : ""
        if (generation != live) old[$1] = old[$1] " " $2
    }
    function all(verb, kind,    names, count, i) {
        count = split(old[kind], names, " ")
        for (i = 1; i <= count; i++) print verb " " kind " inet zonec " names[i]
    }
    END { all("flush", "chain"); all("delete", "map"); all("delete", "set"); all("delete", "chain"); all("delete", "counter") }
' | nft -f -
