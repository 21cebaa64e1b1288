//! The integration tests: real processes, real sockets, real GStreamer.

#![allow(clippy::unwrap_used)]

mod chaos;
mod laws;
mod support;
mod the_loop;
