#!/bin/bash
# Runs a sender and a receiver in two network namespaces and lets the kernel make the network between them bad. Linux, root.
#
#   scripts/kernel-network.sh clean
#   scripts/kernel-network.sh loss 10 --seconds 20 -- --size 640x480 --fps 30
#   scripts/kernel-network.sh setup 30 --times 20              # the loss ends when they are connected
#   scripts/kernel-network.sh rate 4M,1M,4M --seconds 30       # a third of the time each
#   scripts/kernel-network.sh blackout 3 --seconds 20          # nothing passes for 3 s, after a third of the time
#   scripts/kernel-network.sh loss 5 -- --impair delay=50ms -- --impair delay=50ms
#
# After the first -- stand options for `rebound send`, after a second one options for `rebound receive`.
#
#   --seconds N        how long it runs once the receiver is connected (20)
#   --times N          how often it is done, from the start (1)
#   --queue MS         what the rate's bottleneck holds before it drops, in milliseconds (300)
#   --rate RATE        a rate for all of the time, beside loss or blackout
#   --keep DIR         keeps logs, report and counters there
#   --min-matched P    fails if less than P percent of the encoded frames are matched
#   --max-p95 MS       fails if the p95 of the latency is higher
#   --connect-within S fails if the receiver is not connected after S seconds (15)
#   --back-within MS   blackout: fails if the first coordinates come later than so after it
#   --settles          rate A,B,A: fails unless, from 2 s after the drop on, the p95 of the latency is at most twice what it was and 70 to
#                      95 percent of the rate is used, and in the last 2 s at least 70 percent of what was used before the drop
#
# REBOUND names the program (target/release/rebound, or target/debug/rebound). Each run prints one line. Everything but ICE, DTLS
# and media is kept out, so that the loss is where it seems to be: IPv6 is off, and of TCP only the signalling passes; the run fails
# if the kernel's own counters say that less or more was dropped than was asked for.
set -euo pipefail

readonly PORT=8080 SENDER_IP=10.99.0.1 RECEIVER_IP=10.99.0.2

die() { echo "kernel-network: $1" >&2; exit 2; }

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; exit 0; }

# ---- what is wanted

case_name=${1:-} value=
seconds=20 times=1 queue_ms=300 steady_rate='' keep='' min_matched='' max_p95='' connect_within=15 back_within='' settles=''
send_options=() receive_options=()

