//! Which encoder makes the video: a table, a trial of each, the first that passes; and its control while it runs.

mod catalogue;
mod choose;
mod control;
mod list;
mod reason;
mod running;
mod settings;
mod trial;
mod unit;

pub use catalogue::{BitrateControl, BitrateUnit, Catalogue, CatalogueError, Entry, Keyframe};
pub use choose::{Choice, Chooser, Request, Wanted};
pub use control::{Control, ControlError, KeyframeGate};
pub use list::{Listing, ListingRow, list};
pub use reason::{ChooseError, PassedOver, Reason};
pub use running::{EncoderEvent, RunningEncoder};
pub use trial::{DEFAULT_GOP_FRAMES, Measured, Shape, TrialError};
pub use unit::Unit;
