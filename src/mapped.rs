//! GStreamer's pictures as views of their pixels.

use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use crate::frame::{I420View, Plane, PlaneTooSmall};

/// Of a picture for a pipeline: nobody goes by it, but videorate 1.22 aborts the process over pictures without rate and duration.
const NOMINAL_DURATION: gst::ClockTime = gst::ClockTime::from_mseconds(33);

/// An I420 picture whose memory can be read.
#[derive(Debug)]
pub struct MappedPicture(gst_video::VideoFrame<gst_video::video_frame::Readable>);

impl MappedPicture {
    /// Without a copy; `None` when the memory cannot be mapped.
    pub fn new(buffer: gst::Buffer, info: &gst_video::VideoInfo) -> Option<MappedPicture> {
        gst_video::VideoFrame::from_buffer_readable(buffer, info).ok().map(MappedPicture)
    }

    /// Its pixels.
    ///
    /// # Errors
    /// When a plane has less memory than its size needs.
    pub fn view(&self) -> Result<I420View<'_>, PlaneTooSmall> {
        let (width, height) = self.size();
        let plane = |index: u32, width: u32, height: u32| {
            let data = self.0.plane_data(index).unwrap_or_default();
            let stride = self.0.plane_stride().get(index as usize).copied().unwrap_or_default();
            Plane::new(data, width as usize, height as usize, usize::try_from(stride).unwrap_or_default())
        };
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        Ok(I420View {
            y: plane(0, width, height)?,
            u: plane(1, half_width, half_height)?,
            v: plane(2, half_width, half_height)?,
        })
    }

    /// The picture and what kind it is, without a time and without a copy.
    pub fn sample(&self) -> gst::Sample {
        let mut picture = self.0.buffer().copy();
        let stamps = picture.make_mut();
        stamps.set_pts(gst::ClockTime::NONE);
        stamps.set_dts(gst::ClockTime::NONE);
        stamps.set_duration(NOMINAL_DURATION);
        let sample = gst::Sample::builder().buffer(&picture);
        match self.0.info().to_caps() {
            Ok(caps) => sample.caps(&caps).build(),
            Err(_) => sample.build(),
        }
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.0.width(), self.0.height())
    }
}
