//! Writes the frames of a scene as raw I420 and prints the truth, a line for each frame: a JSON array of `[x, y, radius]`.
//!
//! `cargo run --release --example scene_file -- hard 640x480 30 300 frames.i420`

use std::fs::File;
use std::io::{BufWriter, Write};

use anyhow::{Context, bail};
use rebound::scene::{Scene, SceneConfig};
use rebound::units::FrameNumber;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, size, fps, frames, path] = arguments.as_slice() else {
        bail!("usage: scene_file SCENE WIDTHxHEIGHT FPS FRAMES FILE")
    };
    let scene = Scene::new(SceneConfig::new(kind.parse()?, size.parse()?, fps.parse()?))?;
    let mut file = BufWriter::new(File::create(path).with_context(|| path.clone())?);
    let mut canvas = scene.new_canvas();
    for number in 0..frames.parse()? {
        let truth = scene.draw(&mut canvas, FrameNumber(number));
        file.write_all(canvas.pixels())?;
        let rows: Vec<_> = truth.objects().iter().map(|o| [o.centre_px.x, o.centre_px.y, o.radius_px]).collect();
        println!("{}", serde_json::to_string(&rows)?);
    }
    file.flush().context("cannot write the last frames")
}
