//! How a view looks: pure, text in, rows out.

use std::time::Duration;

use ratatui::backend::IntoCrossterm;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};

use super::{LiveReceiver, LiveView, Quantiles};
use crate::logging::Row;

/// Rows that stay free below the view, for the shell's prompt.
const FREE_ROWS: u16 = 2;

/// The most values a sparkline shows.
const SPARK_LEN: usize = 24;

/// Levels of a sparkline, from nothing to the most.
const SPARK_LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

const LABEL: Style = Style::new().dim();
const TITLE: Style = Style::new().bold();
const GOOD: Style = Style::new().fg(Color::Green);
const WAITING: Style = Style::new().fg(Color::Yellow);
const SPARK: Style = Style::new().fg(Color::Cyan);

/// What stands for a number that was not measured.
const NOTHING: &str = "–";

/// The view for a terminal of this size.
pub(super) fn rows(view: &LiveView, columns: u16, rows: u16, coloured: bool) -> Vec<Row> {
    let lines = lines(view, columns, rows.saturating_sub(FREE_ROWS));
    lines.iter().map(|line| row(line, columns, coloured)).collect()
}

/// The view where it cannot be renewed.
pub(super) fn line(view: &LiveView) -> String {
    let (error, latency) = (&view.error_px, &view.latency_ms);
    format!(
        "{}  frames {}  matched {}  {} fps  {} kbit/s  error px p50 {} p95 {}  latency ms p50 {} p95 {} p99 {}  receivers {}",
        clock(view.uptime),
        view.produced,
        percent(view.matched_percent),
        number(view.matched_fps, 1),
        number(view.bitrate_kbps, 0),
        number(error.p50, 3),
        number(error.p95, 3),
        number(latency.p50, 1),
        number(latency.p95, 1),
        number(latency.p99, 1),
        view.receivers.len(),
    ) + &view.missed_percent.map(|missed| format!("  over budget {}", percent(Some(missed)))).unwrap_or_default()
}

fn lines(view: &LiveView, columns: u16, max_rows: u16) -> Vec<Line<'static>> {
    let mut lines = vec![Line::default()];
    lines.extend(flow(header(view), columns));
    lines.extend(flow(totals(view), columns));
    lines.extend(flow(quantiles("error px", &view.error_px, 3, &view.recent_error_px), columns));
    lines.extend(flow(quantiles("latency ms", &view.latency_ms, 1, &view.recent_latency_ms), columns));
    lines.push(Line::default());
    if view.receivers.is_empty() {
        let waiting = [Span::styled("waiting for a receiver:", WAITING), Span::raw(view.invitation.clone())];
        lines.extend(flow(waiting.map(|span| vec![span]).into(), columns));
    } else {
        let room = usize::from(max_rows).saturating_sub(lines.len());
        lines.extend(receivers(&view.receivers, columns, room));
    }
    lines.truncate(max_rows.into());
    lines
}

/// Chunks that stay whole, two spaces apart, on as many lines as it takes.
fn flow(chunks: Vec<Vec<Span<'static>>>, columns: u16) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = Vec::new();
    for chunk in chunks {
        let width = Line::from(chunk.clone()).width();
        match lines.last_mut().filter(|line| line.width() + 2 + width <= usize::from(columns)) {
            Some(line) => {
                line.push_span("  ");
                line.extend(chunk);
            }
            None => lines.push(chunk.into()),
        }
    }
    lines
}

fn labelled(label: &'static str, value: String) -> Vec<Span<'static>> {
    vec![Span::styled(label, LABEL), Span::raw(" "), Span::raw(value)]
}

fn header(view: &LiveView) -> Vec<Vec<Span<'static>>> {
    let encoder = view.encoder.clone().unwrap_or_else(|| NOTHING.to_owned());
    let rate = format!("{} of {}", number(view.bitrate_kbps.map(|kbps| kbps / 1e3), 2), view.bitrate);
    vec![
        vec![Span::styled("rebound", TITLE)],
        vec![Span::raw(format!("{} {}@{}", view.scene, view.size, view.fps))],
        labelled("encoder", encoder),
        labelled("rate", rate),
        labelled("up", clock(view.uptime)),
    ]
}

fn totals(view: &LiveView) -> Vec<Vec<Span<'static>>> {
    let mut totals = vec![
        labelled("frames", view.produced.to_string()),
        labelled("matched", percent(view.matched_percent)),
        labelled("fps", number(view.matched_fps, 1)),
    ];
    totals.extend(view.missed_percent.map(|missed| labelled("over budget", percent(Some(missed)))));
    totals
}

