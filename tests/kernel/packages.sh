# For the scripts beside this file: packages of other Debian releases, unpacked into a folder, from the mirror that this machine
# uses; and the judgement of what was listed.

# need COMMAND PACKAGE: installs the package if the command is missing.
need() {
    command -v "$1" >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null; }
}

# program: the zonec to use, built if ZONEC names none.
program() {
    if [ -z "${ZONEC:-}" ]; then
        target=$(cd "$root" && cargo metadata --format-version 1 --no-deps --locked | sed -E 's/.*"target_directory":"([^"]*)".*/\1/')
        (cd "$root" && cargo build --locked --quiet)
        ZONEC=$target/debug/zonec
    fi
    echo "$ZONEC"
}

# release_of_debian NAME FOLDER: from now on apt looks at this release and keeps what it knows in FOLDER.
release_of_debian() {
    local mirror
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL)' | awk '$2 == "Debian" && $3 == "Debian" { print $1; exit }')
    [ -n "$mirror" ] || { echo "no Debian mirror is configured, or apt-get update has not been run" >&2; exit 3; }
    mkdir -p "$2"/{state/lists/partial,cache/archives/partial}
    : > "$2/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $1 main" > "$2/sources"
    cat > "$2/conf" <<CONF
Dir::Etc::sourcelist "$2/sources";
Dir::Etc::sourceparts "/dev/null";
Dir::State "$2/state";
Dir::State::status "$2/status";
Dir::Cache "$2/cache";
APT::Sandbox::User "root";
CONF
    export APT_CONFIG=$2/conf
    apt-get update -qq
}

# unpacked PACKAGES FOLDER: downloads and unpacks, installs nothing.
unpacked() {
    mkdir -p "$2.debs" "$2"
    (cd "$2.debs" && apt-get download -qq $1)
    for package in "$2.debs"/*.deb; do dpkg-deb -x "$package" "$2"; done
}

# proven ZONEC EXAMPLES FOLDER: every listing SITE:GATEWAY.nft.FORM.json of the folder against its model, every log empty.
proven() {
    local found=0 wrong=0 listing name gateway
    for listing in "$3"/*.json; do
        name=$(basename "$listing")
        gateway=${name#*:}
        gateway=${gateway%%.nft.*}
        found=$((found + 1))
        "$1" verify "$2/${name%%:*}" --nft "$gateway=$listing" --as-of 2026-11-24 -q > "$3/answer" 2>&1 && continue
        wrong=$((wrong + 1))
        echo "$name:"
        head -n 8 "$3/answer"
    done
    for log in "$3"/*.log; do
        [ ! -s "$log" ] || { wrong=$((wrong + 1)); echo "$(basename "$log"):"; head -n 8 "$log"; }
    done
    echo "$found listings, $((found - wrong)) equal to the model"
    [ "$found" -gt 0 ] && [ "$wrong" -eq 0 ]
}
