//! The files of `pipelines/`: in the program, and a user's own in their place.

use std::path::{Path, PathBuf};

use crate::codec::Codec;
use crate::units::{Fps, Size};

use super::codecs::{CodecTable, Decoding, Payloading};
use super::sources::SourceTable;
use super::template::{FillError, Template, Value};

/// What GStreamer runs, as text.
#[derive(Clone, Debug)]
pub struct Texts {
    /// `source.gst`: footage that is no scene.
    pub source: Template,
    /// `sources.toml`.
    pub sources: SourceTable,
    /// `encode.gst`: the sender's encoder.
    pub encode: Template,
    /// `peer.gst`: one receiver, at the sender.
    pub peer: Template,
    /// `receive.gst`: the receiver's connection.
    pub receive: Template,
    /// `decode.gst`: what follows the connection once the codec is known.
    pub decode: Template,
    /// `discard.gst`: in its place where nobody looks.
    pub discard: Template,
    /// `record.gst`: the encoded stream into a file.
    pub record: Template,
    /// `replay.gst`: and out of it again.
    pub replay: Template,
    /// `payloaders.toml`.
    pub payloaders: CodecTable<Payloading>,
    /// `decoders.toml`.
    pub decoders: CodecTable<Decoding>,
    /// `encoders.toml`, not yet read: [`crate::encode`] does that.
    pub encoders: Source,
}

/// A file's content and where it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file, as it is named in errors.
    pub origin: String,
    /// What is in it.
    pub content: String,
}

/// Why the texts cannot be loaded or filled.
#[derive(Debug, thiserror::Error)]
pub enum TextsError {
    /// The directory is not there or not a directory.
    #[error("--pipelines '{}' is not a directory; it holds files as those in the program's pipelines/ folder", .0.display())]
    NoDirectory(PathBuf),
    /// A file cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A table is not as it should be.
    #[error("{origin}: {what}")]
    Table {
        /// The file.
        origin: String,
        /// What is wrong, with place and key.
        what: String,
    },
    /// A text cannot be filled.
    #[error(transparent)]
    Fill(#[from] FillError),
}

impl Texts {
    /// The files in `directory`; those that are not there, or all without a directory, are the ones in the program.
    pub fn load(directory: Option<&Path>) -> Result<Texts, TextsError> {
        if let Some(directory) = directory.filter(|directory| !directory.is_dir()) {
            return Err(TextsError::NoDirectory(directory.to_owned()));
        }
        let source = |name: &str, embedded: &str| Source::load(directory, name, embedded);
        let template =
            |name: &str, embedded: &str| source(name, embedded).map(|source| Template::new(source.origin, &source.content));
        Ok(Texts {
            source: template("source.gst", include_str!("../../pipelines/source.gst"))?,
            sources: SourceTable::parse(&source("sources.toml", include_str!("../../pipelines/sources.toml"))?)?,
            encode: template("encode.gst", include_str!("../../pipelines/encode.gst"))?,
            peer: template("peer.gst", include_str!("../../pipelines/peer.gst"))?,
            receive: template("receive.gst", include_str!("../../pipelines/receive.gst"))?,
            decode: template("decode.gst", include_str!("../../pipelines/decode.gst"))?,
            discard: template("discard.gst", include_str!("../../pipelines/discard.gst"))?,
            record: template("record.gst", include_str!("../../pipelines/record.gst"))?,
            replay: template("replay.gst", include_str!("../../pipelines/replay.gst"))?,
            payloaders: CodecTable::parse(&source("payloaders.toml", include_str!("../../pipelines/payloaders.toml"))?)?,
            decoders: CodecTable::parse(&source("decoders.toml", include_str!("../../pipelines/decoders.toml"))?)?,
            encoders: source("encoders.toml", include_str!("../../pipelines/encoders.toml"))?,
        })
    }

    /// The pipeline of one receiver, at the sender.
    pub fn peer(&self, options: &PeerOptions) -> Result<String, TextsError> {
        let PeerOptions { codec, h264_level, payload_type, timestamp_offset, jitter_ms, extensions } = options.clone();
        let payloading = self.payloaders.of(codec)?;
        let extensions = extensions.map_or(Value::Nothing, Value::Launch);
        let level = f64::from(h264_level) / 10.0;
        let caps = payloading.caps.replace("{level}", &level.to_string());
        Ok(self.peer.fill(&[
            ("unit_caps", Value::Launch(caps)),
            ("payloader", Value::Launch(payloading.launch.clone())),
            ("payload_type", Value::Number(payload_type.into())),
            ("timestamp_offset", Value::Number(timestamp_offset.into())),
            ("encoding_name", Value::Word(codec.encoding_name().to_owned())),
            ("extensions", extensions),
            ("jitter_ms", Value::Number(jitter_ms.into())),
        ])?)
    }

    /// The receiver's connection, with a jitterbuffer of that many milliseconds.
    pub fn receive(&self, jitter_ms: u32) -> Result<String, TextsError> {
        Ok(self.receive.fill(&[("jitter_ms", Value::Number(jitter_ms.into()))])?)
    }

    /// What follows the connection: the depayloader and the first decoder that is installed.
    pub fn decode(&self, codec: Codec) -> Result<String, TextsError> {
        let decoding = self.decoders.of(codec)?;
        Ok(self.decode.fill(&[
            ("depayloader", Value::Launch(decoding.depayloader.clone())),
            ("decoder", Value::Launch(decoding.decoder().to_owned())),
        ])?)
    }