fn quantiles(label: &'static str, values: &Quantiles, digits: usize, recent: &[f64]) -> Vec<Vec<Span<'static>>> {
    let value = |name, value| labelled(name, format!("{:>7}", number(value, digits)));
    let title = Span::styled(format!("{label:<10}"), LABEL);
    let spark = Span::styled(spark(recent), SPARK);
    vec![vec![title], value("p50", values.p50), value("p95", values.p95), value("p99", values.p99), vec![spark]]
}

/// The last values as bars from 0 to the largest of them.
fn spark(values: &[f64]) -> String {
    let values = &values[values.len().saturating_sub(SPARK_LEN)..];
    let most = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let level = |value: &f64| (value / most * (SPARK_LEVELS.len() - 1) as f64).round() as usize;
    values.iter().map(|value| SPARK_LEVELS[level(value).min(SPARK_LEVELS.len() - 1)]).collect()
}

/// A column of the receivers' table: title, width, and what stands in it.
type Column = (&'static str, usize, fn(&LiveReceiver) -> String);

/// By importance: a narrow terminal shows the first ones.
const COLUMNS: [Column; 7] = [
    ("err p95", 8, |r| number(r.error_p95_px, 3)),
    ("lat p95", 8, |r| number(r.latency_ms.p95, 1)),
    ("matched", 8, |r| percent(r.matched_percent)),
    ("fps", 6, |r| number(r.matched_fps, 1)),
    ("lat p50", 8, |r| number(r.latency_ms.p50, 1)),
    ("lat p99", 8, |r| number(r.latency_ms.p99, 1)),
    ("state", 12, |r| r.state.clone()),
];

/// Columns for a receiver's name.
const NAME_WIDTH: usize = 14;

fn receivers(receivers: &[LiveReceiver], columns: u16, room: usize) -> Vec<Line<'static>> {
    let mut left = usize::from(columns).saturating_sub(NAME_WIDTH);
    let fitting = COLUMNS.iter().take_while(|(_, width, _)| {
        let fits = *width <= left;
        left = left.saturating_sub(*width);
        fits
    });
    let shown: Vec<&Column> = fitting.collect();
    let cells =
        |value: &dyn Fn(&Column) -> String| shown.iter().map(|c| format!("{:>1$}", value(c), c.1)).collect::<String>();
    let title = format!("{:<NAME_WIDTH$}{}", "receiver", cells(&|column| column.0.to_owned()));
    let mut lines = vec![Line::styled(title, LABEL)];
    let all_fit = receivers.len() < room;
    let shown_rows = if all_fit { receivers.len() } else { room.saturating_sub(2) };
    for receiver in receivers.iter().take(shown_rows) {
        let style = if receiver.state == "connected" { GOOD } else { WAITING };
        lines.push(vec![Span::styled(fit(&receiver.id), style), Span::raw(cells(&|column| column.2(receiver)))].into());
    }
    if !all_fit {
        lines.push(Line::styled(format!("and {} more", receivers.len() - shown_rows), LABEL));
    }
    lines
}

/// The name in its column, cut or filled up; characters may be two columns wide.
fn fit(name: &str) -> String {
    let mut fitting = String::new();
    for character in name.chars() {
        if Span::raw(format!("{fitting}{character}")).width() >= NAME_WIDTH {
            fitting.pop();
            fitting.push('…');
            break;
        }
        fitting.push(character);
    }
    let filled = NAME_WIDTH.saturating_sub(Span::raw(fitting.as_str()).width());
    fitting + &" ".repeat(filled)
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.filter(|value| value.is_finite()).map_or_else(|| NOTHING.to_owned(), |value| format!("{value:.digits$}"))
}

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), |value| format!("{} %", number(Some(value), 1)))
}

fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// The line as text for a terminal, cut at its width.
fn row(line: &Line<'_>, columns: u16, coloured: bool) -> Row {
    let mut buffer = Buffer::empty(Rect::new(0, 0, columns, 1));
    let (end, _) = buffer.set_line(0, 0, line, columns);
    let mut hidden = 0;
    let visible = buffer.content()[..usize::from(end)].iter().filter(|cell| {
        // The second cell of a wide character has nothing to show.
        let shown = hidden == 0;
        hidden = if shown { Span::raw(cell.symbol()).width().saturating_sub(1) } else { hidden - 1 };
        shown
    });
    let visible: Vec<&Cell> = visible.collect();
    let text = visible.chunk_by(|a, b| a.style() == b.style()).map(|cells| painted(cells, coloured)).collect();
    Row { text, columns: end }
}

