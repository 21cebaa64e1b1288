//! Session descriptions: read line by line, judged as a whole, and written anew.

use std::fmt;

use super::attribute;
use super::candidate::{CandidateGate, CandidateRefused, CandidateVerdict};
use super::fingerprint::{Fingerprints, HashFunction, digest_from_hex};
use super::refusal::{SdpProblem, SdpRefused};
use super::section::{Direction, Extension, MediaKind, MediaLine, Section, Setup, set_once};
use super::text::is_token;

/// The longest SDP in bytes; a browser with every codec there is writes 8 KB.
pub(super) const MAX_SDP_BYTES: usize = 64 * 1024;
/// The most lines: Chromium's offer for one video with all its codecs has 170. Janus set a limit after a fuzzer (PR 3414).
pub(super) const MAX_LINES: usize = 300;
/// The longest line: an `fmtp` with parameter sets is under 500 bytes.
pub(super) const MAX_LINE_BYTES: usize = 2048;
/// The most m-lines. One video and one data channel are used; unbundled ones cost 8 descriptors and 3 threads each.
pub const MAX_MEDIA: usize = 4;
/// The most payload types of an m-line: 35 to 63 and 96 to 127 are free to use (RFC 8829 section 5.2.1 and RFC 5761).
pub(super) const MAX_FORMATS: usize = 64;

/// Who wrote an SDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SdpKind {
    /// The one who asks.
    Offer,
    /// The one who answers.
    Answer,
}

impl fmt::Display for SdpKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SdpKind::Offer => "offer".fmt(f),
            SdpKind::Answer => "answer".fmt(f),
        }
    }
}

/// An SDP that passed the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedSdp {
    text: String,
    fingerprints: Fingerprints,
    setup: Setup,
    media: Vec<MediaLine>,
}

impl CheckedSdp {
    /// The SDP, with CR LF line ends and without the candidates that did not pass.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the certificate of the DTLS handshake has to match; never empty.
    pub fn fingerprints(&self) -> &Fingerprints {
        &self.fingerprints
    }

    /// Who begins the DTLS handshake.
    pub fn setup(&self) -> Setup {
        self.setup
    }

    /// The m-lines, in order.
    pub fn media(&self) -> &[MediaLine] {
        &self.media
    }

    /// Whether it has the m-lines of an offer, rejected or not, as an answer to it must (RFC 3264 section 6).
    pub fn has_lines_of(&self, offer: &CheckedSdp) -> bool {
        let names = |media: &MediaLine| (media.kind, media.mid.clone());
        self.media.iter().map(names).eq(offer.media.iter().map(names))
    }

    /// The first video that is not rejected.
    pub fn video(&self) -> Option<&MediaLine> {
        self.media.iter().find(|media| media.kind == MediaKind::Video && !media.rejected)
    }

    /// The data channel's m-line, unless it is rejected.
    pub fn application(&self) -> Option<&MediaLine> {
        self.media.iter().find(|media| media.kind == MediaKind::Application && !media.rejected)
    }
}

/// Checks an SDP from outside. Its candidates count in `candidates`; those that do not pass are left out.
pub fn check_sdp(text: &str, kind: SdpKind, candidates: &mut CandidateGate) -> Result<CheckedSdp, SdpRefused> {
    let mut reader = Reader::new(kind, candidates);
    for (index, line) in split_lines(text)?.into_iter().enumerate() {
        reader.read_line(index + 1, line).map_err(|problem| problem.at(index + 1))?;
    }
    reader.finish()
}

fn split_lines(text: &str) -> Result<Vec<&str>, SdpRefused> {
    if text.len() > MAX_SDP_BYTES {
        return Err(SdpProblem::TooLong(text.len()).into());
    }
    if text.contains('\r') && !text.contains('\n') {
        return Err(SdpProblem::CrOnly.into());
    }
    let body = text.strip_suffix('\n').unwrap_or(text);
    let count = body.bytes().filter(|byte| *byte == b'\n').count() + 1;
    if count > MAX_LINES {
        return Err(SdpProblem::TooManyLines(count).into());
    }
    Ok(body.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect())
}

