use super::*;

fn axis(title: &str, division: Division) -> Axis {
    Axis { title: title.into(), division }
}

/// Two encoders over three bitrates, the second with a range.
fn lines() -> Panels {
    let line = |series: usize, form: Form, factor: f64| {
        let spots =
            [250.0, 500.0, 1000.0].map(|x| Spot { x, y: factor / x, range: Some((factor / x / 2.0, factor / x * 2.0)) });
        Line { series, form, spots: spots.into() }
    };
    let panel = |title: &str| Panel {
        x: axis("bitrate (kbit/s)", Division::Log),
        y: axis(title, Division::Log),
        lines: vec![line(0, Form::Marked, 10.0), line(1, Form::Marked, 30.0)],
        marks: vec![Mark { x: 400.0, label: "loss=5%".into() }],
    };
    Panels {
        series: vec!["x264enc".into(), "<vp8enc> & \"more\"".into()],
        panels: vec![panel("bias (px)"), panel("noise (px)")],
        columns: 2,
        share_x: false,
        share_y: true,
        height_px: 240.0,
    }
}

fn bars() -> Bars {
    let bar = |name: &str, parts: [f64; 3]| Bar { name: name.into(), parts: parts.into() };
    Bars {
        title: "mean time (ms)".into(),
        unit: "ms".into(),
        parts: ["encode", "send", "there"].map(String::from).into(),
        bars: vec![bar("x264enc 640x480@30 1 Mbit/s", [2.0, 0.0, 1.0]), bar("vp8enc 640x480@30 1 Mbit/s", [4.0, 0.5, 1.5])],
    }
}

fn plot(chart: Chart) -> Plot {
    Plot { name: "plot".into(), title: "A <plot>".into(), caption: "Read it.".into(), chart }
}

/// The values of an attribute in all elements of a kind.
fn attributes(svg: &str, element: &str, attribute: &str) -> Vec<String> {
    let start = format!("<{element}");
    let elements = svg.split(&start).skip(1);
    let values = elements.filter_map(|rest| {
        let tag = rest.split_once('>')?.0;
        tag.split_once(&format!(" {attribute}=\""))
            .and_then(|(_, value)| value.split_once('"'))
            .map(|(value, _)| value.to_string())
    });
    values.collect()
}

fn numbers(values: &[String]) -> Vec<f64> {
    values.iter().map(|value| value.parse().expect("a number")).collect()
}

#[test]
fn each_measured_point_is_marked_at_its_place() {
    let svg = plot(Chart::Panels(lines())).svg(Width::Wide).expect("drawn");
    // Round marks: three points in each of two panels, and one in the legend before them.
    let (xs, ys) = (numbers(&attributes(&svg, "circle", "cx")), numbers(&attributes(&svg, "circle", "cy")));
    assert_eq!((xs.len(), ys.len()), (7, 7));
    // Twice the bitrate is equally far each time, and half the error is equally far down.
    for panel in [1..4, 4..7] {
        let (xs, ys) = (&xs[panel.clone()], &ys[panel]);
        assert!((xs[1] - xs[0] - (xs[2] - xs[1])).abs() <= 2.0 && xs[1] > xs[0], "{xs:?}");
        assert!((ys[1] - ys[0] - (ys[2] - ys[1])).abs() <= 2.0 && ys[1] > ys[0], "{ys:?}");
    }
    assert_eq!(ys[1..4], ys[4..7], "panels that share an axis are drawn alike");
}

#[test]
fn a_bar_is_as_long_as_its_parts_together() {
    let svg = plot(Chart::Bars(bars())).svg(Width::Wide).expect("drawn");
    let widths = numbers(&attributes(&svg, "rect", "width"));
    // The paper, three samples in the legend, and a rectangle for each part that is not zero.
    assert_eq!(widths.len(), 1 + 3 + 2 + 3, "{widths:?}");
    let (first, second) = (&widths[4..6], &widths[6..9]);
    assert!((first[0] / first[1] - 2.0).abs() < 0.01, "{first:?}");
    assert!((second.iter().sum::<f64>() / first.iter().sum::<f64>() - 2.0).abs() < 0.01, "{second:?}");
    let lefts = numbers(&attributes(&svg, "rect", "x"));
    assert!((lefts[7] - (lefts[6] + widths[6])).abs() <= 1.0, "a part begins where the one before it ends");
}

#[test]
fn names_are_escaped_and_nothing_leaves_the_plot() {
    for chart in [Chart::Panels(lines()), Chart::Bars(bars())] {
        for width in [Width::Wide, Width::Narrow] {
            let svg = plot(chart.clone()).svg(width).expect("drawn");
            assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
            assert!(svg.contains("aria-label=\"A &lt;plot&gt;\"") && !svg.contains("<vp8enc>"));
            let right = (width.px() + 2.0 * MARGIN_PX) * SVG_SCALE;
            let xs = numbers(&attributes(&svg, "text", "x"));
            assert!(xs.iter().all(|x| (0.0..=right).contains(x)), "{xs:?}");
        }
    }
}

#[test]
fn a_png_is_as_large_as_told_and_not_blank() {
    let chart = Chart::Panels(lines());
    let (width, height) = chart.size_px(Width::Wide).expect("font");
    let file = plot(chart).png().expect("drawn");
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("fits")];
    reader.next_frame(&mut pixels).expect("decodes");
    assert_eq!((reader.info().width, reader.info().height), (2 * width as u32, 2 * height as u32));
    let blue = pixels.chunks_exact(3).filter(|pixel| pixel == &[0x00, 0x72, 0xb2]).count();
    let paper = pixels.chunks_exact(3).filter(|pixel| pixel == &[255; 3]).count();
    assert!(blue > 500 && paper > pixels.len() / 3 / 2, "{blue} {paper}");
}

#[test]
fn values_that_have_no_place_break_nothing() {
    let mut panels = lines();
    for line in panels.panels.iter_mut().flat_map(|panel| &mut panel.lines) {
        line.spots = vec![Spot::at(0.0, -1.0), Spot::at(f64::NAN, f64::INFINITY)];
    }
    let mut bars = bars();
    bars.bars[0].parts = vec![f64::NAN, 0.0, 0.0];
    let none = Bars { bars: Vec::new(), ..bars.clone() };
    for chart in [Chart::Panels(panels), Chart::Bars(bars), Chart::Bars(none)] {
        assert!(plot(chart).svg(Width::Narrow).expect("drawn").contains("</svg>"));
    }
}
