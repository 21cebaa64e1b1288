//! The integration tests: real processes, real sockets, real GStreamer.

#![allow(clippy::unwrap_used)]

mod access;
mod bad_input;
mod bench;
mod chaos;
mod command_line;
mod documents;
mod encoders;
mod footage;
mod gst;
mod hub;
mod independent;
mod interop;
mod laws;
mod limits;
mod network;
mod page;
mod publish;
mod recovery;
mod relay;
mod security;
mod shown;
mod support;
mod the_loop;
mod tls;
mod tracing;
mod whep;
mod witness;
