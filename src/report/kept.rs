//! What a run leaves besides its report.

use serde::Serialize;

/// The files of a run, where it was asked for them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// What became of each frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceInfo>,
    /// The encoded video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording: Option<RecordingInfo>,
}

/// What became of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TraceInfo {
    /// The file.
    pub file: String,
    /// Frames in it, once for each receiver.
    pub frames: u64,
    /// Frames that are missing in it.
    pub dropped: u64,
    /// Whether all is in it.
    pub complete: bool,
    /// It had reached its limit before the run ended.
    pub limit_reached: bool,
}

/// What became of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordingInfo {
    /// The file.
    pub file: String,
    /// Frames in it.
    pub frames: u64,
    /// Frames that are missing in it.
    pub dropped: u64,
    /// Whether all is in it, and it was ended as it should be.
    pub complete: bool,
}