parse() {
    case $case_name in
        clean) shift ;;
        loss | setup | rate | blackout) value=${2:-}; [ -n "$value" ] || die "$case_name needs a value"; shift 2 ;;
        -h | --help | '') usage ;;
        *) die "'$case_name' is no case: clean, loss, setup, rate, blackout" ;;
    esac
    while [ $# -gt 0 ]; do
        case $1 in
            --) shift; break ;;
            --seconds) seconds=$2 ;;
            --times) times=$2 ;;
            --queue) queue_ms=$2 ;;
            --rate) steady_rate=$2 ;;
            --keep) keep=$2 ;;
            --min-matched) min_matched=$2 ;;
            --max-p95) max_p95=$2 ;;
            --connect-within) connect_within=$2 ;;
            --back-within) back_within=$2 ;;
            --settles) settles=yes; shift; continue ;;
            *) die "'$1' is no option; see $0 --help" ;;
        esac
        shift 2 || die "an option needs a value"
    done
    while [ $# -gt 0 ] && [ "$1" != -- ]; do send_options+=("$1"); shift; done
    [ $# -eq 0 ] || { shift; receive_options=("$@"); }
}

# ---- the network: one veth pair between two namespaces of this run's own

readonly A=rb$$s B=rb$$r
work=

in_a() { ip netns exec "$A" "$@"; }
in_b() { ip netns exec "$B" "$@"; }
both() { in_a "$@"; in_b "$@"; }

build_network() {
    for namespace in "$A" "$B"; do
        ip netns add "$namespace"
        # iptables does not see IPv6, and a link-local address would be a way around it.
        ip netns exec "$namespace" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
        ip -n "$namespace" link set lo up
    done
    ip link add "v$A" netns "$A" type veth peer name "v$B" netns "$B"
    ip -n "$A" addr add $SENDER_IP/24 dev "v$A"
    ip -n "$B" addr add $RECEIVER_IP/24 dev "v$B"
    ip -n "$A" link set "v$A" up
    ip -n "$B" link set "v$B" up
    await_carrier "$A"
    await_carrier "$B"
    both iptables -A INPUT -i lo -j ACCEPT
    both iptables -A INPUT -p tcp --dport $PORT -j ACCEPT
    both iptables -A INPUT -p tcp --sport $PORT -j ACCEPT
    both iptables -A INPUT -p tcp -j DROP
    both iptables -N WEATHER
    # Packets are dropped where they arrive: dropped where they leave, the sender's socket would be told.
    both iptables -A INPUT -p udp -j WEATHER
}

# Waits until the list of interfaces says that this one runs. The kernel puts that off for up to a second, while packets pass already;
# asked for by name it would say so at once, but ICE reads the list, and knows no address until then.
await_carrier() {
    local until=$(($(now_ms) + 5000))
    until ip -n "$1" -json link | jq -e ".[] | select(.ifname == \"v$1\") | .operstate == \"UP\"" > /dev/null; do
        [ "$(now_ms)" -lt $until ] || die "the network between the namespaces does not come up"
        sleep 0.02
    done
}

# Drops this many percent of the UDP packets, both ways.
lose() { both iptables -A WEATHER -m statistic --mode random --probability "$(jq -n "$1 / 100")" -j DROP; }
clear_weather() { both iptables -F WEATHER; }

# Bits a second: 4M, 500k.
bits() { numfmt --from=si "${1^^}"; }

# Limits what leaves either end. The bucket holds two full packets: no burst to speak of.
limit_rate() {
    local rate queue_bytes
    rate=$(bits "$1")
    queue_bytes=$((rate * queue_ms / 8000 + 3028))
    for end in "$A" "$B"; do
        ip netns exec "$end" tc qdisc replace dev "v$end" root handle 1: tbf rate "${rate}bit" burst 3028 limit "$queue_bytes"
    done
}

# Bytes that have left the sender's end, dropped packets and, of UDP, packets that came to either end.
sent_bytes() { ip -n "$A" -s -j link show dev "v$A" | jq '.[0].stats64.tx.bytes'; }
# Both from one listing: what comes between two would be dropped and not have come.
udp_counters() {
    both iptables -nvxL | awk '/^Chain/ { chain = $2 } $3 == "WEATHER" { came += $1 }
        $3 == "DROP" && chain == "WEATHER" { dropped += $1 } END { print came + 0, dropped + 0 }'
}
queue_dropped() {
    for end in "$A" "$B"; do ip netns exec "$end" tc -s qdisc show dev "v$end"; done \
        | sed -n 's/.*dropped \([0-9]*\),.*/\1/p' | awk '{ n += $1 } END { print n + 0 }'
}

clean_up() {
    for job in ${sender:-} ${receiver:-}; do kill "$job" 2> /dev/null || true; done
    wait 2> /dev/null || true
    for namespace in "$A" "$B"; do ip netns del "$namespace" 2> /dev/null || true; done
    [ -z "$work" ] || [ -n "$keep" ] || rm -rf "$work"
}

# ---- one run

# Starts the program in a namespace; nothing here waits for ever. In the foreground, since `timeout` would else pass a signal on twice,
# and a sender that is interrupted twice writes no report.
run_in() {
    local namespace=$1
    shift
    ip netns exec "$namespace" timeout --foreground --kill-after=5 $((seconds + connect_within + 60)) "$program" "$@" &
    started_pid=$!
}

now_ms() { date +%s%3N; }

# Waits for a line of the sender's log, until so many seconds are over.
said() {
    local until=$(($(now_ms) + $2 * 1000))
    until grep -q "$1" "$work/sender.log"; do
        [ "$(now_ms)" -lt $until ] || return 1
        kill -0 "$sender" 2> /dev/null || return 1
        sleep 0.01
    done
}

# One rate for so many seconds; notes what part of it is used after two seconds, and in the last two.
run_step() {
    limit_rate "$1"
    changed_at+=("$(now_ms)")
    sleep 2
    local settled last
    settled=$(sent_until_now)
    sleep "$(jq -n "$2 - 4")"
    last=$(sent_until_now)
    sleep 2
    used_pct+=("$(used "$settled" "$1")")
    last_used_pct=$(used "$last" "$1")
}

# Time in ms and bytes sent.
sent_until_now() { echo "$(now_ms) $(sent_bytes)"; }

# Percent of a rate that are used since then.
used() {
    local then_ms then_bytes ms bytes
    read -r then_ms then_bytes <<< "$1"
    read -r ms bytes < <(sent_until_now)
    jq -n "($bytes - $then_bytes) * 800000 / ($ms - $then_ms) / $(bits "$2") | round"
}

# What the weather does while the video runs.
run_weather() {
    local third
    third=$(jq -n "$seconds / 3")
    case $case_name in
        rate)
            IFS=, read -ra steps <<< "$value"
            local each
            each=$(jq -n "$seconds / ${#steps[@]}")
            holds "$each >= 5" || die "each rate needs 5 s: --seconds $((5 * ${#steps[@]}))"
            for step in "${steps[@]}"; do run_step "$step" "$each"; done ;;
        blackout)
            sleep "$third"
            lose 100
            changed_at+=("$(now_ms)")
            sleep "$value"
            read -r came dropped < <(udp_counters)
            clear_weather
            changed_at+=("$(now_ms)")
            sleep "$(jq -n "$seconds - $third - $value")" ;;
        *) sleep "$seconds" ;;
    esac
}

