#!/bin/sh
# Runs one step of the set-up: step.sh SENTENCE COMMAND …
# Says the sentence in a line of its own. What the command writes is shown only where it fails.
set -eu
echo "$1 …"
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM
status=0
"$@" >"$log" 2>&1 || status=$?
[ "$status" -eq 0 ] || cat "$log" >&2
exit "$status"
