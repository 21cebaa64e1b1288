//! The report for people: what matters first, in a terminal of 80 columns.

use std::fmt::Write;

use super::{Cost, Floors, ImpairmentInfo, ReceiverTotals, Report, RunInfo, Spread, State, TotalsOf};

/// The narrowest terminal that people use.
const COLUMNS: usize = 80;

/// Of these, for a receiver's name.
const RECEIVER_COLUMNS: usize = 16;

/// The report as a table, with a newline at the end of each line.
pub fn table(report: &Report) -> String {
    let Report { run, totals } = report;
    let sections =
        [head(run), figures(&totals.all), stages(&totals.all), ended(report) + &floors(run), receivers(&totals.receivers)];
    sections.into_iter().filter(|section| !section.is_empty()).collect::<Vec<_>>().join("\n")
}

fn head(run: &RunInfo) -> String {
    let scene = &run.scene;
    let mut line = format!("rebound {}   {} {}x{} at {} fps", run.version, scene.name, scene.width, scene.height, scene.fps);
    if let Some(encoder) = &run.encoder {
        let kind = if encoder.hardware { "hardware" } else { "software" };
        line += &format!("   {} ({}, {kind})", encoder.name, encoder.codec);
    }
    line += "\n";
    if let Some(ImpairmentInfo { spec, packets, .. }) = &run.impairment {
        let dropped = packets.lost + packets.queue_dropped;
        line += &format!("network made bad: {spec}   {dropped} of {} packets dropped\n", packets.offered);
    }
    line
}

/// What the instrument itself adds, in one line; nothing if nothing was measured.
fn floors(run: &RunInfo) -> String {
    let Floors { error_px, produced_late_ms } = &run.floors;
    let (Some(error), Some(late)) = (error_px.p50, produced_late_ms.p50) else { return String::new() };
    format!("floors       error {error:.3} px without codec, frames drawn {late:.2} ms late (medians)\n")
}

fn figures(all: &TotalsOf) -> String {
    let frames = &all.frames;
    let mut lines = format!(
        "matched      {} of {} encoded frames   {}\n\n",
        frames.matched,
        frames.encoded,
        share(frames.matched, frames.encoded)
    );
    lines += "                  mean       p50       p95       p99       max\n";
    lines += &row("error", all.error_px, 3, "px");
    lines += &row("staleness", all.staleness_px, 3, "px");
    lines += &row("latency", all.latency_ms, 2, "ms");
    lines
}

/// What part of the error is always the same, and what is chance.
fn error_split(all: &TotalsOf) -> String {
    let (bias, noise) = (all.bias_px, all.noise_px);
    let (Some(x), Some(y), Some(std), Some(p95)) = (bias.x, bias.y, noise.std, noise.p95) else { return String::new() };
    let [x, y] = [x, y].map(without_minus_zero);
    format!("error split  bias x {x:.3} y {y:.3} px, noise std {std:.3} p95 {p95:.3} px\n")
}

/// What prints as `-0.000` is not less than nothing.
fn without_minus_zero(px: f64) -> f64 {
    if px.abs() < 0.0005 { 0.0 } else { px }
}

/// Of the sender.
fn cost(all: &Cost) -> String {
    let shown = |value: Option<f64>, decimals: usize, unit: &str| Some(format!("{:.decimals$} {unit}", value?));
    let items = [
        shown(all.cores_used, 2, "cores"),
        shown(all.cpu_s_per_1000_frames, 2, "s/1000 frames"),
        shown(all.max_rss_mb, 0, "MB"),
        all.threads.map(|threads| format!("{threads} threads")),
    ];
    list("cost", items.into_iter().flatten())
}

fn budget(all: &TotalsOf) -> String {
    let Some(budget) = all.budget else { return String::new() };
    let missed = figure(budget.missed_percent, 2);
    format!(
        "budget       {} of {} answers older than {} ms   {missed} %\n",
        budget.missed,
        budget.kept + budget.missed,
        budget.limit_ms
    )
}

