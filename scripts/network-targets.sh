#!/bin/bash
# Runs what must be reached over bad networks, made by the kernel (kernel-network.sh), and prints a table. Linux, root; some 6 minutes.
#
#   scripts/network-targets.sh                    # all
#   scripts/network-targets.sh 'loss' blackout    # those whose name begins so
#
# REBOUND names the program; SETUPS says how often connecting at 30 % loss is tried (20).
set -uo pipefail

cd "$(dirname "$0")" || exit 2
only=("$@")
scene=(--size 640x480 --fps 30)
failed=0

# Prints a line for a case: its name, what is demanded, then how it is run.
target() {
    local name=$1 demanded=$2 lines verdict=pass
    shift 2
    is_wanted "$name" || return 0
    lines=$(./kernel-network.sh "$@" 2>&1) || { verdict=FAIL; failed=$((failed + 1)); }
    printf '%-4s  %-14s  %-46s\n' "$verdict" "$name" "$demanded"
    printf '        %s\n' "${lines//$'\n'/$'\n'        }"
}

is_wanted() {
    [ ${#only[@]} -gt 0 ] || return 0
    local beginning
    for beginning in "${only[@]}"; do [[ $1 != "$beginning"* ]] || return 0; done
    return 1
}

# The latency may be two round trips and 25 ms; a round trip over veth is under a millisecond.
d20=(--impair delay=20ms) d50=(--impair delay=50ms)

target 'loss 2' 'matched >= 99 %, p95 <= 27 ms' loss 2 --min-matched 99 --max-p95 27 -- "${scene[@]}"
target 'loss 2, 40 ms' 'matched >= 99 %, p95 <= 105 ms' loss 2 --min-matched 99 --max-p95 105 -- "${scene[@]}" "${d20[@]}" -- "${d20[@]}"
target 'loss 5' 'matched >= 98 %' loss 5 --min-matched 98 -- "${scene[@]}"
target 'loss 10' 'matched >= 95 %' loss 10 --min-matched 95 -- "${scene[@]}"
target 'loss 20' 'matched >= 85 %' loss 20 --min-matched 85 -- "${scene[@]}"
target 'rtt 100' 'matched >= 99 %' clean --min-matched 99 -- "${scene[@]}" "${d50[@]}" -- "${d50[@]}"
target 'blackout 3' 'coordinates again within 1 s' blackout 3 --seconds 15 --back-within 1000 -- "${scene[@]}"
target 'rate 4,1,4' 'in 2 s p95 <= 2 x, 70-95 % used; in 10 s back' rate 4M,1M,4M --seconds 36 --settles -- \
    "${scene[@]}" --scene hard --bitrate auto:200k-4M
target 'setup 30' "connected within 10 s, ${SETUPS:-20} times" setup 30 --seconds 1 --connect-within 10 --times "${SETUPS:-20}" -- "${scene[@]}"

[ $failed -eq 0 ] || { echo "network-targets: $failed missed" >&2; exit 1; }