    /// What follows the connection where nobody looks.
    pub fn discard(&self, codec: Codec) -> Result<String, TextsError> {
        let decoding = self.decoders.of(codec)?;
        Ok(self.discard.fill(&[("depayloader", Value::Launch(decoding.depayloader.clone()))])?)
    }

    /// The recording of what an encoder makes. Matroska wants to know size and rate from the start.
    pub fn record(&self, codec: Codec, h264_level: u8, size: Size, fps: Fps) -> Result<String, TextsError> {
        let level = f64::from(h264_level) / 10.0;
        let caps = self.payloaders.of(codec)?.caps.replace("{level}", &level.to_string());
        let (width, height, fps) = (size.width(), size.height(), fps.per_second());
        let caps = format!("{caps},width={width},height={height},framerate={fps}/1");
        let parser = Value::Launch(self.decoders.of(codec)?.parser.clone());
        Ok(self.record.fill(&[("unit_caps", Value::Launch(caps)), ("parser", parser)])?)
    }

    /// A recording, decoded.
    pub fn replay(&self, codec: Codec) -> Result<String, TextsError> {
        let decoding = self.decoders.of(codec)?;
        let parser = Value::Launch(decoding.parser.clone());
        Ok(self.replay.fill(&[("parser", parser), ("decoder", Value::Launch(decoding.decoder().to_owned()))])?)
    }

    /// The codecs that this machine can both take out of RTP and decode.
    pub fn decodable(&self) -> Vec<Codec> {
        let usable = |codec: &Codec| self.decoders.of(*codec).is_ok_and(|decoding| decoding.missing().is_empty());
        Codec::ALL.into_iter().filter(usable).collect()
    }
}

/// One receiver, at the sender.
#[derive(Clone, Debug)]
pub struct PeerOptions {
    /// What the encoder makes.
    pub codec: Codec,
    /// `level_idc` of H.264, as in the offer; without meaning for other codecs.
    pub h264_level: u8,
    /// RTP payload type, 96 to 127.
    pub payload_type: u8,
    /// RTP timestamp of running time 0; the same for all peers of a stream.
    pub timestamp_offset: u32,
    /// Header extensions as further fields of the RTP caps, `,extmap-1=…`.
    pub extensions: Option<String>,
    /// webrtcbin's `latency`; without meaning for a peer that only sends.
    pub jitter_ms: u32,
}

impl Source {
    fn load(directory: Option<&Path>, name: &str, embedded: &str) -> Result<Source, TextsError> {
        let embedded = || Source { origin: format!("pipelines/{name}"), content: embedded.to_owned() };
        let Some(path) = directory.map(|directory| directory.join(name)) else { return Ok(embedded()) };
        match std::fs::read_to_string(&path) {
            Ok(content) => Ok(Source { origin: path.display().to_string(), content }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(embedded()),
            Err(error) => Err(TextsError::Unreadable { path, error }),
        }
    }
}

#[cfg(test)]
mod tests {
    use gstreamer as gst;

    use super::super::Pipeline;
    use super::*;

    fn peer_options(codec: Codec) -> PeerOptions {
        PeerOptions { codec, h264_level: 31, payload_type: 96, timestamp_offset: u32::MAX, extensions: None, jitter_ms: 0 }
    }

    #[test]
    fn every_text_is_a_pipeline_for_every_codec_that_is_installed() {
        gst::init().expect("GStreamer starts");
        let texts = Texts::load(None).expect("embedded");
        assert!(Pipeline::parse("receive", &texts.receive(60).expect("filled")).is_ok());
        let decodable = texts.decodable();
        assert!(decodable.contains(&Codec::H264) && decodable.contains(&Codec::Vp8), "{decodable:?}");
        for codec in decodable {
            let peer = Pipeline::parse("peer", &texts.peer(&peer_options(codec)).expect("filled")).expect("valid");
            assert!(peer.element::<gst::Element>("pay").is_ok());
            let decode = Pipeline::parse("decode", &texts.decode(codec).expect("filled")).expect("valid");
            assert!(decode.element::<gst::Element>("depay").is_ok());
            let discard = Pipeline::parse("discard", &texts.discard(codec).expect("filled")).expect("valid");
            assert!(discard.element::<gst::Element>("depay").is_ok());
        }
    }

    #[test]
    fn a_users_file_replaces_its_namesake_only() {
        let directory = tempfile::tempdir().expect("temporary directory");
        std::fs::write(directory.path().join("receive.gst"), "fakesrc name=mine").expect("writable");
        let texts = Texts::load(Some(directory.path())).expect("readable");
        assert_eq!(texts.receive(1).expect("filled"), "fakesrc name=mine");
        assert!(texts.peer(&peer_options(Codec::Vp8)).expect("filled").contains("rtpvp8pay"));
    }

    #[test]
    fn errors_name_the_file() {
        let directory = tempfile::tempdir().expect("temporary directory");
        for (file, content) in [
            ("receive.gst", "webrtcbin latency={jiter_ms}"),
            ("decoders.toml", "[h264]\ndepayloader = 3"),
            ("payloaders.toml", "[h263]\nlaunch = 'x'\nelements = []"),
        ] {
            std::fs::write(directory.path().join(file), content).expect("writable");
            let texts = Texts::load(Some(directory.path())).and_then(|texts| texts.receive(60).map(drop));
            let error = texts.expect_err(file).to_string();
            assert!(error.contains(file), "{error}");
            std::fs::remove_file(directory.path().join(file)).expect("there");
        }
        assert!(matches!(Texts::load(Some(Path::new("/nonexistent"))), Err(TextsError::NoDirectory(_))));
    }
}
