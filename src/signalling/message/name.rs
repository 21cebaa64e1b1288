//! Names that are safe in logs, tables, paths and URLs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest id in bytes.
const MAX_ID_BYTES: usize = 64;

/// Names a session: 1 to 64 of `A-Z a-z 0-9 _ -`, so that it is the same in a URL, a path, a log line and a label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionId(String);

/// Names a member within its session, also in the sender's report; the same characters as in a [`SessionId`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MemberId(String);

/// An id that would not be safe somewhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id must be 1 to 64 letters (a-z, A-Z), digits, '_' or '-', for example court-1; '{}' is not", printable(.0))]
pub struct BadId(String);

fn printable(text: &str) -> String {
    text.chars().take(MAX_ID_BYTES).map(|c| if c.is_ascii_graphic() { c } else { '?' }).collect()
}

fn check_id(text: String) -> Result<String, BadId> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let good = (1..=MAX_ID_BYTES).contains(&text.len()) && text.bytes().all(allowed);
    if good { Ok(text) } else { Err(BadId(text)) }
}

macro_rules! id {
    ($name:ident) => {
        impl $name {
            /// The id.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;

            fn try_from(text: String) -> Result<$name, BadId> {
                check_id(text).map($name)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<$name, BadId> {
                check_id(text.to_owned()).map($name)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(SessionId);
id!(MemberId);

/// 128 random bits in hexadecimal that prove who somebody was on an earlier connection. Never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ticket(String);

/// Not a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a ticket is 32 hexadecimal digits")]
pub struct BadTicket;

impl Ticket {
    /// Of 128 bits that nobody can guess.
    pub fn new(random: u128) -> Ticket {
        Ticket(format!("{random:032x}"))
    }

    /// Whether both are the same; how long it takes tells nothing of where they differ.
    pub fn is(&self, other: &Ticket) -> bool {
        let differences = self.0.bytes().zip(other.0.bytes()).fold(0, |found, (a, b)| found | (a ^ b));
        differences == 0 && self.0.len() == other.0.len()
    }
}

impl TryFrom<String> for Ticket {
    type Error = BadTicket;

    fn try_from(text: String) -> Result<Ticket, BadTicket> {
        let good = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if good { Ok(Ticket(text)) } else { Err(BadTicket) }
    }
}

impl From<Ticket> for String {
    fn from(ticket: Ticket) -> String {
        ticket.0
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        "…".fmt(f)
    }
}

/// A name for people: 1 to 64 of `A-Z a-z 0-9 . _ -` and spaces inside, so that it can go into logs, tables and file names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DisplayName(String);

/// A name that would not be safe to print.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name must be 1 to 64 letters (a-z), digits, '.', '_', '-' or inner spaces; leave it out or choose another")]
pub struct BadName;

impl DisplayName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DisplayName {
    type Error = BadName;

    fn try_from(text: String) -> Result<DisplayName, BadName> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b" ._-".contains(&byte);
        let good = (1..=64).contains(&text.len()) && text.bytes().all(allowed) && text.trim() == text;
        if good { Ok(DisplayName(text)) } else { Err(BadName) }
    }
}

impl From<DisplayName> for String {
    fn from(name: DisplayName) -> String {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_safe_in_paths_urls_logs_and_labels() {
        for good in ["a", "court-1", "session-20241220-143052-a1b2c3d4", &"x".repeat(64)] {
            assert_eq!(good.parse::<SessionId>().map(|id| id.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "a b", "../x", "..%2f", "a\0", "a/b", "a\\b", "a\r\nb", "\u{202e}a", "ä", &"x".repeat(65)] {
            let error = bad.parse::<SessionId>().expect_err(bad).to_string();
            assert!(error.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && error.len() < 250, "{error}");
        }
    }

    #[test]
    fn a_ticket_is_never_printed_and_is_only_itself() {
        let ticket = Ticket::new(7);
        assert!(!format!("{ticket:?}").contains('7'));
        assert!(ticket.is(&Ticket::new(7)) && !ticket.is(&Ticket::new(8)) && !ticket.is(&Ticket::new(7 << 120)));
        for bad in ["", "7", &"g".repeat(32), &"A".repeat(32), &"0".repeat(33)] {
            assert_eq!(Ticket::try_from(bad.to_owned()), Err(BadTicket));
        }
    }
}