run_once() {
    local started connect_ms='' came dropped connected_at=0 last_used_pct=0
    changed_at=() used_pct=()
    work=${keep:+$keep/$1}
    if [ -n "$work" ]; then mkdir -p "$work"; else work=$(mktemp -d); fi
    build_network
    case $case_name in
        loss | setup) lose "$value" ;;
        rate) limit_rate "${value%%,*}" ;;
    esac
    [ -z "$steady_rate" ] || limit_rate "$steady_rate"
    run_in "$A" send --host $SENDER_IP --port $PORT --report "$work/report.json" --trace "$work/trace.jsonl" \
        "${send_options[@]}" \
        > "$work/sender.out" 2> "$work/sender.log"
    sender=$started_pid
    said 'receivers may come' 20 || { cat "$work/sender.log" >&2; die "the sender does not start"; }
    started=$(now_ms)
    run_in "$B" receive ws://$SENDER_IP:$PORT --name kernel "${receive_options[@]}" > "$work/receiver.log" 2>&1
    receiver=$started_pid
    if said 'receiver connected' "$connect_within"; then
        connected_at=$(now_ms)
        connect_ms=$((connected_at - started))
        read -r came dropped < <(udp_counters)
        [ "$case_name" != setup ] || clear_weather
        local bytes_before
        bytes_before=$(sent_bytes)
        run_weather
        case $case_name in
            setup | blackout) ;;
            *) read -r came dropped < <(udp_counters) ;;
        esac
        sent_kbps=$((($(sent_bytes) - bytes_before) * 8 / 1000 / seconds))
    else
        read -r came dropped < <(udp_counters) sent_kbps=0
    fi
    queue_drops=$(queue_dropped)
    for job in "$sender" "$receiver"; do
        kill "$job" 2> /dev/null || true
        wait "$job" || true
    done
    sender='' receiver=''
    tell "$1" "$connect_ms" "$came" "$dropped"
    for namespace in "$A" "$B"; do ip netns del "$namespace"; done
    [ -n "$keep" ] || rm -rf "$work"
}

