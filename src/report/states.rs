//! How a frame can end, and what is known of it before.

use serde::ser::{Serialize, SerializeMap, Serializer};

/// How far a frame came. Each produced frame is in exactly one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It never entered the encoder.
    DroppedBeforeEncoder,
    /// The encoder made nothing of it.
    DroppedByEncoder,
    /// It was encoded, and the receiver knows nothing of it: lost on the way, or not even sent because that peer was stalled.
    LostInNetwork,
    /// It arrived, but became no picture.
    DroppedByDecoder,
    /// Data of it, or of a picture that it builds on, was lost: it was not decoded, or not looked at.
    Damaged,
    /// It became a picture that the detector had no time for.
    SkippedByDetector,
    /// The detector looked at it, but its answer was lost.
    ResultLost,
    /// It was answered, but the picture that was looked at shows another frame's code: stale, concealed or torn.
    WrongPicture,
    /// Its answer came after [`LedgerConfig::late_after`](super::LedgerConfig::late_after).
    Late,
    /// Its answer came in time.
    Matched,
    /// Its answer can still come, or could when the run ended or the receiver left.
    InFlight,
}

impl State {
    /// Every state, in the order of the report.
    pub const ALL: [State; 11] = [
        State::DroppedBeforeEncoder,
        State::DroppedByEncoder,
        State::LostInNetwork,
        State::DroppedByDecoder,
        State::Damaged,
        State::SkippedByDetector,
        State::ResultLost,
        State::WrongPicture,
        State::Late,
        State::Matched,
        State::InFlight,
    ];

    /// As in the report.
    pub fn name(self) -> &'static str {
        match self {
            State::DroppedBeforeEncoder => "dropped_before_encoder",
            State::DroppedByEncoder => "dropped_by_encoder",
            State::LostInNetwork => "lost_in_network",
            State::DroppedByDecoder => "dropped_by_decoder",
            State::Damaged => "damaged",
            State::SkippedByDetector => "skipped_by_detector",
            State::ResultLost => "result_lost",
            State::WrongPicture => "wrong_picture",
            State::Late => "late",
            State::Matched => "matched",
            State::InFlight => "in_flight",
        }
    }

    /// What follows from what is known. Before a frame is `due` a missing answer means nothing.
    pub(super) fn of(evidence: Evidence, step: Step, due: bool) -> State {
        match (evidence, step) {
            (Evidence::Matched, _) => State::Matched,
            (Evidence::Late, _) => State::Late,
            (Evidence::WrongPicture, _) => State::WrongPicture,
            _ if !due => State::InFlight,
            (Evidence::Detected, _) => State::ResultLost,
            (Evidence::Skipped, _) => State::SkippedByDetector,
            (Evidence::Damaged, _) => State::Damaged,
            (Evidence::Undecoded, _) => State::DroppedByDecoder,
            (Evidence::Nothing | Evidence::Left, Step::Produced) => State::DroppedBeforeEncoder,
            (Evidence::Nothing | Evidence::Left, Step::Entered) => State::DroppedByEncoder,
            (Evidence::Left, Step::Encoded) => State::InFlight,
            (Evidence::Nothing, Step::Encoded) => State::LostInNetwork,
        }
    }
}

/// What a receiver let us know of a frame; what says more comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Evidence {
    /// No word yet.
    Nothing,
    /// It left while an answer could still have come.
    Left,
    /// Arrived, but not decoded.
    Undecoded,
    /// Decoded from incomplete data, and not looked at.
    Damaged,
    /// Decoded, but not looked at.
    Skipped,
    /// Looked at.
    Detected,
    /// Answered, but of another frame's picture.
    WrongPicture,
    /// Answered, too late.
    Late,
    /// Answered.
    Matched,
}

/// How far a frame came at the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Produced,
    Entered,
    Encoded,
}

/// What is known of one frame, over all or for one receiver, and the state that it is counted in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    pub(super) evidence: Evidence,
    pub(super) sent: bool,
    pub(super) state: State,
}

impl Account {
    /// Whether there was an answer.
    pub(super) fn is_answered(&self) -> bool {
        self.evidence >= Evidence::WrongPicture
    }
}

/// How many frames are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended([u64; State::ALL.len()]);

impl Ended {
    /// How many frames are in this state.
    pub fn of(&self, state: State) -> u64 {
        self.0[state as usize]
    }

    /// How many frames there are.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// One more frame, in flight.
    pub(super) fn open(&mut self) -> Account {
        self.0[State::InFlight as usize] += 1;
        Account { evidence: Evidence::Nothing, sent: false, state: State::InFlight }
    }

    /// Counts a frame in the state that follows from what is known now.
    pub(super) fn update(&mut self, account: &mut Account, step: Step, due: bool) {
        let state = State::of(account.evidence, step, due);
        if state != account.state {
            self.0[account.state as usize] -= 1;
            self.0[state as usize] += 1;
            account.state = state;
        }
    }
}

impl Serialize for Ended {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(State::ALL.len()))?;
        for state in State::ALL {
            map.serialize_entry(state.name(), &self.of(state))?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_was_seen_did_not_get_lost_before() {
        for step in [Step::Produced, Step::Entered, Step::Encoded] {
            assert_eq!(State::of(Evidence::Skipped, step, true), State::SkippedByDetector);
            assert_eq!(State::of(Evidence::Matched, step, false), State::Matched);
            assert_eq!(State::of(Evidence::Detected, step, false), State::InFlight);
        }
    }

    #[test]
    fn states_are_written_by_name_in_order() {
        let mut ended = Ended::default();
        let mut account = ended.open();
        assert_eq!((account.state, ended.total()), (State::InFlight, 1));
        ended.update(&mut account, Step::Entered, true);
        let json = serde_json::to_string(&ended).expect("a map");
        assert!(json.starts_with(r#"{"dropped_before_encoder":0,"dropped_by_encoder":1,"lost_in_network":0"#), "{json}");
        assert_eq!((State::ALL.map(|state| state as usize), ended.total()), ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 1));
    }
}
