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