/// Cells of one style.
fn painted(cells: &[&Cell], coloured: bool) -> String {
    let text: String = cells.iter().map(|cell| cell.symbol()).collect();
    if coloured { cells[0].style().into_crossterm().apply(text).to_string() } else { text }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::congestion::BitrateRule;
    use crate::units::{Bitrate, Fps};

    pub(in crate::live) fn a_view(receivers: usize) -> LiveView {
        let latency_ms = Quantiles { p50: Some(3.13), p95: Some(3.94), p99: Some(5.05) };
        LiveView {
            scene: "hard".to_owned(),
            size: "1280x720".parse().expect("valid"),
            fps: Fps::new(60).expect("valid"),
            encoder: Some("x264enc".to_owned()),
            bitrate: BitrateRule::Fixed(Bitrate::kbps(3000)),
            bitrate_kbps: Some(2913.4),
            uptime: Duration::from_secs(83),
            produced: 4980,
            matched_percent: Some(99.84),
            matched_fps: Some(59.9),
            error_px: Quantiles { p50: Some(0.0119), p95: Some(0.0244), p99: None },
            latency_ms,
            missed_percent: None,
            recent_error_px: vec![0.0, 0.01, 0.02, 0.03],
            recent_latency_ms: (0..100).map(f64::from).collect(),
            receivers: (0..receivers).map(|number| a_receiver(number, latency_ms)).collect(),
            invitation: "rebound receive --port 8080".to_owned(),
        }
    }

    fn a_receiver(number: usize, latency_ms: Quantiles) -> LiveReceiver {
        LiveReceiver {
            id: format!("receiver-{number}"),
            state: if number == 1 { "connecting" } else { "connected" }.to_owned(),
            matched_fps: Some(59.9),
            matched_percent: (number != 1).then_some(100.0),
            error_p95_px: Some(0.0244),
            latency_ms,
        }
    }

    fn screen(view: &LiveView, columns: u16, height: u16) -> String {
        let rows = rows(view, columns, height, false);
        assert!(rows.len() <= usize::from(height), "{} rows of {height}", rows.len());
        assert!(rows.iter().all(|row| row.columns <= columns));
        rows.iter().map(|row| format!("{}\n", row.text.trim_end())).collect()
    }

    #[test]
    fn a_wide_terminal_shows_all() {
        assert_eq!(
            screen(&a_view(2), 100, 30),
            "
rebound  hard 1280x720@60  encoder x264enc  rate 2.91 of 3 Mbit/s  up 0:01:23
frames 4980  matched 99.8 %  fps 59.9
error px    p50   0.012  p95   0.024  p99       –  ▁▃▆█
latency ms  p50     3.1  p95     3.9  p99     5.0  ▆▆▇▇▇▇▇▇▇▇▇▇▇▇▇▇████████

receiver       err p95 lat p95 matched   fps lat p50 lat p99       state
receiver-0       0.024     3.9 100.0 %  59.9     3.1     5.0   connected
receiver-1       0.024     3.9       –  59.9     3.1     5.0  connecting
"
        );
    }

    #[test]
    fn a_narrow_terminal_shows_what_matters() {
        assert_eq!(
            screen(&a_view(1), 40, 30),
            "
rebound  hard 1280x720@60
encoder x264enc  rate 2.91 of 3 Mbit/s
up 0:01:23
frames 4980  matched 99.8 %  fps 59.9
error px    p50   0.012  p95   0.024
p99       –  ▁▃▆█
latency ms  p50     3.1  p95     3.9
p99     5.0  ▆▆▇▇▇▇▇▇▇▇▇▇▇▇▇▇████████

receiver       err p95 lat p95 matched
receiver-0       0.024     3.9 100.0 %
"
        );
    }

    #[test]
    fn many_receivers_are_cut_to_the_terminal() {
        let screen = screen(&a_view(20), 80, 16);
        assert!(screen.contains("receiver-5 ") && !screen.contains("receiver-6 "), "{screen}");
        assert!(screen.ends_with("and 14 more\n"), "{screen}");
    }

    #[test]
    fn without_a_receiver_it_says_how_to_get_one() {
        let nothing_yet = LiveView {
            encoder: None,
            bitrate_kbps: None,
            matched_percent: None,
            latency_ms: Quantiles::default(),
            recent_latency_ms: Vec::new(),
            ..a_view(0)
        };
        let screen = screen(&nothing_yet, 80, 24);
        assert!(screen.ends_with("\nwaiting for a receiver:  rebound receive --port 8080\n"), "{screen}");
        assert!(screen.contains("rate – of 3 Mbit/s") && screen.contains("matched –"), "{screen}");
    }

    #[test]
    fn no_terminal_is_too_small() {
        for columns in 0..60 {
            for height in 0..12 {
                screen(&a_view(20), columns, height);
            }
        }
    }

    #[test]
    fn names_of_any_script_keep_the_columns_straight() {
        for name in ["", "a", "exactly13char", "longer than fits here", "受信機受信機受信機", "e\u{301}té"] {
            assert_eq!(Span::raw(fit(name)).width(), NAME_WIDTH, "{name}");
        }
        let mut view = a_view(1);
        view.receivers[0].id = "受信機".to_owned();
        assert!(screen(&view, 80, 24).contains("\n受信機           0.024"), "{}", screen(&view, 80, 24));
    }

    #[test]
    fn colours_appear_only_where_wanted() {
        let text = |coloured| rows(&a_view(1), 80, 24, coloured).iter().map(|row| row.text.clone()).collect::<String>();
        assert!(text(true).contains("\u{1b}["));
        assert!(!text(false).contains('\u{1b}'));
    }

    #[test]
    fn one_line_tells_it_all() {
        assert_eq!(
            line(&a_view(2)),
            "0:01:23  frames 4980  matched 99.8 %  59.9 fps  2913 kbit/s  error px p50 0.012 p95 0.024  latency ms p50 3.1 \
             p95 3.9 p99 5.0  receivers 2"
        );
    }
}
