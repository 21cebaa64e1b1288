//! A running encoder: its bitrate, and keyframes on request.

use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;

use crate::pipeline::{Pipeline, PipelineError};
use crate::units::Bitrate;

use super::catalogue::{BitrateControl, Keyframe};
use super::choose::Choice;

/// Controls a running encoder. Holds no strong reference to it.
#[derive(Clone, Debug)]
pub struct Control {
    encoder: glib::WeakRef<gst::Element>,
    units: glib::WeakRef<gst::Element>,
    bitrate: Option<BitrateControl>,
    keyframe: Keyframe,
}

/// Why the bitrate cannot be changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// It is not known how.
    #[error(
        "this encoder's bitrate cannot be changed while it runs: its launch text needs name=encoder and a known encoder"
    )]
    NoControl,
    /// It has ended.
    #[error("the encoder has ended")]
    Ended,
    /// The property does not take the value.
    #[error("the encoder's property '{property}' does not take '{value}'")]
    Refused {
        /// From the table.
        property: String,
        /// In the property's unit.
        value: String,
    },
}

impl Control {
    /// For the encoder that runs in this pipeline, which was made from [`Choice::pipeline`].
    pub fn new(pipeline: &Pipeline, choice: &Choice) -> Result<Control, PipelineError> {
        let units: gst::Element = pipeline.element("units")?;
        let encoder = pipeline.inner().by_name("encoder");
        Ok(Control {
            encoder: encoder.map_or_else(glib::WeakRef::new, |encoder| encoder.downgrade()),
            units: units.downgrade(),
            bitrate: choice.bitrate.clone(),
            keyframe: choice.keyframe.clone(),
        })
    }

    /// From the next picture on the encoder makes this many bits.
    pub fn set_bitrate(&self, bitrate: Bitrate) -> Result<(), ControlError> {
        let Some(control) = &self.bitrate else { return Err(ControlError::NoControl) };
        let encoder = self.encoder.upgrade().ok_or(match self.units.upgrade() {
            Some(_) => ControlError::NoControl,
            None => ControlError::Ended,
        })?;
        let (property, value) = (control.property.clone(), control.value(bitrate));
        if set_from_text(&encoder, &property, &value) { Ok(()) } else { Err(ControlError::Refused { property, value }) }
    }

    /// The next picture becomes a keyframe. Ask [`KeyframeGate`] first.
    pub fn force_keyframe(&self) {
        match &self.keyframe {
            Keyframe::Event => self.send_force_key_unit(),
            Keyframe::Signal(name) => self.emit(name),
        }
    }

    fn send_force_key_unit(&self) {
        let Some(units) = self.units.upgrade() else { return };
        let event = gstreamer_video::UpstreamForceKeyUnitEvent::builder().all_headers(true).build();
        if !units.send_event(event) {
            tracing::warn!("the encoder does not take the request for a keyframe");
        }
    }

    fn emit(&self, signal: &str) {
        let Some(encoder) = self.encoder.upgrade() else { return };
        let plain = |query: &glib::subclass::SignalQuery| query.n_params() == 0 && query.return_type() == glib::Type::UNIT;
        let known = glib::subclass::SignalId::lookup(signal, encoder.type_()).map(|id| id.query());
        if known.as_ref().is_some_and(plain) {
            encoder.emit_by_name::<()>(signal, &[]);
        } else {
            tracing::warn!(signal, "the encoder has no such signal for keyframes");
        }
    }
}

/// Sets a property as launch text would, a number brought into the property's range; `false` when there is no such property or it
/// does not take the value.
fn set_from_text(element: &gst::Element, property: &str, text: &str) -> bool {
    let Some(spec) = element.find_property(property) else { return false };
    let text = text.parse().map_or_else(|_| text.to_owned(), |number: i128| clamped(number, &spec).to_string());
    let Ok(value) = glib::Value::deserialize_with_pspec(&text, &spec) else { return false };
    element.set_property_from_value(property, &value);
    true
}

fn clamped(number: i128, spec: &glib::ParamSpec) -> i128 {
    let (least, most): (i128, i128) = if let Some(spec) = spec.downcast_ref::<glib::ParamSpecUInt>() {
        (spec.minimum().into(), spec.maximum().into())
    } else if let Some(spec) = spec.downcast_ref::<glib::ParamSpecInt>() {
        (spec.minimum().into(), spec.maximum().into())
    } else {
        return number;
    };
    number.clamp(least, most)
}

/// The least time between two keyframes on request. Several receivers that lost the same picture all ask within a round trip, and
/// each asks again while the answer is on its way; a keyframe every time would fill the path it is to repair. 200 ms is more than
/// a round trip on usable paths, and short enough that a picture is not missed for long.
const KEYFRAME_INTERVAL: Duration = Duration::from_millis(200);

/// Makes many requests for keyframes into few. Pure: time is an argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyframeGate {
    last: Option<Duration>,
    waiting: bool,
}

impl KeyframeGate {
    /// Somebody asks; `true` when the encoder is to be asked now. If not, it is to be asked at [`KeyframeGate::due`].
    pub fn on_request(&mut self, now: Duration) -> bool {
        self.waiting = true;
        self.on_time(now)
    }

    /// When the encoder is to be asked for those who wait.
    pub fn due(&self) -> Option<Duration> {
        let earliest = self.last.map_or(Duration::ZERO, |last| last + KEYFRAME_INTERVAL);
        self.waiting.then_some(earliest)
    }

    /// Time has passed; `true` when the encoder is to be asked now.
    pub fn on_time(&mut self, now: Duration) -> bool {
        let send = self.due().is_some_and(|due| due <= now);
        if send {
            *self = KeyframeGate { last: Some(now), waiting: false };
        }
        send
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_request_goes_through_and_a_burst_becomes_one_more() {
        let ms = Duration::from_millis;
        let mut gate = KeyframeGate::default();
        assert_eq!(gate.due(), None);
        assert!(gate.on_request(ms(1000)));
        let burst = (1001..1150).filter(|&now| gate.on_request(ms(now))).count();
        assert_eq!(burst, 0);
        assert_eq!(gate.due(), Some(ms(1200)));
        assert!(!gate.on_time(ms(1199)));
        assert!(gate.on_time(ms(1200)));
        assert!(!gate.on_time(ms(5000)), "nobody waits");
        assert!(gate.on_request(ms(5000)));
    }
}
