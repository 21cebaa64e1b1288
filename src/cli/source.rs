//! What is filmed, if it is no scene.

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::receive::DETECTORS;
use crate::source::Footage;

/// Where the pictures come from.
#[derive(Clone, Debug, Args)]
pub struct SourceConfig {
    /// 'scene', a video file, rtsp://…, http://…, a camera (/dev/video0), or launch text that gives raw video; scaled to --size,
    /// thinned out to --fps
    #[arg(long, value_name = "WHAT", default_value = "scene", help_heading = "Source")]
    pub source: Footage,
    /// Detector that looks at each frame before it is encoded: what it sees is the truth of footage that is no scene [default: none,
    /// latency is measured and error is not]
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(DETECTORS), help_heading = "Source")]
    pub reference: Option<String>,
    /// Begin again when the file is over
    #[arg(long = "loop", help_heading = "Source")]
    pub repeat: bool,
}
