//! A sender, a bottleneck and a receiver in virtual time.

use std::collections::VecDeque;
use std::time::Duration;

use super::*;
use crate::units::{Bitrate, Fps, Size};

const FRAME: Duration = Duration::from_micros(33_333);
const PACKET_BYTES: f64 = 1200.0;

/// What a run came to, once a frame.
#[derive(Clone, Copy, Debug)]
struct Moment {
    at: Duration,
    /// Of the bottleneck.
    used: f64,
    /// From the encoder to the arrival of the last packet.
    frame_delay: Duration,
}

/// A path whose bottleneck carries `rate(at)` bits a second, with a queue of half a second, that is `delay` long, each way.
struct Link<R> {
    rate: R,
    delay: Duration,
    free_at: Duration,
}

impl<R: Fn(Duration) -> f64> Link<R> {
    fn carry(&mut self, sent: Duration) -> Option<Duration> {
        if self.free_at > sent + Duration::from_millis(500) {
            return None;
        }
        let begins = self.free_at.max(sent);
        if (self.rate)(begins) == 0.0 {
            return None;
        }
        self.free_at = begins + Duration::from_secs_f64(PACKET_BYTES * 8.0 / (self.rate)(begins));
        Some(self.free_at + self.delay)
    }
}

/// Runs an encoder that does as it is told, but for a fifth more or less, over the path.
fn run(rule: &str, delay: Duration, seconds: u32, rate: impl Fn(Duration) -> f64) -> Vec<Moment> {
    let rule: BitrateRule = rule.parse().expect("valid");
    let (size, fps) = (Size::new(640, 480).expect("valid"), Fps::new(30).expect("valid"));
    let mut controller = Controller::new(rule, size, fps).expect("auto");
    let (mut path, mut link) = (Path::default(), Link { rate: &rate, delay, free_at: Duration::ZERO });
    let (mut feedback, mut moments) = (VecDeque::<(Duration, Vec<Packet>)>::new(), Vec::new());
    for frame in 0..seconds * 30 {
        let at = FRAME * frame;
        while let Some((_, packets)) = feedback.pop_front_if(|(comes, _)| *comes <= at) {
            packets.into_iter().for_each(|packet| path.note(packet));
            let pace = controller.target().bitrate;
            controller.on_feedback(1, path.measured(), pace, at);
        }
        controller.on_time(at);
        let noise = 1.0 + 0.2 * f64::from(frame * 7919 % 11) / 5.0 - 0.2;
        let bits = controller.target().bitrate.as_bps() as f64 * FRAME.as_secs_f64() * noise;
        let packets = (bits / 8.0 / PACKET_BYTES).round().max(1.0) as u32;
        let each = FRAME.mul_f64(0.85) / packets;
        let sent: Vec<Packet> = (0..packets)
            .map(|number| at + each * number)
            .map(|sent| Packet { sent, arrived: link.carry(sent), bytes: PACKET_BYTES as u32 })
            .collect();
        let is_told = sent.iter().any(|packet| packet.arrived.is_some());
        let last = sent.iter().filter_map(|packet| packet.arrived).max().unwrap_or(at + Duration::from_secs(1));
        moments.push(Moment {
            at,
            used: f64::from(packets) * PACKET_BYTES * 8.0 / FRAME.as_secs_f64() / rate(at),
            frame_delay: last - at,
        });
        if is_told {
            feedback.push_back((last + delay, sent));
        }
    }
    moments
}

fn between(moments: &[Moment], from: u64, to: u64) -> Vec<Moment> {
    let range = Duration::from_secs(from)..Duration::from_secs(to);
    moments.iter().copied().filter(|moment| range.contains(&moment.at)).collect()
}

fn used(moments: &[Moment]) -> f64 {
    moments.iter().map(|moment| moment.used).sum::<f64>() / moments.len() as f64
}

fn p95(moments: &[Moment]) -> Duration {
    let mut delays: Vec<Duration> = moments.iter().map(|moment| moment.frame_delay).collect();
    delays.sort();
    delays[delays.len() * 95 / 100]
}

/// 4, then 1, then 4 Mbit/s.
fn drop_and_rise(at: Duration) -> f64 {
    if (20..40).contains(&at.as_secs()) { 1e6 } else { 4e6 }
}

