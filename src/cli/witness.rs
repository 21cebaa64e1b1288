//! The frame code's part of `rebound send`, and `rebound calibrate`.

use clap::Args;

use crate::units::{Fps, Size};

/// What a sender draws into its frames so that it can be checked which of them a picture shows.
#[derive(Clone, Debug, Args)]
pub struct WitnessConfig {
    /// Draw each frame's number into its top left corner, for receivers to read: every join is then checked against it
    #[arg(long, help_heading = "Scene")]
    pub frame_code: bool,
}

/// `rebound calibrate`
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  rebound calibrate --size 1280x720 --fps 60")]
pub struct CalibrateConfig {
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// Frame size
    #[arg(long, value_name = "WxH", default_value = "640x480")]
    pub size: Size,
    /// Frame rate
    #[arg(long, value_name = "N", default_value = "60")]
    pub fps: Fps,
}
