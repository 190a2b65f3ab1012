//! The nearest known name, for "did you mean".

/// The candidate closest to `name` when it is close enough to be meant: at most a third of the letters differ.
/// Ties go to the first candidate in alphabetical order.
pub fn nearest<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let limit = (name.chars().count() / 3).max(1);
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= limit
                || (name.len() >= 4
                    && (candidate.starts_with(name) || name.starts_with(candidate))
                    && candidate.len() >= 4)
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// A name (`[a-z][a-z0-9-]{0,62}`) that a text suggests: lower case, `ä` as `ae`, everything that no name may hold as `-`.
/// `None` when no letter is left. It is a proposal: nothing that an author wrote is replaced by it.
#[must_use]
pub fn proposal(text: &str) -> Option<String> {
    let mut name = String::new();
    for c in text.to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' => name.push(c),
            'ä' => name.push_str("ae"),
            'ö' => name.push_str("oe"),
            'ü' => name.push_str("ue"),
            'ß' => name.push_str("ss"),
            _ if name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let name = name.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let name: String = name.chars().take(63).collect();
    let name = name.trim_end_matches('-');
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn close_names_are_offered_and_far_ones_not() {
        let known = ["addresses", "class", "segments"];
        assert_eq!(nearest("adresses", known.into_iter()), Some("addresses"));
        assert_eq!(nearest("segmets", known.into_iter()), Some("segments"));
        assert_eq!(nearest("firewall", known.into_iter()), None);
        assert_eq!(nearest("intren", ["intern", "extern"].into_iter()), Some("intern"));
    }
}
