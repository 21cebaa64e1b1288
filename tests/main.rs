//! The integration tests: real processes, real sockets, real GStreamer.

#![allow(clippy::unwrap_used)]

mod laws;
mod support;
mod the_loop;