/// The stages that were measured, so that a client that tells less is given less to read.
fn stages(all: &TotalsOf) -> String {
    let stages = &all.stages_ms;
    let split = [("  there", stages.there), ("  return", stages.back)];
    [("encode", stages.encode), ("send", stages.send), ("network", stages.network)]
        .into_iter()
        .chain(split)
        .chain([("decode", stages.decode), ("detect", stages.detect)])
        .filter(|(_, spread)| spread.mean.is_some())
        .map(|(name, spread)| row(name, spread, 2, "ms"))
        .collect()
}

fn row(name: &str, spread: Spread, decimals: usize, unit: &str) -> String {
    let cells = [spread.mean, spread.p50, spread.p95, spread.p99, spread.max];
    let cells: String = cells.into_iter().map(|value| format!("{:>10}", figure(value, decimals))).collect();
    format!("{name:<12}{cells}  {unit}\n")
}

fn figure(value: Option<f64>, decimals: usize) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.decimals$}"))
}

/// Rounded down: only all of them are 100 %.
fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    let hundredths = u128::from(part) * 10_000 / u128::from(whole);
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

fn ended(report: &Report) -> String {
    let totals = &report.totals;
    let (frames, objects) = (&totals.all.frames, &totals.all.objects);
    let states = State::ALL.map(|state| (frames.ended.of(state), state.name().replace('_', " ")));
    let besides = [
        (objects.misses, "missed objects"),
        (objects.false_finds, "false finds"),
        (frames.matched_by_repeat, "answered by a repeat"),
        (frames.duplicate, "duplicate answers"),
        (frames.unknown, "unknown keys"),
        (frames.before_join, "from before joining"),
        (frames.garbage, "garbage"),
        (totals.frames_unwatched, "frames unwatched"),
    ];
    let rates = [
        (totals.all.fps, 2, "frames/s"),
        (totals.all.bitrate_kbps, 0, "kbit/s"),
        (totals.all.first_coordinate_ms, 0, "ms to the first coordinate"),
    ];
    let count = |count: u64, what: &str| (count > 0).then(|| format!("{count} {what}"));
    let witness = totals.all.witness;
    let codes = [(witness.agree, "codes agree"), (witness.disagree, "disagree"), (witness.unread, "unread")];
    list("ended", states.iter().filter_map(|(frames, name)| count(*frames, name)))
        + &list("besides", besides.iter().filter_map(|(times, what)| count(*times, what)))
        + &error_split(&totals.all)
        + &budget(&totals.all)
        + &cost(&report.run.cost.all)
        + &list("witness", codes.iter().filter_map(|(answers, what)| count(*answers, what)))
        + &list("rates", rates.iter().filter_map(|(value, decimals, unit)| Some(format!("{:.decimals$} {unit}", (*value)?))))
}

/// What there is, separated by commas, in lines that fit; nothing if there is nothing.
fn list(name: &str, items: impl Iterator<Item = String>) -> String {
    let mut lines = String::new();
    let mut line = format!("{name:<13}");
    for (index, item) in items.enumerate() {
        if index > 0 && line.len() + item.len() + 3 > COLUMNS {
            let _ = writeln!(lines, "{line},");
            line = " ".repeat(13);
        } else if index > 0 {
            line += ", ";
        }
        line += &item;
    }
    if line.trim_end().len() > name.len() { lines + &line + "\n" } else { String::new() }
}

fn receivers(receivers: &[ReceiverTotals]) -> String {
    if receivers.is_empty() {
        return String::new();
    }
    let heads = ["receivers", "matched", "error p95 px", "latency p50 ms", "p99 ms", "first ms"].map(str::to_owned);
    let mut lines = receiver_row(heads);
    for receiver in receivers {
        let all = &receiver.all;
        let counted = format!("{} {}", all.frames.matched, share(all.frames.matched, all.frames.encoded));
        let matched = if receiver.viewer { format!("viewer, {} sent", all.frames.sent) } else { counted };
        let name = format!("  {} {}", receiver.id, receiver.name).chars().take(RECEIVER_COLUMNS).collect();
        lines += &receiver_row([
            name,
            matched,
            figure(all.error_px.p95, 3),
            figure(all.latency_ms.p50, 2),
            figure(all.latency_ms.p99, 2),
            figure(all.first_coordinate_ms, 0),
        ]);
        lines += &interruptions(receiver);
    }
    if receivers.iter().all(|receiver| receiver.viewer) {
        lines += "  they only watch and return no coordinates: there is nothing to match\n";
    }
    lines
}

