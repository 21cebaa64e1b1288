# What latency did while the network changed. Reads a trace (docs/trace.md); kernel-network.sh tells it the `case`, when the receiver
# was `connected` and when the network changed (`at`), all by the wall clock in ms.

def p95: sort | if length == 0 then null else .[(length * 0.95 | ceil) - 1] end;
# A frame that nobody answered took for ever.
def latency_ms: if .answer then .answer.latency_ns / 1e6 else infinite end;
def shown: if . == null or isinfinite then "-" else . * 10 | round / 10 end;

[inputs] as $lines
| (($lines | map(select(.type == "receiver") | .joined_ns) | last) / 1e6 - $connected) as $shift
| ($at | map(. + $shift)) as $at
| $lines | map(select(.type == "frame" and .encoded_ns != null))
| if $case == "blackout" then
    map(select(.answer) | .answer.at_ns / 1e6 - $at[1] | select(. >= 0)) | min // infinite
    | [shown, "-"]
  else
    # Two seconds for the start, and two for the drop.
    def between($from; $to): map(select(.produced_ns / 1e6 >= $from and .produced_ns / 1e6 < $to) | latency_ms) | p95;
    [(between($at[0] + 2000; $at[1]) | shown), (between($at[1] + 2000; $at[2]) | shown)]
  end
| @tsv
