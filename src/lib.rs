//! rebound closes the loop: video goes out over WebRTC, a machine looks at it, and what it saw comes back. For every single
//! frame it tells how wrong and how late the answer was.
//!
//! The modules read as the way a frame travels:
//!
//! ```text
//! scene, source -> encode -> webrtc ~~network~~ webrtc -> decode -> detect -> feedback ~~network~~ -> report
//! ```
//!
//! Three rings. **Core** modules are pure: no GStreamer, no tokio, no clock, no files; time is an argument (`scene`, `detect`,
//! `feedback`, `report`, `assertion`, `signalling`, `trace`, `impair`, `recovery`, `witness`, `congestion`, `access`). **Edges** are thin and touch
//! GStreamer, sockets or files (`source`, `pipeline`, `encode`, `webrtc`, `decode`, `server`). **Roles** only wire (`sender`,
//! `receiver`, `demo`, `bench`, `calibrate`,
//! `replay`, `diff`): one closed event type, one owner of the state, one loop.
//!
//! **Invariant**: the key of everything is the RTP timestamp ([`units::RtpTime`]). A coordinate is joined to a frame by it and by
//! nothing else; an unknown key is counted, never matched by guess.
//!
//! **Invariant**: `detect` never imports `scene`. A detector that can see the truth proves nothing.
//!
//! **Invariant**: frames may be dropped, and are counted; control messages may not.

#![forbid(unsafe_code)]
#![deny(missing_docs, unreachable_pub, rustdoc::broken_intra_doc_links)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

pub mod access;
pub mod assertion;
pub mod bench;
pub mod calibrate;
mod children;
pub mod cli;
pub mod clock;
mod closing;
pub mod codec;
pub mod config;
pub mod congestion;
pub mod decode;
pub mod demo;
pub mod detect;
pub mod diff;
pub mod display;
pub mod encode;
pub mod faults;
pub mod feedback;
pub mod frame;
pub mod hub;
pub mod ice;
pub mod impair;
pub mod junit;
pub mod live;
pub mod logging;
pub mod mapped;
pub mod pipeline;
mod random;
pub mod receiver;
pub mod record;
pub mod recovery;
pub mod replay;
pub mod report;
pub mod scene;
pub mod secrets;
pub mod sender;
pub mod serve;
pub mod server;
pub mod signalling;
pub mod signals;
pub mod source;
mod spelling;
pub mod tls;
pub mod tools;
pub mod trace;
pub mod units;
pub mod usage;
pub mod webrtc;
pub mod witness;
