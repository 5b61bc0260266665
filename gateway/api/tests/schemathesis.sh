#!/bin/sh
# Tests a running control API from its own document, once as a person of each role named (default: four of them), with
# every check of schemathesis. Needs Python 3; keeps its virtual environment in $VENV.
#   gateway/api/tests/schemathesis.sh [examples per operation] [person ...]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
examples=${1:-25}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- wang operator bank root
VENV=${VENV:-${TMPDIR:-/tmp}/shuzha-schemathesis}
[ -x "$VENV/bin/schemathesis" ] || { python3 -m venv "$VENV" && "$VENV/bin/pip" install -q 'schemathesis>=4,<5'; }

work=$(mktemp -d)
mkfifo "$work/open"
cd "$here/../../.."
cargo build -q -p shuzha-api --example plane
"${CARGO_TARGET_DIR:-target}/debug/examples/plane" <"$work/open" >"$work/out" &
# The server ends when this descriptor does.
exec 3>"$work/open"
trap 'exec 3>&-; wait; rm -r "$work"' EXIT
until [ "$(wc -l <"$work/out")" -ge 14 ]; do sleep 0.1; done
address=$(head -n 1 "$work/out")

failed=0
cd "$work" # schemathesis keeps a cache where it runs
for person in "$@"; do
    token=$(awk -v person="$person" '$1 == person { print $3 }' "$work/out")
    echo "== $person"
    "$VENV/bin/schemathesis" --config-file "$here/schemathesis.toml" run "$address/api/v1/openapi.json" \
        --header "Authorization: Bearer $token" --max-examples "$examples" --workers 2 --continue-on-failure || failed=1
done
exit $failed
