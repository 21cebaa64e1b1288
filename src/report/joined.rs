//! What comes of joining one answer to its frame.

use std::time::Duration;

use super::assign::assign;
use super::receiver::ReceiverId;
use crate::detect::Sighting;
use crate::feedback::message::MAX_OBJECTS as MAX_SIGHTINGS;
use crate::scene::{MAX_OBJECTS, TrueObject, Truth};
use crate::units::{FrameNumber, Px, RtpTime, Size};

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "short-lived and by value: a box would allocate for each answer")]
pub enum Outcome {
    /// Joined to its frame.
    Matched(Joined),
    /// The frame has been answered by this receiver before.
    Duplicate,
    /// The frame has been answered by a repeat that was faster, as is meant.
    Repeat,
    /// Joined to its frame, but too late to be measured.
    Late {
        /// The frame.
        frame: FrameNumber,
        /// From its production to this answer.
        latency: Duration,
    },
    /// Its key is this frame's, but the code in the picture is another's: it was stale, concealed or torn.
    WrongPicture {
        /// The frame.
        frame: FrameNumber,
        /// The low 32 bits of the number of the frame that was shown.
        shown: u32,
    },
    /// No remembered frame has this key.
    Unknown,
    /// The frame was made before the receiver joined, and does not count for it.
    BeforeJoin,
}

/// An answer and its frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Joined {
    /// Who answered.
    pub receiver: ReceiverId,
    /// The frame.
    pub frame: FrameNumber,
    /// The frame's key.
    pub rtp: RtpTime,
    /// When the answer came.
    pub at: Duration,
    /// How far off it was.
    pub score: Score,
    /// From the frame's production to the answer.
    pub latency: Duration,
    /// Whether that is no more than coordinates may be old; none if nothing says so.
    pub within_budget: Option<bool>,
    /// Where the latency came from.
    pub stages: Stages,
}

/// An object and the sighting that was assigned to it, in pixels of the frame as it was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pair {
    /// The object's identity.
    pub id: u32,
    /// Where it truly was in this frame.
    pub true_px: Px,
    /// Where it was seen.
    pub seen_px: Px,
    /// Where it truly was when the answer came, if it was still there.
    pub now_px: Option<Px>,
}

impl Pair {
    /// How wrong: the distance from where it was in the same frame.
    pub fn error_px(&self) -> f64 {
        self.true_px.distance(self.seen_px)
    }

    /// How wrong by now: the distance from where it was when the answer came.
    pub fn staleness_px(&self) -> Option<f64> {
        self.now_px.map(|now_px| now_px.distance(self.seen_px))
    }
}

/// Which sighting was which object, and what was left over.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    pairs: [Pair; MAX_OBJECTS],
    paired: usize,
    left_over_px: [Px; MAX_OBJECTS],
    /// Objects that no sighting was left for.
    pub misses: usize,
    /// Sightings that no object was left for.
    pub false_finds: usize,
}

impl Score {
    /// Assigns the sightings, seen in a picture of this width and height, to the objects that were in the frame; an object's staleness is the distance of its sighting
    /// from where it is by now.
    pub(super) fn new(
        truth: &Truth,
        truth_now: &Truth,
        picture: (u32, u32),
        sightings: impl ExactSizeIterator<Item = Px>,
        size: Size,
    ) -> Score {
        if !truth.is_known() {
            return Score::default();
        }
        let mut places = [Px::default(); MAX_OBJECTS];
        let objects = truth.objects();
        places.iter_mut().zip(objects).for_each(|(place, object)| *place = object.centre_px);
        let mut seen = [Px::default(); MAX_SIGHTINGS];
        let sighted = sightings.len();
        let count = sighted.min(MAX_SIGHTINGS);
        let to_frame = scale(picture, size);
        seen.iter_mut().zip(sightings).for_each(|(seen, place)| *seen = to_frame(place));
        let assignment = assign(&places[..objects.len()], &seen[..count]);
        let mut score = Score::default();
        for (object, sighting) in objects.iter().zip(assignment) {
            match sighting {
                Some(index) => score.pair(object, seen[index], truth_now),
                None => score.misses += 1,
            }
        }
        score.false_finds = sighted - score.paired;
        let left_over = (0..count).filter(|index| !assignment.contains(&Some(*index))).map(|index| seen[index]);
        score.left_over_px.iter_mut().zip(left_over).for_each(|(place, seen_px)| *place = seen_px);
        score
    }

