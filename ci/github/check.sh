#!/usr/bin/env bash
# Findings in the log, as SARIF and in the summary of the job. Succeeds also with findings: the last step of the action fails then.
set -euo pipefail
read -ra options <<< "$ZONEC_OPTIONS"

status=0
zonec check "$ZONEC_SITE" "${options[@]}" || status=$?
sarif="${RUNNER_TEMP:-/tmp}/zonec.sarif"
zonec check "$ZONEC_SITE" "${options[@]}" --format sarif > "$sarif" || true
zonec check "$ZONEC_SITE" "${options[@]}" --format markdown >> "$GITHUB_STEP_SUMMARY" || true
if [ "$status" -eq 0 ]; then
    zonec test "$ZONEC_SITE" "${options[@]}" || status=$?
fi
echo "status=$status" >> "$GITHUB_OUTPUT"
echo "sarif=$sarif" >> "$GITHUB_OUTPUT"