/// When a receiver had lost its connection and not yet got another; nothing if that never was.
fn interruptions(receiver: &ReceiverTotals) -> String {
    let gaps = receiver.interruptions.iter().map(|gap| (gap.from_ms / 1e3, gap.to_ms / 1e3));
    let gaps: Vec<_> = gaps.map(|(from, to)| format!("from {from:.1} to {to:.1} s")).collect();
    if gaps.is_empty() { String::new() } else { list("    away", gaps.into_iter()) }
}

fn receiver_row([name, matched, error, p50, p99, first]: [String; 6]) -> String {
    format!("{name:<RECEIVER_COLUMNS$}{matched:>17}{error:>14}{p50:>16}{p99:>8}{first:>9}\n")
}

#[cfg(test)]
mod tests {
    use super::super::Interruption;
    use super::super::totals::tests::report;
    use super::*;

    #[test]
    fn what_matters_comes_first() {
        let expected = "\
rebound 0.1.0   ball 1280x720 at 100 fps   x264enc (H264, software)
network made bad: loss=5%   5 of 100 packets dropped

matched      180 of 200 encoded frames   90.00 %

                  mean       p50       p95       p99       max
error          100.000    98.828   189.268   197.657   199.000  px
staleness       99.000    97.780   188.219   196.608   198.000  px
latency           6.00      5.98      7.78      7.95      7.98  ms

encode            2.00      2.00      2.00      2.00      2.00  ms
send              0.00      0.00      0.00      0.00      0.00  ms
network           3.10      3.07      4.87      5.06      5.08  ms
  there           1.00      1.00      1.00      1.00      1.00  ms
  return          2.10      2.08      3.87      4.06      4.08  ms
decode            0.80      0.80      0.80      0.80      0.80  ms
detect            0.10      0.10      0.10      0.10      0.10  ms

ended        15 lost in network, 180 matched, 5 in flight
besides      360 false finds, 1 garbage
error split  bias x 100.000 y 0.000 px, noise std 57.721 p95 95.000 px
cost         0.40 cores, 4.00 s/1000 frames, 62 MB, 24 threads
rates        100.00 frames/s, 1000 kbit/s, 14 ms to the first coordinate

receivers                 matched  error p95 px  latency p50 ms  p99 ms first ms
  0 camera room       180 90.00 %       189.268            5.98    7.95       14
  1 camera room       180 90.00 %       189.268            5.98    7.95       14
";
        assert_eq!(table(&report(2, true)), expected);
    }

    #[test]
    fn a_bias_that_rounds_to_nothing_has_no_sign() {
        let mut all = report(2, true).totals.all;
        (all.bias_px.x, all.bias_px.y) = (Some(-0.000_499), Some(-0.000_501));
        assert!(error_split(&all).contains("x 0.000 y -0.001 px"), "{}", error_split(&all));
    }

    #[test]
    fn who_was_away_is_told_with_the_times() {
        let mut receiver = report(1, true).totals.receivers.remove(0);
        assert_eq!(interruptions(&receiver), "");
        receiver.interruptions =
            [(12_340.0, 14_160.0), (70_000.0, 71_500.0)].map(|(from_ms, to_ms)| Interruption { from_ms, to_ms }).into();
        assert_eq!(interruptions(&receiver), "    away     from 12.3 to 14.2 s, from 70.0 to 71.5 s\n");
    }

    #[test]
    fn nothing_measured_reads_as_nothing() {
        let expected = "\
rebound 0.1.0   ball 1280x720 at 100 fps   x264enc (H264, software)
network made bad: loss=5%   5 of 100 packets dropped

matched      0 of 0 encoded frames   -

                  mean       p50       p95       p99       max
error                -         -         -         -         -  px
staleness            -         -         -         -         -  px
latency              -         -         -         -         -  ms

besides      1 garbage, 200 frames unwatched
cost         0.40 cores, 4.00 s/1000 frames, 62 MB, 24 threads
";
        assert_eq!(table(&report(0, false)), expected);
    }
}
