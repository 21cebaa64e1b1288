//! From text to an assertion.

use super::{Comparison, Expression, Operator, Path, Step, percent};

/// More is no assertion that a person wrote.
const MOST_LETTERS: usize = 1000;

/// Brackets within brackets: a bound on the stack.
const DEEPEST: usize = 32;

/// What is wrong with a text. Places are counted in letters, from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ParseError {
    #[error("it is longer than {MOST_LETTERS} letters")]
    TooLong,
    #[error("brackets are nested more than {DEEPEST} deep")]
    TooDeep,
    #[error("at character {0} a number, a name such as latency_ms.p95, or '(' is needed")]
    NoOperand(usize),
    #[error("at character {0} one of < <= > >= == != is needed")]
    NoComparison(usize),
    #[error("at character {0} it should end")]
    NoEnd(usize),
    #[error("at character {0} ')' is needed")]
    NotClosed(usize),
    #[error("at character {0} a name is needed after the dot")]
    NoName(usize),
    #[error("at character {0} an index or * and ']' are needed")]
    NoIndex(usize),
    #[error("at character {0} is no finite number")]
    NoNumber(usize),
}

pub(super) fn assertion(text: &str) -> Result<(Expression, Comparison, Expression), ParseError> {
    if text.chars().count() > MOST_LETTERS {
        return Err(ParseError::TooLong);
    }
    let mut reader = Reader { text, at: 0, depth: 0 };
    let left = reader.sum()?;
    let comparison = reader.comparison()?;
    let right = reader.sum()?;
    let (left, right) = percent::agreed(left, right);
    if reader.skip_space().is_empty() { Ok((left, comparison, right)) } else { Err(ParseError::NoEnd(reader.letter())) }
}

struct Reader<'a> {
    text: &'a str,
    /// In bytes.
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn letter(&self) -> usize {
        self.text[..self.at].chars().count() + 1
    }

    fn skip_space(&mut self) -> &'a str {
        let rest = self.rest().trim_start();
        self.at = self.text.len() - rest.len();
        rest
    }

    /// Goes on behind `word` if that is next.
    fn take(&mut self, word: &str) -> bool {
        let is_next = self.rest().starts_with(word);
        self.at += if is_next { word.len() } else { 0 };
        is_next
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|letter| !belongs(letter)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    fn comparison(&mut self) -> Result<Comparison, ParseError> {
        self.skip_space();
        let found = Comparison::ALL.into_iter().find(|(word, _)| self.take(word));
        found.map(|(_, comparison)| comparison).ok_or_else(|| ParseError::NoComparison(self.letter()))
    }

    fn sum(&mut self) -> Result<Expression, ParseError> {
        self.chain(&[("+", Operator::Add), ("-", Operator::Subtract)], Reader::product)
    }

    fn product(&mut self) -> Result<Expression, ParseError> {
        self.chain(&[("*", Operator::Multiply), ("/", Operator::Divide)], Reader::operand)
    }

    /// `part (operator part)*`, from left to right.
    fn chain(
        &mut self,
        operators: &[(&str, Operator)],
        part: fn(&mut Self) -> Result<Expression, ParseError>,
    ) -> Result<Expression, ParseError> {
        let mut whole = part(self)?;
        loop {
            self.skip_space();
            let Some((_, operator)) = operators.iter().find(|(word, _)| self.take(word)) else { return Ok(whole) };
            let right = part(self)?;
            let (left, right) = match operator {
                Operator::Add | Operator::Subtract => percent::agreed(whole, right),
                Operator::Multiply | Operator::Divide => (whole, right),
            };
            whole = Expression::Both(Box::new(left), *operator, Box::new(right));
        }
    }

    fn operand(&mut self) -> Result<Expression, ParseError> {
        match self.skip_space().chars().next() {
            Some('(') => self.bracket(),
            Some(letter) if letter.is_ascii_digit() || "+-.".contains(letter) => self.number(),
            Some(letter) if begins_name(letter) => self.path(),
            _ => Err(ParseError::NoOperand(self.letter())),
        }
    }

    fn bracket(&mut self) -> Result<Expression, ParseError> {
        self.take("(");
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(ParseError::TooDeep);
        }
        let inner = self.sum()?;
        self.skip_space();
        self.depth -= 1;
        if self.take(")") { Ok(inner) } else { Err(ParseError::NotClosed(self.letter())) }
    }

    fn number(&mut self) -> Result<Expression, ParseError> {
        let (letter, start) = (self.letter(), self.at);
        let _ = self.take("-") || self.take("+");
        self.take_while(|letter| letter.is_ascii_digit() || letter == '.');
        let mantissa_end = self.at;
        if self.take("e") || self.take("E") {
            let _ = self.take("-") || self.take("+");
            if self.take_while(|letter| letter.is_ascii_digit()).is_empty() {
                self.at = mantissa_end;
            }
        }
        let number = self.text[start..self.at].parse::<f64>().ok().filter(|number| number.is_finite());
        let number = number.ok_or(ParseError::NoNumber(letter))?;
        self.skip_space();
        Ok(if self.take("%") { Expression::Share(number / 100.0) } else { Expression::Number(number) })
    }

    fn path(&mut self) -> Result<Expression, ParseError> {
        let mut steps = vec![self.name()?];
        loop {
            if self.take(".") {
                steps.push(self.name()?);
            } else if self.take("[") {
                steps.push(self.entry()?);
            } else {
                return Ok(Expression::Path(Path(steps)));
            }
        }
    }

    fn name(&mut self) -> Result<Step, ParseError> {
        if !self.rest().starts_with(begins_name) {
            return Err(ParseError::NoName(self.letter()));
        }
        Ok(Step::Name(self.take_while(|letter| begins_name(letter) || letter.is_ascii_digit()).to_owned()))
    }

    fn entry(&mut self) -> Result<Step, ParseError> {
        let error = ParseError::NoIndex(self.letter());
        let step = if self.take("*") {
            Step::Each
        } else {
            let index = self.take_while(|letter| letter.is_ascii_digit());
            Step::Index(index.parse().map_err(|_| error.clone())?)
        };
        if self.take("]") { Ok(step) } else { Err(error) }
    }
}

fn begins_name(letter: char) -> bool {
    letter.is_ascii_alphabetic() || letter == '_'
}