struct Reader<'a, 'g> {
    kind: SdpKind,
    candidates: &'g mut CandidateGate,
    session: Section<'a>,
    media: Vec<Section<'a>>,
    bundle: Option<Vec<&'a str>>,
    fingerprints: Fingerprints,
    written: String,
}

impl<'a, 'g> Reader<'a, 'g> {
    fn new(kind: SdpKind, candidates: &'g mut CandidateGate) -> Reader<'a, 'g> {
        let (session, media, bundle) = (Section::default(), Vec::new(), None);
        Reader { kind, candidates, session, media, bundle, fingerprints: Fingerprints::default(), written: String::new() }
    }

    fn read_line(&mut self, number: usize, line: &'a str) -> Result<(), SdpProblem> {
        if line.len() > MAX_LINE_BYTES {
            return Err(SdpProblem::LineTooLong(line.len()));
        }
        if line.chars().any(char::is_control) {
            return Err(SdpProblem::Control);
        }
        let (kind, value) = line.split_once('=').ok_or(SdpProblem::Syntax("a line without '='"))?;
        match (number, kind) {
            (1, _) if line != "v=0" => return Err(SdpProblem::Syntax("the first line is not v=0")),
            (1, _) => {}
            (2, "o") => attribute::origin(value)?,
            (3, "s") => {}
            (2 | 3, _) => return Err(SdpProblem::Syntax("o= and s= do not follow v=0")),
            (_, "m") => self.begin_media(number, value)?,
            (_, "a") => return self.read_attribute(line, value),
            (_, "c") => attribute::connection(value)?,
            (_, "b") => attribute::bandwidth(value)?,
            (_, "i") => {}
            (_, "t") if self.media.is_empty() => attribute::timing(value)?,
            (_, "u" | "e" | "p" | "r" | "z") if self.media.is_empty() => {}
            _ => return Err(SdpProblem::Syntax("a line of a kind that has no place here")),
        }
        self.write(line);
        Ok(())
    }

    fn write(&mut self, line: &str) {
        self.written.push_str(line);
        self.written.push_str("\r\n");
    }

    fn begin_media(&mut self, line: usize, value: &str) -> Result<(), SdpProblem> {
        let head = attribute::media(value)?;
        if self.media.len() == MAX_MEDIA {
            return Err(SdpProblem::TooManyMedia);
        }
        let is_application = |section: &Section<'_>| section.kind() == Some(MediaKind::Application);
        if head.kind == MediaKind::Application && self.media.iter().any(is_application) {
            return Err(SdpProblem::Duplicate("m=application"));
        }
        self.media.push(Section { line, media: Some(head), ..Section::default() });
        Ok(())
    }

    fn read_attribute(&mut self, line: &'a str, attribute: &'a str) -> Result<(), SdpProblem> {
        let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
        match name {
            _ if !is_token(name) => return Err(SdpProblem::Syntax("an attribute without a name")),
            "candidate" => return self.read_candidate(attribute),
            "end-of-candidates" => return Ok(()),
            "group" => self.read_group(value)?,
            "fingerprint" => self.read_fingerprint(value)?,
            "ice-ufrag" => set_once(&mut self.section().ufrag, attribute::ice_ufrag(value)?, "ice-ufrag")?,
            "ice-pwd" => set_once(&mut self.section().pwd, attribute::ice_pwd(value)?, "ice-pwd")?,
            "setup" => {
                let setup = attribute::setup(value, self.kind)?;
                set_once(&mut self.section().setup, setup, "setup")?;
            }
            "sendrecv" => self.set_direction(Direction::SendRecv)?,
            "sendonly" => self.set_direction(Direction::SendOnly)?,
            "recvonly" => self.set_direction(Direction::RecvOnly)?,
            "inactive" => self.set_direction(Direction::Inactive)?,
            "mid" => self.read_mid(value)?,
            "bundle-only" => self.media_section()?.bundle_only = true,
            "rtpmap" => self.read_rtp_map(value)?,
            "rtcp-fb" => _ = self.check_payload_type(value)?,
            "fmtp" => self.read_parameters(value)?,
            "extmap" => self.read_extension(value)?,
            _ => attribute::leading_number(name, value)?,
        }
        self.write(line);
        Ok(())
    }

