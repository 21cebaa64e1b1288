//! Whether an answer fits to its offer.

use super::no_common_codec;
use crate::codec::Codec;
use crate::signalling::gate::{CandidateGate, CheckedSdp, Direction, MediaLine, SdpKind, check_sdp};
use crate::signalling::message::ErrorCode;

/// Checks an answer from outside against the offer it answers and the codecs that were offered. It may reject the data channel: then
/// its writer only watches.
pub(super) fn check_answer(
    sdp: &str,
    offer: &CheckedSdp,
    codecs: &[Codec],
    candidates: &mut CandidateGate,
) -> Result<CheckedSdp, (ErrorCode, String)> {
    let refuse = |why: &str| (ErrorCode::SdpRefused, format!("the answer does not fit to the offer: {why}"));
    let answer = check_sdp(sdp, SdpKind::Answer, candidates).map_err(|why| (ErrorCode::SdpRefused, why.to_string()))?;
    if !answer.has_lines_of(offer) {
        return Err(refuse("it must have the same m-lines with the same mids in the same order"));
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
