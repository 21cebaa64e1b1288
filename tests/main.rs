//! The integration tests: real processes, real sockets, real GStreamer.

#![allow(clippy::unwrap_used)]

mod bad_input;
mod chaos;
mod encoders;
mod laws;
mod security;
mod support;
mod the_loop;
