//! Whether an answer fits to its offer.

use super::no_common_codec;
use crate::codec::Codec;
use crate::signalling::gate::{CandidateGate, CheckedSdp, Direction, MediaLine, SdpKind, check_sdp};
use crate::signalling::message::ErrorCode;

/// Checks an answer from outside against the offer it answers and the codecs that were offered.
pub(super) fn check_answer(
    sdp: &str,
    offer: &CheckedSdp,
    codecs: &[Codec],
    candidates: &mut CandidateGate,
) -> Result<CheckedSdp, (ErrorCode, String)> {
    let refuse = |why: &str| (ErrorCode::SdpRefused, format!("the answer does not fit to the offer: {why}"));
    let answer = check_sdp(sdp, SdpKind::Answer, candidates).map_err(|why| (ErrorCode::SdpRefused, why.to_string()))?;
    let lines = |sdp: &CheckedSdp| sdp.media().iter().map(|media| (media.kind, media.mid.clone())).collect::<Vec<_>>();
    if lines(&answer) != lines(offer) {
        return Err(refuse("it must have the same m-lines with the same mids in the same order"));
    }
    if answer.application().is_none() {
        return Err(refuse("it rejects the data channel, over which the coordinates return"));
    }
    let taken = answer.video().map(MediaLine::codecs).unwrap_or_default();
    if !taken.iter().any(|codec| codecs.contains(codec)) {
        return Err((ErrorCode::NoCommonCodec, no_common_codec(codecs, &taken)));
    }
    let receives = |video: &MediaLine| matches!(video.direction, Direction::RecvOnly | Direction::SendRecv);
    if !answer.video().is_some_and(receives) {
        return Err(refuse("it does not receive the video; it must say recvonly"));
    }
    Ok(answer)
}
