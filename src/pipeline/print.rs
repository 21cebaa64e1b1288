//! `rebound pipeline send|receive`: what would run, as text that pastes into a shell.
//!
//! gst-launch can run neither appsrc nor the negotiation of webrtcbin. What it can run is printed with a test picture in the place
//! of the scene and plain RTP over UDP in the place of WebRTC: the same encoder, payloader, depayloader and decoder. Pasted into
//! two terminals it plays.

use crate::codec::Codec;

use super::template::Value;
use super::texts::{Texts, TextsError};

/// The port of the printed pipelines: RTP's customary one (RFC 3551 section 8).
const UDP_PORT: u16 = 5004;

/// The payload type of the printed pipelines: the first dynamic one (RFC 3551 section 6).
const PAYLOAD_TYPE: u64 = 96;

/// The sending side, as launch text: `caps` is the raw format, `encoder` the filled launch text of the encoder.
pub fn send_text(texts: &Texts, codec: Codec, caps: &str, encoder: &str) -> Result<String, TextsError> {
    let payloader = &texts.payloaders.of(codec)?.launch;
    Ok(format!(
        "videotestsrc name=source is-live=true pattern=ball ! {caps} ! {encoder} \
         ! {payloader} mtu=1200 pt={PAYLOAD_TYPE} ! udpsink name=sink host=127.0.0.1 port={UDP_PORT} sync=false async=false"
    ))
}

/// The receiving side, as launch text; `sink` is launch text of what shows the pictures, as `autovideosink`.
pub fn receive_text(texts: &Texts, codec: Codec, jitter_ms: u32, sink: &str) -> Result<String, TextsError> {
    let decoding = texts.decoders.of(codec)?;
    let encoding_name = Value::Word(codec.encoding_name().to_owned());
    Ok(format!(
        "udpsrc name=source address=127.0.0.1 port={UDP_PORT} \
         caps=\"application/x-rtp,media=video,clock-rate=90000,encoding-name={encoding_name},payload={PAYLOAD_TYPE}\" \
         ! rtpjitterbuffer latency={jitter_ms} ! {} ! {} ! videoconvert ! {sink} name=sink sync=false",
        decoding.depayloader,
        decoding.decoder()
    ))
}

/// A command line for a POSIX shell that runs launch text.
pub fn gst_launch(text: &str) -> String {
    let words: Vec<String> = words(text).into_iter().map(shell_quoted).collect();
    format!("gst-launch-1.0 -v {}", words.join(" "))
}

/// The words of launch text. White space in double quotes does not end a word, and the quotes stay, since gst-launch reads them.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            letter if letter.is_whitespace() && !quoted => {
                words.push(&text[start..at]);
                start = at + letter.len_utf8();
            }
            _ => {}
        }
    }
    words.push(&text[start..]);
    words.retain(|word| !word.is_empty());
    words
}

/// As one word of a POSIX shell; in single quotes nothing but the single quote is special.
fn shell_quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-+=:,./@%".contains(&byte);
    if word.bytes().all(plain) || word == "!" { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn a_quoted_word_reaches_the_program_unchanged(word in "[ -~é]{1,30}") {
            let output = Command::new("sh").args(["-c", &format!("printf %s {}", shell_quoted(&word))]).output().expect("sh runs");
            prop_assert_eq!(String::from_utf8(output.stdout).expect("UTF-8"), word);
        }
    }

    #[test]
    fn words_in_quotes_stay_together() {
        let text = "udpsrc caps=\"a/b, c=1\"  ! x264enc option-string=\"a=\\\" b\" ! fakesink";
        let expected = ["udpsrc", "caps=\"a/b, c=1\"", "!", "x264enc", "option-string=\"a=\\\" b\"", "!", "fakesink"];
        assert_eq!(words(text), expected);
        let line = gst_launch("fakesrc ! video/x-raw(memory:NVMM) ! fakesink");
        assert_eq!(line, "gst-launch-1.0 -v fakesrc ! 'video/x-raw(memory:NVMM)' ! fakesink");
    }
}
