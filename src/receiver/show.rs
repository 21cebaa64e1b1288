//! What the receiver shows to people, on the detector's thread, after the coordinates are on their way.

use std::path::PathBuf;

use super::watch::Show;
use crate::cli::ReceiveConfig;
use crate::decode::Picture;
use crate::detect::Sighting;
use crate::display::{self, Window};
use crate::frame::I420Layout;

/// The window and the snapshot of the settings; none if neither is wanted.
pub(super) fn show(config: &ReceiveConfig) -> anyhow::Result<Option<Show>> {
    let window = config.window.then(|| Window::open(config.window_width, config.window_height)).transpose()?;
    let mut snapshot = config.snapshot.clone();
    if window.is_none() && snapshot.is_none() {
        return Ok(None);
    }
    // Where nothing is looked for, any picture will do.
    let looks = config.looks();
    let mut pixels = Vec::new();
    Ok(Some(Box::new(move |picture: &Picture, seen: &[Sighting]| {
        let wants_snapshot = snapshot.is_some() && (!seen.is_empty() || !looks);
        let shows = window.as_ref().filter(|window| window.end().is_none());
        if shows.is_none() && !wants_snapshot {
            return;
        }
        let Some(layout) = picture.copy_into(&mut pixels) else { return };
        if let Some(window) = shows {
            window.offer(&pixels, &layout, seen);
        }
        if let Some(path) = snapshot.take_if(|_| wants_snapshot) {
            save(path, &pixels, layout, seen);
        }
    })))
}

/// Saves a picture on a thread of its own: encoding a PNG takes as long as several frames.
fn save(path: PathBuf, pixels: &[u8], layout: I420Layout, seen: &[Sighting]) {
    let (pixels, seen) = (pixels.to_vec(), seen.to_vec());
    let work = move || match display::save(&path, &pixels, &layout, &seen) {
        Ok(()) => tracing::info!("snapshot saved to {}", path.display()),
        Err(error) => tracing::error!("{error}"),
    };
    if let Err(error) = std::thread::Builder::new().name("snapshot".to_owned()).spawn(work) {
        tracing::error!("the snapshot cannot be saved: {error}");
    }
}
