//! Runs a detector over a file of raw I420 frames and prints a line for each: a JSON array of `[x, y, radius, score]`.
//!
//! `cargo run --release --example detect_file -- ball 640x480 frames.i420`

use std::fs::File;
use std::io::{BufReader, Read};

use anyhow::{Context, bail};
use rebound::detect::{Extent, Sighting, by_name};
use rebound::frame::{I420Layout, I420View};
use rebound::units::Size;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, size, path] = arguments.as_slice() else { bail!("usage: detect_file DETECTOR WIDTHxHEIGHT FILE") };
    let mut detector = by_name(name)?;
    let layout = I420Layout::new(size.parse::<Size>()?);
    let mut file = BufReader::new(File::open(path).with_context(|| path.clone())?);
    let mut frame = vec![0; layout.len];
    let mut found = Vec::new();
    while file.read_exact(&mut frame).is_ok() {
        found.clear();
        detector.detect(&I420View::new(&frame, &layout)?, &mut found);
        println!("{}", serde_json::to_string(&found.iter().map(row).collect::<Vec<_>>())?);
    }
    Ok(())
}

fn row(sighting: &Sighting) -> [f64; 4] {
    let radius = if let Extent::Radius(radius) = sighting.extent { radius } else { 0.0 };
    [sighting.centre_px.x, sighting.centre_px.y, radius, sighting.score]
}
