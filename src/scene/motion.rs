//! Where a ball is at a time: a formula, not a walk, so that no error accumulates.

use std::time::Duration;

use crate::units::Px;

use crate::random::Random;

/// Motion of one ball: each direction has its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Motion {
    x: Swing,
    y: Swing,
}

/// Where a centre may be, in one direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) low_px: f64,
    pub(super) high_px: f64,
}

/// There and back between two ends, again and again.
///
/// The period is a whole number of nanoseconds, so that the time since the beginning folds into one period in integers,
/// exactly; only what is left becomes an `f64`. That is what makes the position at frame 10^9 as exact as at frame 0.
#[derive(Clone, Copy, Debug)]
struct Swing {
    span: Span,
    period_ns: u128,
    /// How far into the period the ball is at time 0.
    start_ns: u128,
    course: Course,
}

/// How the ball gets from one end to the other.
#[derive(Clone, Copy, Debug)]
enum Course {
    /// At constant speed.
    Straight,
    /// From rest at the low coordinate (the top of the frame), accelerating evenly, as what falls does.
    Falling,
}

/// A period no run reaches: a ball at rest has this one. Far below the range of `u128`, so that no sum overflows.
const LONGEST_PERIOD_NS: u128 = 1 << 100;

impl Motion {
    /// Constant speed in a seeded direction, reflected at the ends of the spans.
    pub(super) fn straight(x: Span, y: Span, speed_px_per_s: f64, random: Random) -> Motion {
        let direction = Direction::seeded(random);
        Motion {
            x: Swing::new(x, direction.x * speed_px_per_s, random.unit(1), Course::Straight),
            y: Swing::new(y, direction.y * speed_px_per_s, random.unit(2), Course::Straight),
        }
    }

    /// Constant speed to the side, and bounces from the floor to a seeded height, without loss. The mean of the vertical speed
    /// and the horizontal speed together make `speed_px_per_s`.
    pub(super) fn falling(x: Span, y: Span, speed_px_per_s: f64, random: Random) -> Motion {
        let direction = Direction::seeded(random);
        // Between just above half and all of the height: a low bounce shows little of the parabola.
        let height_px = (y.high_px - y.low_px) * random.between(3, 0.6, 1.0);
        let y = Span { low_px: y.high_px - height_px, high_px: y.high_px };
        Motion {
            x: Swing::new(x, direction.x * speed_px_per_s, random.unit(1), Course::Straight),
            y: Swing::new(y, direction.y * speed_px_per_s, random.unit(2), Course::Falling),
        }
    }

    /// The centre at this time since frame 0.
    pub(super) fn at(&self, time: Duration) -> Px {
        Px { x: self.x.at(time), y: self.y.at(time) }
    }
}

/// A direction of length 1, 26 to 64 degrees off the horizontal: both coordinates always move.
struct Direction {
    x: f64,
    y: f64,
}

impl Direction {
    fn seeded(random: Random) -> Direction {
        // From a side, not from an angle: the square root is exact everywhere (IEEE 754), sine and cosine are not.
        let x = random.between(0, 0.44, 0.9);
        Direction { x, y: (1.0 - x * x).sqrt() }
    }
}

impl Swing {
    /// `start` is how far into the period the ball begins, 0 to 1.
    fn new(span: Span, mean_speed_px_per_s: f64, start: f64, course: Course) -> Swing {
        let period_ns = 2.0 * (span.high_px - span.low_px) / mean_speed_px_per_s * 1e9;
        // The conversion saturates, so that speed 0 gives the longest period.
        let period_ns = (period_ns as u128).clamp(1, LONGEST_PERIOD_NS);
        Swing { span, period_ns, start_ns: (period_ns as f64 * start) as u128, course }
    }

    fn at(&self, time: Duration) -> f64 {
        let phase_ns = (time.as_nanos() + self.start_ns) % self.period_ns;
        // 1 at the ends of the period, 0 in its middle.
        let folded = (2.0 * (phase_ns as f64 / self.period_ns as f64) - 1.0).abs();
        let share = match self.course {
            Course::Straight => folded,
            Course::Falling => folded * folded,
        };
        self.span.low_px + (self.span.high_px - self.span.low_px) * share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { low_px: 19.5, high_px: 619.5 };

    /// Frame `number` at 60 fps, one period being a whole number of frames.
    fn after_frames(number: u64) -> Duration {
        Duration::from_nanos((u128::from(number) * 1_000_000_000 / 60) as u64)
    }

    #[test]
    fn a_swing_touches_both_ends_at_constant_speed() {
        let swing = Swing::new(SPAN, 200.0, 0.5, Course::Straight);
        for (seconds, x) in [(0.0, 19.5), (1.0, 219.5), (3.0, 619.5), (4.0, 419.5), (6.0, 19.5)] {
            assert!((swing.at(Duration::from_secs_f64(seconds)) - x).abs() < 1e-9, "{seconds} s");
        }
    }

    #[test]
    fn a_fall_is_a_parabola_from_the_top_to_the_floor() {
        let swing = Swing::new(SPAN, 200.0, 0.5, Course::Falling);
        // h = g t^2 / 2 with 600 px in 3 s: g = 1200/9 px/s^2.
        for (seconds, fallen) in [(0.0, 0.0), (1.0, 600.0 / 9.0), (2.0, 2400.0 / 9.0), (3.0, 600.0), (5.0, 600.0 / 9.0)] {
            assert!((swing.at(Duration::from_secs_f64(seconds)) - 19.5 - fallen).abs() < 1e-9, "{seconds} s");
        }
    }

    #[test]
    fn a_billion_frames_later_the_position_is_exact() {
        let swing = Swing::new(SPAN, 200.0, 0.3, Course::Straight);
        // 10^9 frames of 1/60 s are 2,777,777 periods of 6 s and 280 frames.
        for number in 0..100 {
            let (early, late) = (after_frames(number + 280), after_frames(number + 1_000_000_000));
            assert!((swing.at(early) - swing.at(late)).abs() < 1e-6, "frame {number}");
        }
    }

    #[test]
    fn without_speed_nothing_moves_and_no_time_is_too_long() {
        let swing = Swing::new(SPAN, 0.0, 0.3, Course::Straight);
        let (first, year) = (swing.at(Duration::ZERO), swing.at(Duration::from_secs(365 * 86_400)));
        assert!((first - year).abs() < 1e-9);
        assert!((SPAN.low_px..=SPAN.high_px).contains(&swing.at(Duration::MAX)));
    }
}
