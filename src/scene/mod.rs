//! Seeded scenes with exact truth.
//!
//! A [`Scene`] says where each ball is at any time, by a formula ([`Scene::truth_at`]), and paints frames ([`Scene::draw`]) in which
//! the balls are exactly there: the centroid of a painted ball on a flat background is its true centre to 0.002 px.
//!
//! Coordinates are those of [`Px`]: integer coordinates are pixel centres. Each ball is wholly in the frame at all times, and
//! never behind the frame code ([`SceneConfig::frame_code`]).
//!
//! **Invariant**: the same [`SceneConfig`] and frame number give the same bytes on every machine, whatever was painted before.
//! Nothing that reaches a pixel or the truth uses a function that C libraries disagree on.

mod backdrop;
mod canvas;
mod config;
mod disk;
mod motion;

use std::sync::Arc;
use std::time::Duration;

use crate::frame::I420Layout;
use crate::random::Random;
use crate::units::{FrameNumber, Px};

use canvas::Ink;
use disk::{Disk, Edge};
use motion::{Motion, Span};

pub use canvas::Canvas;
pub use config::{SceneConfig, SceneError, SceneKind, UnknownScene};

/// The most objects a scene has.
pub const MAX_OBJECTS: usize = 8;

/// Where one object truly is.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct TrueObject {
    /// Its identity, the same in every frame.
    pub id: u32,
    /// Its centre.
    pub centre_px: Px,
    /// Its radius in pixels. Where the edge is soft: where half of it is covered.
    pub radius_px: f64,
}

/// Where all objects of a scene truly are at one moment: at most [`MAX_OBJECTS`], no allocation.
///
/// An object that another one hides, partly or wholly, is here all the same: the truth is where it is, not what is seen of it.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Truth {
    objects: [TrueObject; MAX_OBJECTS],
    len: usize,
    unknown: bool,
}

impl Truth {
    /// Of footage that nobody knows the truth of: there may be objects or none.
    pub fn unknown() -> Truth {
        Truth { unknown: true, ..Truth::default() }
    }

    /// Whether sightings can be compared with it.
    pub fn is_known(&self) -> bool {
        !self.unknown
    }

    /// The objects, by identity.
    pub fn objects(&self) -> &[TrueObject] {
        &self.objects[..self.len]
    }
}

impl FromIterator<TrueObject> for Truth {
    /// Takes the first [`MAX_OBJECTS`].
    fn from_iter<I: IntoIterator<Item = TrueObject>>(objects: I) -> Truth {
        let mut truth = Truth::default();
        for object in objects.into_iter().take(MAX_OBJECTS) {
            truth.objects[truth.len] = object;
            truth.len += 1;
        }
        truth
    }
}

/// A scene: moving balls on a background.
#[derive(Clone, Debug)]
pub struct Scene {
    config: SceneConfig,
    balls: Vec<Ball>,
    backdrop: Arc<[u8]>,
    /// The noise of the balls; the backdrop has its own.
    random: Random,
}

/// One ball; its place in the scene is its identity.
#[derive(Clone, Copy, Debug)]
struct Ball {
    radius_px: f64,
    motion: Motion,
}

/// What the seed is divided into: the table of random numbers that each use has. Balls follow, by identity.
const BACKDROP_TABLE: u64 = 0;
const BALL_NOISE_TABLE: u64 = 1;
const FIRST_BALL_TABLE: u64 = 2;

impl Scene {
    /// Checks the configuration and paints the background, once.
    ///
    /// # Errors
    /// When the ball does not fit the size or the speed is out of range.
    pub fn new(config: SceneConfig) -> Result<Scene, SceneError> {
        config.check()?;
        let random = Random::new(config.seed);
        let count = if config.kind == SceneKind::Many { MAX_OBJECTS } else { 1 };
        let balls = (0..count).map(|index| Ball::new(&config, index, random.table(FIRST_BALL_TABLE + index as u64)));
        Ok(Scene {
            balls: balls.collect(),
            backdrop: backdrop::render(&config, &I420Layout::new(config.size), random.table(BACKDROP_TABLE)).into(),
            random: random.table(BALL_NOISE_TABLE),
            config,
        })
    }

    /// What the scene was made from.
    pub fn config(&self) -> &SceneConfig {
        &self.config
    }

    /// Where the balls are in this frame: [`Scene::truth_at`] the time the frame is due.
    pub fn truth(&self, number: FrameNumber) -> Truth {
        self.truth_at(self.config.fps.time_of(number))
    }

    /// Where the balls are at this time after frame 0, whether or not there is a frame then.
    pub fn truth_at(&self, time: Duration) -> Truth {
        let object =
            |(id, ball): (u32, &Ball)| TrueObject { id, centre_px: ball.motion.at(time), radius_px: ball.radius_px };
        (0..).zip(&self.balls).map(object).collect()
    }

    /// A picture of the background, for [`Scene::draw`].
    pub fn new_canvas(&self) -> Canvas {
        Canvas::new(I420Layout::new(self.config.size), Arc::clone(&self.backdrop))
    }

    /// Paints a frame and says where the balls are in it. Where they overlap, those of higher identity are in front.
    ///
    /// Only what changes is painted. A canvas of another scene becomes one of this scene.
    pub fn draw(&self, canvas: &mut Canvas, number: FrameNumber) -> Truth {
        if !canvas.is_over(&self.backdrop) {
            *canvas = self.new_canvas();
        }
        let truth = self.truth(number);
        let edge = edge_of(self.config.kind);
        let disk = |object: &TrueObject| Disk { centre: object.centre_px, radius_px: object.radius_px, edge };
        canvas.repaint(truth.objects().iter().map(disk), self.ink(number));
        if self.config.frame_code {
            canvas.stamp(number);
        }
        truth
    }

    fn ink(&self, number: FrameNumber) -> Ink {
        match self.config.kind {
            SceneKind::Hard => Ink::Noisy(self.random.table(number.0)),
            SceneKind::Ball | SceneKind::Gravity | SceneKind::Many => Ink::Flat,
        }
    }
}

fn edge_of(kind: SceneKind) -> Edge {
    match kind {
        SceneKind::Hard => Edge::Soft,
        SceneKind::Ball | SceneKind::Gravity | SceneKind::Many => Edge::Sharp,
    }
}

impl Ball {
    fn new(config: &SceneConfig, index: usize, random: Random) -> Ball {
        // Each ball of `many` is 1/14 smaller than the one before, the last half as large as the first.
        let radius_px = (config.radius_px * (1.0 - index as f64 / 14.0)).max(SceneConfig::MIN_RADIUS_PX);
        let reach_px = radius_px + edge_of(config.kind).half_width_px();
        let x = Span { low_px: reach_px - 0.5, high_px: f64::from(config.size.width()) - 0.5 - reach_px };
        let top_px = f64::from(config.reserved_rows()) - 0.5;
        let y = Span { low_px: top_px + reach_px, high_px: f64::from(config.size.height()) - 0.5 - reach_px };
        let speed = config.speed_px_per_s;
        let motion = match config.kind {
            SceneKind::Ball | SceneKind::Hard => Motion::straight(x, y, speed, random),
            SceneKind::Gravity => Motion::falling(x, y, speed, random),
            SceneKind::Many => Motion::straight(x, y, speed * random.between(4, 0.5, 1.5), random),
        };
        Ball { radius_px, motion }
    }
}

#[cfg(test)]
mod tests;
