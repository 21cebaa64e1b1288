//! How wrong and how late: joins what was seen to what was there, frame by frame. Pure: time is an argument, `at`, since the
//! run began on the sender's monotonic clock.
//!
//! [`Ledger`] is the one book of a run. It is told of every step of every frame, and it is the only place that joins
//! coordinates to frames.
//!
//! **Invariant**: a result is joined by its RTP timestamp to the nearest produced frame, within half a frame interval, or not at
//! all. A result that could belong to two frames belongs to none, and one whose picture shows another frame's code is not measured.
//! Only where a client knows no RTP timestamp does the code in the picture take its place.
//!
//! **Invariant**: each produced frame is in exactly one [`State`], for each receiver and over all, at any moment; the counts add
//! up to the frames produced.
//!
//! **Invariant**: memory is bounded, however long the run and however many receivers come and go.

mod assign;
mod calibration;
mod cost;
mod distribution;
mod frames;
mod joined;
mod kept;
mod ledger;
mod offsets;
mod party;
mod receiver;
mod record;
mod states;
pub mod text;
mod totals;

pub use cost::{Cost, SenderCost, ThreadCost};
pub use distribution::{Distribution, Spread};
pub use joined::{Joined, Outcome, Pair, Score, Stages, raw_error_px};
pub use kept::{Kept, RecordingInfo, TraceInfo};
pub use ledger::{KeyError, LATE_AFTER, Ledger, LedgerConfig};
pub use offsets::{Bias, Noise};
pub use receiver::ReceiverId;
pub use record::FrameRecord;
pub use states::{Ended, State};
pub use totals::{
    BudgetTotals, CalibrationTotals, ClockTotals, EncoderInfo, Floors, FrameTotals, ImpairmentInfo, Interruption,
    ObjectTotals, ReceiverSummary, ReceiverTotals, Report, ResultTotals, RunInfo, SceneInfo, StageTotals, Summary, Totals,
    TotalsOf, WitnessTotals,
};
