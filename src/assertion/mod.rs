//! Assertions about a report: `latency_ms.p99 < 16.7`, `frames.matched / frames.encoded >= 98 %`.
//!
//! ```text
//! assertion  = sum ("<" | "<=" | ">" | ">=" | "==" | "!=") sum
//! sum        = product (("+" | "-") product)*
//! product    = operand (("*" | "/") operand)*
//! operand    = number ["%"] | path | "(" sum ")"
//! path       = name ("." name | "[" (index | "*") "]")*
//! ```
//!
//! A path leads to a number in the report's JSON. `[*]` stands for every entry of a list: the assertion must hold for each of them,
//! and all `[*]` of an assertion mean the entry of the same place; lists that are not equally long make it miss. What was not measured (`null`) makes an assertion miss, whatever it says.

mod evaluate;
mod known;
mod parse;
mod percent;

use std::fmt;
use std::str::FromStr;

use parse::ParseError;

pub use evaluate::Verdict;
pub use known::{Known, UnknownPath};

/// Something that must hold of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct Assertion {
    text: String,
    left: Expression,
    comparison: Comparison,
    right: Expression,
}

/// Why a text is no assertion.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{text}' is no assertion: {why}; write for example 'latency_ms.p99 < 16.7' or 'frames.matched / frames.encoded >= 98 %'"
)]
pub struct AssertionError {
    text: String,
    why: ParseError,
}

impl Assertion {
    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn expressions(&self) -> [&Expression; 2] {
        [&self.left, &self.right]
    }

    /// The paths in it, in the order in which they are written.
    fn paths(&self) -> Vec<&Path> {
        let mut paths = Vec::new();
        self.expressions().into_iter().for_each(|expression| expression.collect_paths(&mut paths));
        paths
    }
}

impl FromStr for Assertion {
    type Err = AssertionError;

    fn from_str(text: &str) -> Result<Assertion, AssertionError> {
        let text = text.trim();
        match parse::assertion(text) {
            Ok((left, comparison, right)) => Ok(Assertion { text: text.to_owned(), left, comparison, right }),
            Err(why) => Err(AssertionError { text: text.to_owned(), why }),
        }
    }
}

impl fmt::Display for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Expression {
    Number(f64),
    /// Written with `%`: 0.05 for `5 %`.
    Share(f64),
    Path(Path),
    Both(Box<Expression>, Operator, Box<Expression>),
}

impl Expression {
    fn collect_paths<'a>(&'a self, paths: &mut Vec<&'a Path>) {
        match self {
            Expression::Number(_) | Expression::Share(_) => {}
            Expression::Path(path) => paths.push(path),
            Expression::Both(left, _, right) => {
                left.collect_paths(paths);
                right.collect_paths(paths);
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Operator {
    fn apply(self, left: f64, right: f64) -> f64 {
        match self {
            Operator::Add => left + right,
            Operator::Subtract => left - right,
            Operator::Multiply => left * right,
            Operator::Divide => left / right,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    AtMost,
    Greater,
    AtLeast,
    Equal,
    Unequal,
}

impl Comparison {
    /// Those of two letters first, so that none is taken for the beginning of another.
    const ALL: [(&str, Comparison); 6] = [
        ("<=", Comparison::AtMost),
        (">=", Comparison::AtLeast),
        ("==", Comparison::Equal),
        ("!=", Comparison::Unequal),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
    ];

    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Comparison::Less => left < right,
            Comparison::AtMost => left <= right,
            Comparison::Greater => left > right,
            Comparison::AtLeast => left >= right,
            Comparison::Equal => left == right,
            Comparison::Unequal => left != right,
        }
    }
}

/// The way to a number in a JSON document.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Path(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
    Each,
}

impl Path {
    /// With `[]` in the place of every index, as [`Known`] has them.
    fn pattern(&self) -> String {
        self.written(|_| "[]".to_owned())
    }

    fn written(&self, entry: impl Fn(&Step) -> String) -> String {
        self.0.iter().fold(String::new(), |text, step| match step {
            Step::Name(name) if text.is_empty() => name.clone(),
            Step::Name(name) => text + "." + name,
            step => text + &entry(step),
        })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = |step: &Step| match step {
            Step::Index(index) => format!("[{index}]"),
            _ => "[*]".to_owned(),
        };
        f.write_str(&self.written(entry))
    }
}
