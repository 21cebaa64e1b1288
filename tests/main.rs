//! The integration tests: real processes, real sockets, real GStreamer.

#![allow(clippy::unwrap_used)]

mod bad_input;
mod chaos;
mod laws;
mod support;
mod the_loop;
