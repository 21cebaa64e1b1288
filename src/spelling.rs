//! How alike two names are, to tell people what they may have meant.

/// Insertions, deletions and replacements from one text to the other (Levenshtein).
pub(crate) fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

/// The known name that is most like `name`, unless all are far from it: one letter in three may be wrong.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let by_distance = known.map(|known| (distance(name, known), known)).min()?;
    (by_distance.0 <= name.len().div_ceil(3)).then_some(by_distance.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near() {
        let known = ["fps", "bitrate", "max-receivers"];
        assert_eq!(nearest("max_receivers", known.into_iter()), Some("max-receivers"));
        assert_eq!(nearest("fsp", known.into_iter()), None);
        assert_eq!(nearest("bitrat", known.into_iter()), Some("bitrate"));
        assert_eq!(nearest("colour-of-the-sky", known.into_iter()), None);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