# Prints the run's line and judges it.
tell() {
    local nth=$1 connect_ms=$2 came=$3 dropped=$4 faults=''
    [ -s "$work/report.json" ] || echo '{}' > "$work/report.json"
    local figures over_time=''
    figures=$(jq -r '[(if .frames.encoded then 100 * .frames.matched / ([.frames.encoded, 1] | max) else 0 end),
        (.frames.matched // 0), (.frames.encoded // 0), .frames.keyframes // 0, .latency_ms.p50 // "-", .latency_ms.p95 // "-",
        .latency_ms.p99 // "-", .error_px.max // "-", .first_coordinate_ms // "-"]
        | map(if type == "number" then . * 1000 | round / 1000 else . end) | @tsv' "$work/report.json")
    local matched_pct matched encoded keyframes p50 p95 p99 error_max first
    IFS=$'\t' read -r matched_pct matched encoded keyframes p50 p95 p99 error_max first <<< "$figures"
    [ -n "$connect_ms" ] || faults+=" not-connected-within-${connect_within}s"
    [ -z "$min_matched" ] || holds "$matched_pct >= $min_matched" || faults+=" matched-under-$min_matched%"
    [ -z "$max_p95" ] || { [ "$p95" != - ] && holds "$p95 <= $max_p95"; } || faults+=" p95-over-${max_p95}ms"
    case $case_name in rate | blackout) over_time ;; esac
    counter_is_right "$came" "$dropped" || faults+=" dropped-$dropped-of-$came-is-not-what-was-asked-for"
    echo "$case_name${value:+ $value} #$nth: connected ${connect_ms:--} ms, first coordinate $first ms," \
        "matched $matched of $encoded ($matched_pct %), keyframes $keyframes, latency p50/p95/p99 $p50 / $p95 / $p99 ms," \
        "error max $error_max px, sent $sent_kbps kbit/s, udp dropped $dropped of $came, queue dropped $queue_drops$over_time" \
        "${faults:+ FAILED:$faults}"
    [ -z "$faults" ] || failures=$((failures + 1))
}

# What the latency did when the network changed: adds to the line and to the faults.
over_time() {
    if [ ${#changed_at[@]} -lt 2 ] || [ ! -s "$work/trace.jsonl" ]; then
        faults+=' no-trace'
        return
    fi
    local one other
    IFS=$'\t' read -r one other < <(jq -rnf "$root/scripts/over-time.jq" --arg case "$case_name" --argjson connected "$connected_at" \
        --argjson at "[$(IFS=,; echo "${changed_at[*]}"), 1e15]" "$work/trace.jsonl")
    if [ "$case_name" = blackout ]; then
        over_time=", coordinates again after $one ms"
        [ -z "$back_within" ] || { [ "$one" != - ] && holds "$one <= $back_within"; } || faults+=" not-back-within-${back_within}ms"
        return
    fi
    over_time=", latency p95 before and from 2 s after the drop $one and $other ms, used ${used_pct[*]} %, at the end $last_used_pct %"
    [ -n "$settles" ] || return 0
    { [ "$one" != - ] && [ "$other" != - ] && holds "$other <= 2 * $one"; } || faults+=' latency-does-not-settle'
    holds "${used_pct[1]:-0} | . >= 70 and . <= 95" || faults+=' drop-not-used-70-to-95%'
    holds "$last_used_pct >= 0.7 * ${used_pct[0]:-100}" || faults+=' does-not-rise-again'
}

holds() { [ "$(jq -n "$1")" = true ]; }

# Whether as many packets were dropped as asked for, within five standard deviations: else the loss was not where it seemed to be.
counter_is_right() {
    case $case_name in
        loss | setup) holds "(1.0 * $value / 100) as \$p | ($1 * \$p) as \$due | (\$due - $2 | fabs) <= 1 + 5 * ($1 * \$p * (1 - \$p) | sqrt)" \
            && { [ "$2" -gt 0 ] || [ "$1" -lt 50 ]; } ;;
        blackout) [ "$2" -gt 0 ] ;;
        *) [ "$2" -eq 0 ] ;;
    esac
}

parse "$@"
[ "$(id -u)" -eq 0 ] || die "network namespaces need root"
for tool in ip tc iptables jq; do
    command -v $tool > /dev/null || die "$tool is missing: apt-get install iproute2 iptables jq"
done
root=$(cd "$(dirname "$0")/.." && pwd)
program=${REBOUND:-$root/target/release/rebound}
[ -x "$program" ] || program=$root/target/debug/rebound
[ -x "$program" ] || die "$program is missing: cargo build --release, or set REBOUND"
trap clean_up EXIT
trap 'exit 130' INT TERM
failures=0
for ((nth = 1; nth <= times; nth++)); do run_once "$nth"; done
[ $failures -eq 0 ] || { echo "kernel-network: $failures of $times failed" >&2; exit 1; }