    fn pair(&mut self, object: &TrueObject, seen_px: Px, truth_now: &Truth) {
        let now = truth_now.objects().iter().find(|now| now.id == object.id);
        let now_px = now.map(|now| now.centre_px);
        self.pairs[self.paired] = Pair { id: object.id, true_px: object.centre_px, seen_px, now_px };
        self.paired += 1;
    }

    /// The pairs, in the order of the objects.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs[..self.paired]
    }

    /// Where the false finds were, in pixels of the frame as it was sent; of more than [`MAX_OBJECTS`] the first.
    pub fn left_over_px(&self) -> &[Px] {
        &self.left_over_px[..self.false_finds.min(MAX_OBJECTS)]
    }
}

/// The distance of each sighting from the object that it is assigned to, as in a [`Score`], of a picture that never travelled.
pub fn raw_error_px(truth: &Truth, sightings: &[Sighting]) -> impl Iterator<Item = f64> {
    let mut score = Score::default();
    let objects = truth.objects();
    let places: Vec<Px> = objects.iter().map(|object| object.centre_px).collect();
    let seen: Vec<Px> = sightings.iter().map(|sighting| sighting.centre_px).collect();
    for (object, sighting) in objects.iter().zip(assign(&places, &seen)) {
        sighting.into_iter().for_each(|index| score.pair(object, seen[index], truth));
    }
    score.pairs.into_iter().take(score.paired).map(|pair| pair.error_px())
}

/// From the picture that was looked at to the frame that was sent, which may be of another size: a browser scales. Pixel
/// centres are integers, so that it is the corners, half a pixel further out, that fall together.
fn scale((width, height): (u32, u32), size: Size) -> impl Fn(Px) -> Px {
    let (seen_width, seen_height) = (width.max(1), height.max(1));
    let same = seen_width == size.width() && seen_height == size.height();
    let scale_x = f64::from(size.width()) / f64::from(seen_width);
    let scale_y = f64::from(size.height()) / f64::from(seen_height);
    move |Px { x, y }| {
        if same { Px { x, y } } else { Px { x: (x + 0.5) * scale_x - 0.5, y: (y + 0.5) * scale_y - 0.5 } }
    }
}

/// Where the latency of a frame came from. What is known adds up to the nanosecond: encode + send + network + decode + detect is
/// the latency, and the network is the way there and the way back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    /// Produced to encoded.
    pub encode: Option<Duration>,
    /// Encoded to the first packet handed to the network for this receiver.
    pub send: Option<Duration>,
    /// Both ways on the network, with everything that waits there: packets, jitterbuffer, data channel.
    pub network: Option<Duration>,
    /// From there to the arrival of the last packet; known if the receiver's clock is.
    pub there: Option<Duration>,
    /// Arrival to picture.
    pub decode: Option<Duration>,
    /// Picture to sightings.
    pub detect: Option<Duration>,
    /// Sightings to their arrival at the sender; known if the receiver's clock is.
    pub back: Option<Duration>,
}

/// The moments of a frame on the sender's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) produced_at: Duration,
    pub(super) encoded_at: Option<Duration>,
    pub(super) sent_at: Option<Duration>,
    /// When its answer came.
    pub(super) at: Duration,
}