#[test]
fn after_a_drop_the_queue_is_gone_within_two_seconds_and_after_a_rise_the_path_is_used_within_ten() {
    for delay in [1, 10, 50].map(Duration::from_millis) {
        let moments = run("auto:200k-8M", delay, 60, drop_and_rise);
        let before = p95(&between(&moments, 10, 20));
        let after = p95(&between(&moments, 22, 40));
        assert!(after < before * 2, "{delay:?}: p95 was {before:?}, is {after:?}");
        for (from, to) in [(10, 20), (23, 40), (50, 60)] {
            let used = used(&between(&moments, from, to));
            assert!((0.7..0.97).contains(&used), "{delay:?}: {used} of the path from {from} to {to} s");
        }
    }
}

#[test]
fn a_path_with_room_is_used_up_to_the_ceiling_without_a_queue() {
    let moments = run("auto:200k-3M", Duration::from_millis(10), 20, |_| 10e6);
    assert!(used(&between(&moments, 10, 20)) * 10.0 > 2.7);
    assert!(p95(&moments) < Duration::from_millis(50));
}

#[test]
fn after_a_blackout_the_path_is_used_again() {
    let blackout = |at: Duration| if (10..13).contains(&at.as_secs()) { 0.0 } else { 2e6 };
    let moments = run("auto:200k-4M", Duration::from_millis(10), 30, blackout);
    let (after, used) = (p95(&between(&moments, 14, 30)), used(&between(&moments, 20, 30)));
    assert!(used > 0.7 && after < Duration::from_millis(150), "{used} of the path, {after:?}");
}

fn measured(queue_ms: u64, capacity_bps: Option<f64>) -> Measured {
    Measured { received_bps: 1e6, capacity_bps, queue: Duration::from_millis(queue_ms), loss: 0.0 }
}

#[test]
fn the_encoder_follows_the_slowest_receiver_that_carries_the_floor() {
    let rule: BitrateRule = "auto:500k-4M".parse().expect("valid");
    let (size, fps) = (Size::new(640, 480).expect("valid"), Fps::new(30).expect("valid"));
    let mut controller = Controller::new(rule, size, fps).expect("auto");
    let mut feedback = |at_ms: u64, receiver: u64, capacity_bps: f64| {
        let (at, estimate) = (Duration::from_millis(at_ms), Bitrate::kbps(4000));
        let verdict = controller.on_feedback(receiver, measured(20, Some(capacity_bps)), estimate, at);
        controller.on_time(at);
        (verdict.became, controller.target().bitrate.as_kbps())
    };
    assert_eq!(feedback(0, 1, 4e6).0, None);
    let (became, kbps) = feedback(100, 2, 1e6);
    assert!(became.is_none() && (800..1000).contains(&kbps), "{kbps}");
    let (became, kbps) = feedback(200, 3, 0.1e6);
    assert_eq!(became, Some(Fitness::Starved));
    assert!((800..1000).contains(&kbps), "the third is not waited for: {kbps}");
    controller.on_left(2);
    assert!(controller.on_time(Duration::from_secs(1)).is_some_and(|target| target.bitrate.as_kbps() > 1500));
    controller.on_left(1);
    assert_eq!(controller.on_time(Duration::from_secs(2)).map(|target| target.bitrate.as_kbps()), Some(500));
}

#[test]
fn a_starved_receiver_is_tried_again() {
    let rule: BitrateRule = "auto:500k-4M".parse().expect("valid");
    let (size, fps) = (Size::new(640, 480).expect("valid"), Fps::new(30).expect("valid"));
    let mut controller = Controller::new(rule, size, fps).expect("auto");
    let estimate = Bitrate::kbps(4000);
    let mut feedback =
        |at_ms: u64, measured| controller.on_feedback(7, measured, estimate, Duration::from_millis(at_ms)).became;
    assert_eq!(feedback(0, measured(50, Some(0.3e6))), Some(Fitness::Starved));
    let back = (1..200).find_map(|tenth| feedback(tenth * 100, measured(0, None)).map(|became| (tenth, became)));
    assert!(back.is_some_and(|(tenth, became)| became == Fitness::Fit && tenth < 150), "{back:?}");
}

#[test]
fn the_lowest_rates_that_can_be_asked_for_can_be_followed() {
    let rule: BitrateRule = "auto:10k-15k".parse().expect("valid");
    let (size, fps) = (Size::new(640, 480).expect("valid"), Fps::new(30).expect("valid"));
    let mut controller = Controller::new(rule, size, fps).expect("auto");
    for step in 0..50 {
        let at = Duration::from_millis(100 * step);
        controller.on_feedback(0, measured(20, Some(12_000.0)), Bitrate::kbps(10), at);
        controller.on_time(at);
        assert!((10..=15).contains(&controller.target().bitrate.as_kbps()));
    }
}