    /// The m-line being read, or what stands before the first.
    fn section(&mut self) -> &mut Section<'a> {
        self.media.last_mut().unwrap_or(&mut self.session)
    }

    fn media_section(&mut self) -> Result<&mut Section<'a>, SdpProblem> {
        self.media.last_mut().ok_or(SdpProblem::Syntax("an attribute of an m-line before the first m-line"))
    }

    fn set_direction(&mut self, direction: Direction) -> Result<(), SdpProblem> {
        set_once(&mut self.section().direction, direction, "the direction")
    }

    fn read_mid(&mut self, value: &'a str) -> Result<(), SdpProblem> {
        let mid = attribute::mid(value)?;
        if self.media.iter().any(|section| section.mid == Some(mid)) {
            return Err(SdpProblem::Duplicate("a mid"));
        }
        set_once(&mut self.media_section()?.mid, mid, "mid")
    }

    fn read_rtp_map(&mut self, value: &str) -> Result<(), SdpProblem> {
        let section = self.media_section()?;
        let known = section.media.as_ref().map_or(&[][..], |head| &head.payload_types);
        let map = attribute::rtp_map(value, known)?;
        if section.rtp_maps.iter().any(|earlier| earlier.payload_type == map.payload_type) {
            return Err(SdpProblem::Duplicate("the rtpmap of a payload type"));
        }
        section.rtp_maps.push(map);
        Ok(())
    }

    /// The payload type that `value` begins with; none for all of them.
    fn check_payload_type(&mut self, value: &str) -> Result<Option<u8>, SdpProblem> {
        let payload_type = value.split(' ').next().unwrap_or_default();
        let section = self.media_section()?;
        let known = section.media.as_ref().map_or(&[][..], |head| &head.payload_types);
        if payload_type == "*" { Ok(None) } else { attribute::known_payload_type(payload_type, known).map(Some) }
    }

    fn read_parameters(&mut self, value: &str) -> Result<(), SdpProblem> {
        let payload_type = self.check_payload_type(value)?;
        if let (Some(payload_type), Some((_, parameters))) = (payload_type, value.split_once(' ')) {
            self.section().parameters.push((payload_type, parameters.to_owned()));
        }
        Ok(())
    }

    fn read_extension(&mut self, value: &str) -> Result<(), SdpProblem> {
        let id = attribute::extension_id(value)?;
        if let Some(uri) = value.split(' ').nth(1) {
            self.section().extensions.push(Extension { id, uri: uri.to_owned() });
        }
        Ok(())
    }

    fn read_candidate(&mut self, attribute: &str) -> Result<(), SdpProblem> {
        self.media_section()?;
        match self.candidates.check(attribute) {
            Ok(CandidateVerdict::Use(candidate)) => self.write(&format!("a={}", candidate.text())),
            Err(CandidateRefused::TooMany) => return Err(SdpProblem::Candidates(CandidateRefused::TooMany)),
            Ok(CandidateVerdict::Ignore(_)) | Err(_) => {}
        }
        Ok(())
    }

    fn read_group(&mut self, value: &'a str) -> Result<(), SdpProblem> {
        if !self.media.is_empty() {
            return Err(SdpProblem::Syntax("a group after the first m-line"));
        }
        let mut words = value.split(' ');
        if words.next() != Some("BUNDLE") {
            return Ok(());
        }
        set_once(&mut self.bundle, words.collect(), "BUNDLE")
    }

    fn read_fingerprint(&mut self, value: &str) -> Result<(), SdpProblem> {
        let (hash, hex) = value.split_once(' ').ok_or(SdpProblem::Fingerprint)?;
        let hash = HashFunction::named(hash).ok_or(SdpProblem::HashFunction)?;
        let digest = digest_from_hex(hash, hex).ok_or(SdpProblem::Fingerprint)?;
        self.fingerprints.add(hash, digest).map_err(|_| SdpProblem::ConflictingFingerprints)?;
        self.section().fingerprinted = true;
        Ok(())
    }

    fn finish(self) -> Result<CheckedSdp, SdpRefused> {
        if self.media.iter().all(Section::rejected) {
            return Err(SdpProblem::NoMedia.into());
        }
        if let Some(nameless) = self.media.iter().find(|section| section.mid.is_none()) {
            return Err(SdpProblem::Missing("mid").at(nameless.line));
        }
        let transport = self.bundled_transport()?;
        let setup = self.check_transport(transport)?;
        let media = self.media.iter().filter_map(|section| self.media_line(section)).collect();
        Ok(CheckedSdp { text: self.written, fingerprints: self.fingerprints, setup, media })
    }

    /// The m-line whose transport all share: the first that BUNDLE names (RFC 9143 section 7.2).
    fn bundled_transport(&self) -> Result<&Section<'a>, SdpProblem> {
        let bundle =
            self.bundle.as_deref().ok_or(SdpProblem::Bundle("there is none; offer with bundle-policy max-bundle"))?;
        for (i, mid) in bundle.iter().enumerate() {
            if bundle[..i].contains(mid) {
                return Err(SdpProblem::Bundle("a mid is named twice"));
            }
            match self.media.iter().find(|section| section.mid == Some(mid)) {
                None => return Err(SdpProblem::Bundle("a mid is named that no m-line has")),
                Some(section) if section.rejected() => return Err(SdpProblem::Bundle("a rejected m-line is named")),
                Some(_) => {}
            }
        }
        let in_bundle = |section: &Section<'_>| section.mid.is_some_and(|mid| bundle.contains(&mid));
        if self.media.iter().any(|section| !section.rejected() && !in_bundle(section)) {
            return Err(SdpProblem::Bundle("an m-line is not in it"));
        }
        let first = bundle.first().and_then(|mid| self.media.iter().find(|section| section.mid == Some(mid)));
        first.ok_or(SdpProblem::Bundle("it is empty"))
    }

    fn check_transport(&self, section: &Section<'_>) -> Result<Setup, SdpRefused> {
        let missing = |name| SdpProblem::Missing(name).at(section.line);
        section.ufrag.or(self.session.ufrag).ok_or_else(|| missing("ice-ufrag"))?;
        section.pwd.or(self.session.pwd).ok_or_else(|| missing("ice-pwd"))?;
        if !section.fingerprinted && !self.session.fingerprinted {
            return Err(missing("fingerprint"));
        }
        let setup = section.setup.or(self.session.setup).ok_or_else(|| missing("setup"))?;
        let contradicts = |other: &&Section<'_>| other.setup.is_some_and(|other| other != setup);
        match self.media.iter().filter(|other| !other.rejected()).find(contradicts) {
            Some(other) => Err(SdpProblem::Setup.at(other.line)),
            None => Ok(setup),
        }
    }

    fn media_line(&self, section: &Section<'_>) -> Option<MediaLine> {
        Some(MediaLine {
            kind: section.kind()?,
            mid: section.mid?.to_owned(),
            rejected: section.rejected(),
            direction: section.direction.or(self.session.direction).unwrap_or(Direction::SendRecv),
            rtp_maps: section.rtp_maps.clone(),
            parameters: section.parameters.clone(),
            extensions: section.extensions.clone(),
        })
    }
}

#[cfg(test)]
#[path = "sdp_tests.rs"]
mod tests;
