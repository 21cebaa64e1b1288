#!/bin/bash
# Measures a hub on this machine: the memory of 1,000 idle sessions, and round trips at 500 messages a second. Linux; half a minute.
#
#   cargo build --release --locked --example hub_load && cargo build --release --locked
#   scripts/hub-targets.sh
#
# REBOUND and HUB_LOAD name the programs (those of target/release, else of target/debug).
set -euo pipefail

cd "$(dirname "$0")/.."

built() { for kind in release debug; do [ ! -x "target/$kind/$1" ] || { echo "target/$kind/$1"; return; }; done; echo "hub-targets: no $1: build it first" >&2; exit 2; }

rebound=${REBOUND:-$(built rebound)} load=${HUB_LOAD:-$(built examples/hub_load)}
# A thousand sessions are two thousand sockets, at either end.
ulimit -n 8192
log=$(mktemp)
"$rebound" serve --port 0 2> "$log" &
hub=$!
trap 'kill "$hub" 2> /dev/null; rm -f "$log"' EXIT
until url=$(grep -o 'ws://[0-9.:]*' "$log"); do kill -0 "$hub" || { cat "$log" >&2; exit 1; }; sleep 0.1; done
"$load" "$url/ws" "$hub"
