//! What comes out of an encoder.

use gstreamer as gst;

/// One encoded picture, as the encoder's parser gave it.
#[derive(Debug)]
pub struct Unit {
    /// The bytes.
    pub buffer: gst::Buffer,
    /// The running time of the frame: what its RTP timestamp is made of.
    pub running_time: gst::ClockTime,
    /// Can be decoded without any other.
    pub keyframe: bool,
}

impl Unit {
    /// Reads an appsink's sample. None without a buffer or a time.
    ///
    /// Encoders shift their timestamps (x264enc by 1000 hours) and say so in the segment, so only running times can be compared.
    pub fn of_sample(sample: &gst::Sample) -> Option<Unit> {
        let buffer = sample.buffer_owned()?;
        let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
        let running_time = segment.to_running_time(buffer.pts()?)?;
        let keyframe = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        Some(Unit { running_time, keyframe, buffer })
    }
}
