//! Percentages: `budget.missed_percent < 5 %` and `budget.missed_percent < 5` mean the same.
//!
//! A report's figures are shares (0 to 1) when they are divided by each other, and percent where their name says so. A number with
//! `%` is a share, and becomes percent where it is compared with such a figure, added to it or taken from it.

use super::{Expression, Operator, Path, Step};

/// How the names of figures in percent end.
const ENDING: &str = "_percent";

/// Percent of a whole.
const WHOLE: f64 = 100.0;

/// What a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// Anything.
    Plain,
    /// Of one, written with `%`.
    Share,
    /// Hundredths, by its name.
    Percent,
}

/// Both in the same unit.
pub(super) fn agreed(left: Expression, right: Expression) -> (Expression, Expression) {
    match (unit(&left), unit(&right)) {
        (Unit::Percent, Unit::Share) => (left, percent(right)),
        (Unit::Share, Unit::Percent) => (percent(left), right),
        _ => (left, right),
    }
}

fn percent(share: Expression) -> Expression {
    Expression::Both(Box::new(share), Operator::Multiply, Box::new(Expression::Number(WHOLE)))
}

fn unit(expression: &Expression) -> Unit {
    match expression {
        Expression::Number(_) => Unit::Plain,
        Expression::Share(_) => Unit::Share,
        Expression::Path(Path(steps)) => match steps.last() {
            Some(Step::Name(name)) if name.ends_with(ENDING) => Unit::Percent,
            _ => Unit::Plain,
        },
        Expression::Both(left, operator, right) => match (unit(left), operator, unit(right)) {
            // Somebody makes a share of it by hand.
            (Unit::Percent, Operator::Divide, _) if **right == Expression::Number(WHOLE) => Unit::Share,
            // And percent of a share.
            (Unit::Share, Operator::Multiply, _) if **right == Expression::Number(WHOLE) => Unit::Percent,
            (one, Operator::Divide, other) if one == other => Unit::Plain,
            (Unit::Percent, ..) | (_, _, Unit::Percent) => Unit::Percent,
            (Unit::Share, ..) | (_, _, Unit::Share) => Unit::Share,
            _ => Unit::Plain,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assertion::Assertion;

    #[test]
    fn percent_is_percent_however_it_is_written() {
        let report = json!({"missed_percent": 4.0, "other_percent": 2.0, "n": 4, "of": 100});
        let holds = |text: &str| text.parse::<Assertion>().expect(text).check(&report).holds;
        for (left, just_above, just_below) in [
            ("missed_percent", "4.1 %", "3.9 %"),
            ("missed_percent", "4.1", "3.9"),
            ("missed_percent / 100", "4.1 %", "3.9 %"),
            ("missed_percent / 2", "2.1 %", "1.9 %"),
            ("missed_percent * 50 %", "2.1 %", "1.9 %"),
            ("missed_percent + 1 %", "5.1 %", "4.9"),
            ("(missed_percent - 1 %) * 2", "6.1 %", "5.9 %"),
            ("missed_percent + other_percent", "6.1 %", "5.9 %"),
            ("missed_percent / other_percent", "210 %", "190 %"),
            ("missed_percent", "2.1 * other_percent", "190 % * other_percent"),
            ("n / of", "4.1 %", "3.9 %"),
            ("n / of * 100", "4.1", "3.9"),
            ("n / of * 100 %", "4.1 %", "3.9 %"),
        ] {
            assert!(holds(&format!("{left} < {just_above}")), "{left} < {just_above}");
            assert!(holds(&format!("{just_above} > {left}")), "{just_above} > {left}");
            assert!(holds(&format!("{left} > {just_below}")), "{left} > {just_below}");
        }
    }
}
