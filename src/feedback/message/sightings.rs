//! What was seen in one frame, and what became of others.

use serde::{Deserialize, Serialize};

use super::{MAX_INTEGER, MAX_OBJECTS, MAX_SIDE_PX, MAX_STAGE_US, MessageError, at_most, check_integer, wire, within};
use crate::detect::Sighting;
use crate::units::{Px, RtpTime};

/// The most frames named in [`Recent`]: one second at 60 frames per second.
pub const MAX_RECENT: usize = 64;

/// The most earlier answers in one message: at 10 % loss one in a thousand frames loses all three messages that carry its answer.
pub const MAX_EARLIER: usize = 2;

/// What was seen in one frame. Empty by default: it names no frame, and cannot be written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sightings {
    /// Counts the messages of one receiver: 0, 1, 2, …
    pub seq: u64,
    /// The RTP timestamp of the frame: the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtp: Option<RtpTime>,
    /// Where the key is not known: a timestamp that counts the same ticks from an unknown beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticks: Option<RtpTime>,
    /// The number that was read in the picture ([`crate::witness`]): the low 32 bits of the frame's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// Width in pixels of the frame that was looked at; coordinates are in it.
    pub width: u32,
    /// Height in pixels of the frame that was looked at.
    pub height: u32,
    /// What was seen.
    #[serde(with = "wire::objects")]
    pub objects: Vec<Sighting>,
    /// Microseconds from the arrival of the frame's last packet to the decoded picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decode_us: Option<u64>,
    /// Microseconds from the decoded picture to the sightings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detect_us: Option<u64>,
    /// When the frame's last packet arrived, in microseconds on the receiver's own monotonic clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrived_us: Option<u64>,
    /// What became of frames before this one.
    #[serde(default, skip_serializing_if = "Recent::is_empty")]
    pub recent: Recent,
    /// The last answers again, for the case that their own messages got lost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Earlier>,
}

/// An answer again, in short. Its picture was as large as the one of the message that carries it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Earlier {
    /// The RTP timestamp of its frame: the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtp: Option<RtpTime>,
    /// As in its own message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticks: Option<RtpTime>,
    /// As in its own message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// The centres of what was seen.
    #[serde(with = "wire::places")]
    pub places: Vec<Px>,
    /// As in its own message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decode_us: Option<u64>,
    /// As in its own message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detect_us: Option<u64>,
    /// As in its own message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrived_us: Option<u64>,
}

/// What became of earlier frames, so that the sender can tell a lost frame from a lost answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recent {
    /// Looked at; a message of its own was sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub detected: Vec<RtpTime>,
    /// Decoded, but the detector was busy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<RtpTime>,
    /// Arrived, but the decoder made no picture of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub undecoded: Vec<RtpTime>,
    /// Data of it, or of a picture that it builds on, was lost: not decoded, or not looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub damaged: Vec<RtpTime>,
}

impl Recent {
    /// How many frames are named.
    pub fn len(&self) -> usize {
        self.detected.len() + self.skipped.len() + self.undecoded.len() + self.damaged.len()
    }

    /// Whether no frame is named.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Names no frame any more; keeps its memory.
    pub fn clear(&mut self) {
        self.detected.clear();
        self.skipped.clear();
        self.undecoded.clear();
        self.damaged.clear();
    }
}

impl Sightings {
    /// Writes the message into `text`, whose memory is reused. Refuses what [`super::read`] would refuse.
    pub fn write(&self, text: &mut String) -> Result<(), MessageError> {
        self.check()?;
        super::write("sightings", self, text)
    }

    pub(super) fn check(&self) -> Result<(), MessageError> {
        check_key(self.rtp, self.ticks, self.code)?;
        within("width", self.width, 1..=MAX_SIDE_PX)?;
        within("height", self.height, 1..=MAX_SIDE_PX)?;
        check_integer("seq", self.seq, MAX_INTEGER)?;
        check_times(self.decode_us, self.detect_us, self.arrived_us)?;
        at_most("objects", self.objects.len(), MAX_OBJECTS)?;
        at_most("recent frames", self.recent.len(), MAX_RECENT)?;
        let (width, height) = (f64::from(self.width), f64::from(self.height));
        self.objects.iter().try_for_each(|object| wire::check_object(object, width, height))?;
        at_most("earlier answers", self.earlier.len(), MAX_EARLIER)?;
        at_most("earlier places", self.earlier.iter().map(|earlier| earlier.places.len()).sum(), MAX_OBJECTS)?;
        self.earlier.iter().try_for_each(|earlier| earlier.check(width, height))
    }

    /// Makes room for the next answer: this one and those before it are carried on as [`Sightings::earlier`], the newest first, as
    /// many as may be. Memory is reused. One of a picture of another size is to be forgotten instead.
    ///
    /// An answer that could not be sent, since a place in it is none, is left out: it would take the next two with it.
    pub fn carry_on(&mut self) {
        let (width, height) = (f64::from(self.width), f64::from(self.height));
        if self.objects.iter().any(|object| wire::check_place(object.centre_px, width, height).is_err()) {
            return;
        }
        if self.earlier.len() < MAX_EARLIER {
            self.earlier.push(Earlier::default());
        }
        self.earlier.rotate_right(1);
        if let Some(newest) = self.earlier.first_mut() {
            (newest.rtp, newest.ticks, newest.code) = (self.rtp, self.ticks, self.code);
            newest.places.clear();
            newest.places.extend(self.objects.iter().map(|object| object.centre_px));
            (newest.decode_us, newest.detect_us, newest.arrived_us) = (self.decode_us, self.detect_us, self.arrived_us);
        }
        let mut places = 0;
        let fitting = self.earlier.iter().take_while(|earlier| {
            places += earlier.places.len();
            places <= MAX_OBJECTS
        });
        self.earlier.truncate(fitting.count());
    }
}

impl Earlier {
    fn check(&self, width: f64, height: f64) -> Result<(), MessageError> {
        check_key(self.rtp, self.ticks, self.code)?;
        check_times(self.decode_us, self.detect_us, self.arrived_us)?;
        self.places.iter().try_for_each(|place| wire::check_place(*place, width, height))
    }
}

fn check_key(rtp: Option<RtpTime>, ticks: Option<RtpTime>, code: Option<u32>) -> Result<(), MessageError> {
    match (rtp, ticks, code) {
        (Some(_), Some(_), _) => Err(MessageError::Key("both 'rtp' and 'ticks'")),
        (None, None, None) => Err(MessageError::Key("nothing")),
        _ => Ok(()),
    }
}

fn check_times(decode_us: Option<u64>, detect_us: Option<u64>, arrived_us: Option<u64>) -> Result<(), MessageError> {
    check_integer("decode_us", decode_us.unwrap_or(0), MAX_STAGE_US)?;
    check_integer("detect_us", detect_us.unwrap_or(0), MAX_STAGE_US)?;
    check_integer("arrived_us", arrived_us.unwrap_or(0), MAX_INTEGER)
}
