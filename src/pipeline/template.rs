//! Launch text with `{placeholders}`.

use std::fmt;

/// Launch text from a file, not yet filled.
///
/// A placeholder is a lower-case name in braces, as `{bitrate_kbps}`. Other braces are launch syntax (lists in caps) and stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    origin: String,
    text: String,
}

/// What a placeholder is replaced with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(u64),
    /// A name: letters, digits and `_ . : / -`, so that it cannot be taken for launch syntax.
    Word(String),
    /// Launch text or caps that are already trusted: from the program, its tables or the user's own command line. A text that
    /// leaves it out is refused, since the pipeline would lack that part.
    Launch(String),
    /// Nothing is wanted there, and the place need not be there.
    Nothing,
}

/// Why a text cannot be filled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// A placeholder that nothing is known for.
    #[error("{origin}: unknown placeholder {{{placeholder}}}; known here are {}", known.join(", "))]
    Unknown {
        /// The file.
        origin: String,
        /// Without braces.
        placeholder: String,
        /// Those that could be used, with braces.
        known: Vec<String>,
    },
    /// A part of the pipeline is left out.
    #[error("{origin}: the placeholder {{{placeholder}}} is missing; the pipeline is not complete without it")]
    Unfilled {
        /// The file.
        origin: String,
        /// Without braces.
        placeholder: String,
    },
    /// A value that could be taken for launch syntax.
    #[error("{origin}: '{value}' cannot stand for {{{placeholder}}}: only letters, digits and _ . : / - can")]
    Unsafe {
        /// The file.
        origin: String,
        /// Without braces.
        placeholder: String,
        /// As given.
        value: String,
    },
}

impl Template {
    /// From a file's content: lines that begin with `#` are comments. `origin` names the file in errors.
    pub fn new(origin: impl Into<String>, content: &str) -> Template {
        let lines = content.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        Template { origin: origin.into(), text: lines.collect::<Vec<_>>().join(" ") }
    }

    /// Where the text is from.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The text with the values in the places of their names.
    pub fn fill(&self, values: &[(&str, Value)]) -> Result<String, FillError> {
        let mut filled = String::with_capacity(self.text.len() * 2);
        let mut used = Vec::new();
        for piece in pieces(&self.text) {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Placeholder(name) => {
                    filled.push_str(&self.value_of(name, values)?);
                    used.push(name);
                }
            }
        }
        let left_out = |(name, value): &&(&str, Value)| matches!(value, Value::Launch(_)) && !used.contains(name);
        match values.iter().find(left_out) {
            Some((name, _)) => Err(FillError::Unfilled { origin: self.origin.clone(), placeholder: (*name).to_owned() }),
            None => Ok(filled),
        }
    }

    fn value_of(&self, placeholder: &str, values: &[(&str, Value)]) -> Result<String, FillError> {
        let (origin, placeholder_name) = (self.origin.clone(), placeholder.to_owned());
        let Some((_, value)) = values.iter().find(|(name, _)| *name == placeholder) else {
            let known = values.iter().map(|(name, _)| format!("{{{name}}}")).collect();
            return Err(FillError::Unknown { origin, placeholder: placeholder_name, known });
        };
        match value {
            Value::Word(word) if !is_safe(word) => {
                Err(FillError::Unsafe { origin, placeholder: placeholder_name, value: word.clone() })
            }
            value => Ok(value.to_string()),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Number(number) => number.fmt(f),
            Value::Word(text) | Value::Launch(text) => text.fmt(f),
            Value::Nothing => Ok(()),
        }
    }
}

fn is_safe(word: &str) -> bool {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:/-".contains(&byte);
    !word.is_empty() && word.bytes().all(safe)
}

enum Piece<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, from_brace) = rest.split_at(open);
        match placeholder_at_start(from_brace) {
            Some(name) => {
                pieces.extend([Piece::Text(before), Piece::Placeholder(name)]);
                rest = &from_brace[name.len() + 2..];
            }
            None => {
                pieces.push(Piece::Text(&rest[..=open]));
                rest = &from_brace[1..];
            }
        }
    }
    pieces.push(Piece::Text(rest));
    pieces
}

fn placeholder_at_start(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('{')?.split_once('}')?;
    let in_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(in_name)).then_some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fill(text: &str, values: &[(&str, Value)]) -> Result<String, FillError> {
        Template::new("test.gst", text).fill(values)
    }

    #[test]
    fn placeholders_are_filled_and_comments_and_lists_in_caps_are_told_apart() {
        let text =
            "# a comment {with} braces\nx264enc bitrate={kbps}\n  ! video/x-h264,profile={ (string)baseline, main }\n";
        let filled = fill(text, &[("kbps", Value::Number(3000))]);
        assert_eq!(filled, Ok("x264enc bitrate=3000 ! video/x-h264,profile={ (string)baseline, main }".to_owned()));
    }

    #[test]
    fn an_unknown_placeholder_names_itself_the_file_and_the_known_ones() {
        let error = fill("a={bitrat}", &[("bitrate", Value::Number(1))]).expect_err("unknown").to_string();
        for word in ["test.gst", "{bitrat}", "{bitrate}"] {
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn a_part_that_is_left_out_is_an_error_but_a_number_may_be() {
        assert_eq!(fill("fakesrc", &[("fps", Value::Number(30))]), Ok("fakesrc".to_owned()));
        let error = fill("fakesrc", &[("encoder", Value::Launch("x264enc".to_owned()))]);
        assert!(matches!(error, Err(FillError::Unfilled { .. })));
    }

    proptest! {
        #[test]
        fn no_word_brings_launch_syntax_in(word in "\\PC{0,20}") {
            if let Ok(filled) = fill("{word}", &[("word", Value::Word(word.clone()))]) {
                let syntax = |letter: char| letter.is_whitespace() || "!=\"'(),{};\\".contains(letter);
                prop_assert!(!filled.contains(syntax));
                prop_assert_eq!(filled, word);
            }
        }

        #[test]
        fn no_text_panics(text in "[a-z{}_ é!]{0,40}") {
            let _ = fill(&text, &[("a", Value::Number(1))]);
        }
    }
}
