//! The machine that looks: a thread of its own, always on the newest picture.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::clock::RunClock;
use crate::decode::{Decoded, Picture};
use crate::detect::{self, Detector, Sighting};
use crate::feedback::Sightings;
use crate::feedback::message::{MAX_OBJECTS, MessageError};
use crate::webrtc::Channel;
use crate::witness;

/// Is shown what was seen, after the coordinates are on their way. Must not block.
pub(crate) type Show = Box<dyn FnMut(&Picture, &[Sighting]) + Send>;

/// What the watcher has done, to be read from other threads.
#[derive(Debug, Default)]
pub(super) struct Counts {
    detected: AtomicU64,
    unsent: AtomicU64,
}

impl Counts {
    /// Frames looked at.
    pub(super) fn detected(&self) -> u64 {
        self.detected.load(Ordering::Relaxed)
    }

    /// Frames whose coordinates the data channel did not take.
    pub(super) fn unsent(&self) -> u64 {
        self.unsent.load(Ordering::Relaxed)
    }
}

/// What a watcher works with.
pub(super) struct Watcher {
    pub(super) decoded: Arc<Decoded>,
    pub(super) codes: witness::Reader,
    /// None looks at nothing and answers nothing.
    pub(super) detector: Option<Box<dyn Detector>>,
    /// Where coordinates go; none if nobody takes them.
    pub(super) channel: Option<Channel>,
    pub(super) clock: RunClock,
    pub(super) counts: Arc<Counts>,
    pub(super) show: Option<Show>,
}

impl Watcher {
    /// Looks at pictures until the mailbox is closed.
    pub(super) fn start(self) -> std::io::Result<JoinHandle<Option<Show>>> {
        thread::Builder::new().name("detect".to_owned()).spawn(move || self.run())
    }

    fn run(mut self) -> Option<Show> {
        let mut message = Sightings::default();
        let mut text = String::new();
        let mut detector = self.detector.take();
        while let Some(picture) = self.decoded.next_picture(&self.clock) {
            if let Some(detector) = &mut detector {
                self.look(detector.as_mut(), &picture, &mut message, &mut text);
            }
            if let Some(show) = &mut self.show {
                show(&picture, &message.objects);
            }
        }
        self.show
    }

    fn look(&mut self, detector: &mut dyn Detector, picture: &Picture, message: &mut Sightings, text: &mut String) {
        let has_answered = message.seq > 0;
        if has_answered
            && picture.size() == (message.width, message.height)
            && !self.channel.as_ref().is_some_and(Channel::retransmits)
        {
            message.carry_on();
        } else {
            message.earlier.clear();
        }
        message.objects.clear();
        message.code = None;
        match picture.view() {
            Ok(view) => {
                message.code = detect::below_code(detector, &mut self.codes, &view, &mut message.objects);
            }
            Err(error) => tracing::warn!("a picture cannot be looked at: {error}"),
        }
        let detected_at = self.clock.now();
        // The best first: detectors give their sightings in no promised order.
        if message.objects.len() > MAX_OBJECTS {
            message.objects.sort_by(|one, other| other.score.total_cmp(&one.score));
            message.objects.truncate(MAX_OBJECTS);
        }
        (message.width, message.height) = picture.size();
        message.rtp = Some(picture.rtp);
        message.decode_us = picture.arrived_at.map(|arrived| micros(picture.decoded_at.saturating_sub(arrived)));
        message.detect_us = Some(micros(detected_at.saturating_sub(picture.decoded_at)));
        message.arrived_us = picture.arrived_at.map(micros);
        self.decoded.with_fates(|fates| fates.detected(picture.rtp, &mut message.recent));
        self.send(message, text);
        message.seq += 1;
        self.counts.detected.fetch_add(1, Ordering::Relaxed);
        tracing::trace!(rtp = %picture.rtp, code = message.code, objects = message.objects.len(), detect_us = message.detect_us, "looked");
    }

    fn send(&self, message: &mut Sightings, text: &mut String) {
        let Some(channel) = &self.channel else { return };
        let mut written = message.write(text);
        if matches!(written, Err(MessageError::TooLong(_))) && !message.earlier.is_empty() {
            message.earlier.clear();
            written = message.write(text);
        }
        let sent = written.map_err(|error| error.to_string());
        let sent = sent.and_then(|()| channel.send(text).map_err(|error| error.to_string()));
        if let Err(error) = sent {
            let before = self.counts.unsent.fetch_add(1, Ordering::Relaxed);
            if before == 0 {
                tracing::warn!("coordinates cannot be returned: {error} (further ones are only counted)");
            }
        }
    }
}

/// As the messages count time.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
