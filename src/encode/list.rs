//! `rebound encoders`: the table on this machine.

use std::fmt;

use serde::Serialize;

use crate::codec::Codec;

use super::catalogue::Entry;
use super::choose::Chooser;
use super::reason::Reason;
use super::trial::{self, Measured, Shape};

/// The table on this machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listing {
    /// Pictures of this size were encoded, as `1280x720`.
    pub size: String,
    /// At this rate.
    pub fps: u32,
    /// And this bitrate.
    pub bitrate_kbps: u64,
    /// In the order in which they are tried.
    pub encoders: Vec<ListingRow>,
}

/// One encoder on this machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ListingRow {
    /// Its name.
    pub name: String,
    /// What it makes.
    pub codec: Codec,
    /// Whether it runs on a chip made for it.
    pub hardware: bool,
    /// Whether it can be used.
    pub available: bool,
    /// Why not, if not.
    pub reason: Option<String>,
    /// Median time from a picture going in to the encoded picture coming out.
    pub ms_per_frame: Option<f64>,
    /// Pictures a second, one after the other.
    pub max_fps: Option<f64>,
}

/// Pictures in a measurement: enough for a steady median, and a slow encoder still ends soon.
const FRAMES: usize = 30;

/// Tries every encoder of the table. Blocks: about a second for each that is slow.
pub fn list(chooser: &Chooser<'_>, shape: &Shape) -> Listing {
    let encoders = chooser.catalogue.entries().iter().map(|entry| row(entry, measure(chooser, entry, shape))).collect();
    Listing { size: shape.size.to_string(), fps: shape.fps.per_second(), bitrate_kbps: shape.bitrate.as_kbps(), encoders }
}

fn measure(chooser: &Chooser<'_>, entry: &Entry, shape: &Shape) -> Result<Measured, Reason> {
    chooser.installed(entry)?;
    let filled = chooser.fill(&entry.launch, &entry.name, shape)?;
    let measured = trial::run(&filled.pipeline, shape, FRAMES).map_err(Reason::Trial)?;
    if measured.delay_frames > 0 { Err(Reason::Delays(measured.delay_frames)) } else { Ok(measured) }
}

fn row(entry: &Entry, measured: Result<Measured, Reason>) -> ListingRow {
    let ms_per_frame = measured.as_ref().ok().map(|measured| measured.ms_per_frame);
    ListingRow {
        name: entry.name.clone(),
        codec: entry.codec,
        hardware: entry.hardware,
        available: measured.is_ok(),
        reason: measured.err().map(|reason| reason.to_string()),
        ms_per_frame,
        max_fps: ms_per_frame.map(|ms| 1e3 / ms),
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Encoders, in the order in which they are tried; measured at {} {} fps:", self.size, self.fps)?;
        writeln!(f, "{:<15} {:<6} {:<9} {:>8} {:>8}", "encoder", "codec", "runs on", "ms/frame", "max fps")?;
        self.encoders.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}

impl fmt::Display for ListingRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs_on = if self.hardware { "hardware" } else { "software" };
        write!(f, "{:<15} {:<6} {:<9} ", self.name, self.codec.name(), runs_on)?;
        match (self.ms_per_frame, self.max_fps, &self.reason) {
            (Some(ms), Some(fps), _) => write!(f, "{ms:>8.2} {fps:>8.0}"),
            (_, _, reason) => write!(f, "{:>8} {:>8}  {}", "-", "-", reason.as_deref().unwrap_or("not usable")),
        }
    }
}
