//! What an m-line says, and what is collected about it while reading.

use std::str::FromStr;

use super::refusal::SdpProblem;
use crate::codec::Codec;

/// What flows in an m-line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// `m=video`.
    Video,
    /// `m=application`: the data channel.
    Application,
}

/// Which way video flows, as seen by the side that wrote the SDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Both ways; also when nothing is said (RFC 8866 section 6.7).
    SendRecv,
    /// The writer sends.
    SendOnly,
    /// The writer receives.
    RecvOnly,
    /// Nothing flows.
    Inactive,
}

/// Who begins the DTLS handshake, RFC 8842.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// The answerer may choose.
    ActPass,
    /// The writer begins.
    Active,
    /// The writer waits.
    Passive,
}

/// `a=rtpmap`: what a payload type means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtpMap {
    /// 0 to 127.
    pub payload_type: u8,
    /// As written: `H264`, `VP8`, `rtx`, …
    pub encoding: String,
    /// Ticks per second.
    pub clock_hz: u32,
}

/// One m-line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaLine {
    /// Video or data channel.
    pub kind: MediaKind,
    /// `a=mid`.
    pub mid: String,
    /// Port 0 and not bundle-only: the writer does not want it.
    pub rejected: bool,
    /// Which way it flows.
    pub direction: Direction,
    /// Its payload types.
    pub rtp_maps: Vec<RtpMap>,
    /// `a=fmtp`: the parameters of payload types, as written.
    pub parameters: Vec<(u8, String)>,
    /// `a=extmap`: RTP header extensions.
    pub extensions: Vec<Extension>,
}

/// `a=extmap`: what a number in RTP headers means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// 1 to 4351, RFC 8285 section 5.
    pub id: u16,
    /// What it means.
    pub uri: String,
}

impl MediaLine {
    /// The codecs that rebound knows among its payload types, in their order, each once.
    pub fn codecs(&self) -> Vec<Codec> {
        let mut codecs = Vec::new();
        for codec in self.rtp_maps.iter().filter_map(|map| Codec::from_str(&map.encoding).ok()) {
            if !codecs.contains(&codec) {
                codecs.push(codec);
            }
        }
        codecs
    }
}

/// What one part of an SDP said so far: an m-line, or what stands before the first.
#[derive(Clone, Debug, Default)]
pub(super) struct Section<'a> {
    /// The number of its first line.
    pub(super) line: usize,
    pub(super) media: Option<MediaHead>,
    pub(super) mid: Option<&'a str>,
    pub(super) ufrag: Option<&'a str>,
    pub(super) pwd: Option<&'a str>,
    pub(super) setup: Option<Setup>,
    pub(super) direction: Option<Direction>,
    pub(super) bundle_only: bool,
    pub(super) fingerprinted: bool,
    pub(super) rtp_maps: Vec<RtpMap>,
    pub(super) parameters: Vec<(u8, String)>,
    pub(super) extensions: Vec<Extension>,
}

/// The `m=` line itself.
#[derive(Clone, Debug)]
pub(super) struct MediaHead {
    pub(super) kind: MediaKind,
    pub(super) port: u16,
    pub(super) payload_types: Vec<u8>,
}

impl Section<'_> {
    pub(super) fn kind(&self) -> Option<MediaKind> {
        self.media.as_ref().map(|head| head.kind)
    }

    pub(super) fn rejected(&self) -> bool {
        self.media.as_ref().is_some_and(|head| head.port == 0) && !self.bundle_only
    }
}

/// Sets what may be said once.
pub(super) fn set_once<T>(slot: &mut Option<T>, value: T, name: &'static str) -> Result<(), SdpProblem> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(SdpProblem::Duplicate(name)),
    }
}
