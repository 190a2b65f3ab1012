#!/usr/bin/env bash
# What the pull request opens and closes: in the summary of the job, and as one comment per site.
set -euo pipefail
read -ra options <<< "$ZONEC_OPTIONS"

page="${RUNNER_TEMP:-/tmp}/zonec-diff.md"
zonec diff "$ZONEC_SITE@$ZONEC_BASE" "$ZONEC_SITE" "${options[@]}" --format markdown > "$page" || test $? -eq 1
cat "$page" >> "$GITHUB_STEP_SUMMARY"
if [ -z "${ZONEC_TOKEN:-}" ]; then
    echo "No token: no comment is written."
    exit 0
fi

repository="$GITHUB_API_URL/repos/$GITHUB_REPOSITORY"
call() {
    curl --silent --show-error --fail --header "Authorization: Bearer $ZONEC_TOKEN" --header "Accept: application/vnd.github+json" "$@"
}

# The first line names the site; the comment that starts with it is written anew.
mark=$(head -n 1 "$page")
id=""
for ((at = 1; ; at++)); do
    comments=$(call "$repository/issues/$ZONEC_PULL/comments?per_page=100&page=$at")
    id=$(jq -r --arg mark "$mark" '[.[] | select(.body | startswith($mark)) | .id] | first // empty' <<< "$comments")
    [ -z "$id" ] && [ "$(jq length <<< "$comments")" -gt 0 ] || break
done
body=$(jq --null-input --rawfile body "$page" '{body: $body}')
if [ -n "$id" ]; then
    call --request PATCH --data @- "$repository/issues/comments/$id" <<< "$body" > /dev/null
else
    call --request POST --data @- "$repository/issues/$ZONEC_PULL/comments" <<< "$body" > /dev/null
fi