impl Stages {
    /// Splits the time that a frame took. `arrived_us` is its arrival on the sender's clock; it is uncertain and therefore moved
    /// into the time that there was. Durations that do not fit into the whole are not believed.
    pub(super) fn split(
        Times { produced_at, encoded_at, sent_at, at }: Times,
        (decode_us, detect_us): (Option<u64>, Option<u64>),
        arrived_us: Option<i64>,
    ) -> Stages {
        let encode = encoded_at.and_then(|encoded_at| encoded_at.checked_sub(produced_at));
        let (Some(_), Some(encoded_at), Some(sent_at)) = (encode, encoded_at, sent_at) else {
            return Stages { encode, ..Stages::default() };
        };
        let Some(send) = sent_at.checked_sub(encoded_at).filter(|_| sent_at <= at) else {
            return Stages { encode, ..Stages::default() };
        };
        let known = Stages { encode, send: Some(send), ..Stages::default() };
        let (Some(decode_us), Some(detect_us)) = (decode_us, detect_us) else { return known };
        let (decode, detect) = (Duration::from_micros(decode_us), Duration::from_micros(detect_us));
        let network = at.checked_sub(sent_at).and_then(|rest| rest.checked_sub(decode)?.checked_sub(detect));
        let Some(network) = network else { return known };
        let there = arrived_us.map(|us| {
            let arrived_at = Duration::from_micros(us.max(0).unsigned_abs());
            arrived_at.saturating_sub(sent_at).min(network)
        });
        let (back, network) = (there.map(|there| network - there), Some(network));
        Stages { network, there, decode: Some(decode), detect: Some(detect), back, ..known }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn truth(objects: &[(u32, f64, f64)]) -> Truth {
        objects.iter().map(|&(id, x, y)| TrueObject { id, centre_px: Px { x, y }, radius_px: 5.0 }).collect()
    }

    fn scored(then: &Truth, now: &Truth, picture: (u32, u32), places: &[(f64, f64)]) -> Score {
        let size = Size::new(640, 480).expect("valid");
        Score::new(then, now, picture, places.iter().map(|&(x, y)| Px { x, y }), size)
    }

    #[test]
    fn each_object_is_measured_against_its_own_past_and_present() {
        let then = truth(&[(4, 10.0, 10.0), (7, 100.0, 10.0), (9, 10.0, 300.0)]);
        let now = truth(&[(7, 110.0, 10.0), (4, 20.0, 10.0)]);
        let score = scored(&then, &now, (640, 480), &[(101.0, 10.0), (10.0, 302.0), (10.0, 13.0), (600.0, 0.0)]);
        let errors: Vec<_> = score.pairs().iter().map(|pair| (pair.id, pair.error_px(), pair.staleness_px())).collect();
        assert_eq!(errors, [(4, 3.0, Some(109f64.sqrt())), (7, 1.0, Some(9.0)), (9, 2.0, None)]);
        assert_eq!((score.misses, score.false_finds), (0, 1));
        let score = scored(&then, &now, (640, 480), &[(100.0, 10.0)]);
        assert_eq!((score.pairs()[0].id, score.pairs().len(), score.misses, score.false_finds), (7, 1, 2, 0));
    }

    #[test]
    fn a_scaled_picture_is_measured_in_pixels_of_the_frame() {
        let truth = truth(&[(0, 0.5, 479.0)]);
        let score = scored(&truth, &truth, (320, 240), &[(0.0, 239.25)]);
        assert_eq!(score.pairs()[0].error_px(), 0.0);
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        #[test]
        fn the_stages_are_the_latency(
            produced in 0u64..1_000_000_000,
            encode in 0u64..100_000_000,
            send in 0u64..10_000_000,
            rest in 0u64..200_000_000,
            decode_us in prop::option::of(0u64..60_000),
            detect_us in prop::option::of(0u64..60_000),
            arrived_us in prop::option::of(any::<i64>()),
        ) {
            let [produced_at, encode, send, rest] = [produced, encode, send, rest].map(Duration::from_nanos);
            let encoded_at = produced_at + encode;
            let sent_at = encoded_at + send;
            let at = sent_at + rest;
            let times = Times { produced_at, encoded_at: Some(encoded_at), sent_at: Some(sent_at), at };
            let stages = Stages::split(times, (decode_us, detect_us), arrived_us);
            prop_assert_eq!((stages.encode, stages.send), (Some(encode), Some(send)));
            if let (Some(network), Some(decode), Some(detect)) = (stages.network, stages.decode, stages.detect) {
                prop_assert_eq!(network + decode + detect, rest);
                prop_assert_eq!(stages.there.is_some(), arrived_us.is_some());
                if let (Some(there), Some(back)) = (stages.there, stages.back) {
                    prop_assert_eq!(encode + send + there + decode + detect + back, at - produced_at);
                }
            } else {
                prop_assert_eq!(stages, Stages { encode: Some(encode), send: Some(send), ..Stages::default() });
            }
        }
    }

    #[test]
    fn the_clocks_split_the_network() {
        let ms = Duration::from_millis;
        let times = Times { produced_at: ms(100), encoded_at: Some(ms(101)), sent_at: Some(ms(102)), at: ms(110) };
        let stages = Stages::split(times, (Some(1000), Some(500)), Some(105_000));
        assert_eq!((stages.there, stages.back), (Some(ms(3)), Some(Duration::from_micros(3500))));
        let doubtful = Stages::split(times, (Some(1000), Some(500)), Some(90_000));
        assert_eq!((doubtful.there, doubtful.back), (Some(ms(0)), Some(Duration::from_micros(6500))));
        for odd in [
            Times { sent_at: None, ..times },
            Times { sent_at: Some(ms(100)), ..times },
            Times { sent_at: Some(ms(111)), ..times },
        ] {
            let stages = Stages::split(odd, (Some(1000), Some(500)), Some(105_000));
            assert_eq!(stages, Stages { encode: Some(ms(1)), ..Stages::default() });
        }
    }
}
