//! What `--source` names.

use std::convert::Infallible;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use super::Feed;

/// Where the pictures come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Footage {
    /// The scene, drawn by this program: its truth is known exactly.
    Scene,
    /// A file, a stream or a camera.
    Media {
        /// Which entry of `pipelines/sources.toml` opens it.
        kind: MediaKind,
        /// Path or address.
        location: String,
    },
    /// Launch text that ends in raw video.
    Launch(String),
    /// Pictures from inside this process.
    Fed(Feed),
}

/// An entry of `pipelines/sources.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// A file.
    File,
    /// `http://` and `https://`.
    Http,
    /// `rtsp://` and `rtsps://`.
    Rtsp,
    /// A device of Video4Linux.
    Camera,
}

impl MediaKind {
    /// The entry's name.
    pub fn name(self) -> &'static str {
        match self {
            MediaKind::File => "file",
            MediaKind::Http => "http",
            MediaKind::Rtsp => "rtsp",
            MediaKind::Camera => "camera",
        }
    }
}

impl FromStr for Footage {
    type Err = Infallible;

    /// Whether a file is there is for the file system to say, when the run begins.
    fn from_str(text: &str) -> Result<Footage, Infallible> {
        let media = |kind, location: &str| Footage::Media { kind, location: location.to_owned() };
        let begins_with = |schemes: &[&str]| schemes.iter().any(|scheme| text.starts_with(scheme));
        Ok(match text {
            "scene" => Footage::Scene,
            _ if begins_with(&["rtsp://", "rtsps://", "rtspt://"]) => media(MediaKind::Rtsp, text),
            _ if begins_with(&["http://", "https://"]) => media(MediaKind::Http, text),
            _ if begins_with(&["/dev/video"]) => media(MediaKind::Camera, text),
            _ if is_launch_text(text) => Footage::Launch(text.to_owned()),
            _ => media(MediaKind::File, text.strip_prefix("file://").unwrap_or(text)),
        })
    }
}

/// Launch text has properties, links or caps; a file's name may have them too, but then the file is there.
fn is_launch_text(text: &str) -> bool {
    (text.contains(" ! ") || text.contains('=') || !text.contains(['.', '/'])) && !Path::new(text).exists()
}

impl fmt::Display for Footage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Footage::Scene => f.write_str("scene"),
            Footage::Media { location, .. } => f.write_str(location),
            Footage::Launch(text) => f.write_str(text),
            Footage::Fed(_) => f.write_str("published"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_follows_from_what_is_named() {
        let kind = |text: &str| match text.parse::<Footage>().expect("never fails") {
            Footage::Scene => "scene",
            Footage::Launch(_) => "launch",
            Footage::Fed(_) => "fed",
            Footage::Media { kind, .. } => kind.name(),
        };
        for (text, expected) in [
            ("scene", "scene"),
            ("match.mp4", "file"),
            ("/srv/a b/match.mp4", "file"),
            ("file:///srv/match.mp4", "file"),
            ("rtsp://me:secret@camera/1", "rtsp"),
            ("https://example.org/a.mp4?x=1", "http"),
            ("/dev/video0", "camera"),
            ("videotestsrc", "launch"),
            ("videotestsrc pattern=ball ! video/x-raw,width=320", "launch"),
            ("Cargo.toml", "file"),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }
}
