//! Ids by the range: `edge-gateway-{001..500}` is five hundred of them, `{1..3}-{a..}` none. Several ranges multiply, the last
//! runs fastest.

/// The most devices a scenario may have.
pub(super) const MOST: u64 = 100_000;

/// A text with ranges of numbers in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// Numbers, written with at least so many digits.
    Range {
        first: u64,
        last: u64,
        width: usize,
    },
}

/// What a range looks like, for messages.
pub(super) const SPELLING: &str = "ids with ranges such as \"edge-gateway-{001..500}\", the smaller number first";

impl Pattern {
    /// Reads a text; nothing when a brace or a range is not as it should be, or when it is more than [`MOST`].
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (range, tail) = after.split_once('}')?;
            let (first, last) = range.split_once("..")?;
            let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
            if before.contains('}') || !is_number(first) || !is_number(last) {
                return None;
            }
            let width = if first.starts_with('0') { first.len() } else { 1 };
            let (first, last) = (first.parse().ok()?, last.parse().ok()?);
            if first > last {
                return None;
            }
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Range { first, last, width });
            rest = tail;
        }
        if rest.contains('}') {
            return None;
        }
        parts.push(Part::Text(rest.to_owned()));
        let pattern = Self(parts);
        pattern.checked_count().is_some_and(|count| count <= MOST).then_some(pattern)
    }

    fn checked_count(&self) -> Option<u64> {
        self.0.iter().try_fold(1_u64, |count, part| match part {
            Part::Text(_) => Some(count),
            Part::Range { first, last, .. } => count.checked_mul((last - first).checked_add(1)?),
        })
    }

    /// How many texts it stands for.
    pub(super) fn count(&self) -> u64 {
        self.checked_count().unwrap_or(u64::MAX)
    }

    /// The text at `index`; past the end it begins anew.
    pub(super) fn at(&self, index: u64) -> String {
        let mut left = index % self.count().max(1);
        let mut texts: Vec<String> = Vec::with_capacity(self.0.len());
        for part in self.0.iter().rev() {
            match part {
                Part::Text(text) => texts.push(text.clone()),
                Part::Range { first, last, width } => {
                    let size = last - first + 1;
                    texts.push(format!("{:0width$}", first + left % size));
                    left /= size;
                }
            }
        }
        texts.into_iter().rev().collect()
    }

    /// All of them, in order.
    pub(super) fn all(&self) -> impl Iterator<Item = String> {
        (0..self.count()).map(|index| self.at(index))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(text: &str) -> Vec<String> {
        Pattern::parse(text).map(|pattern| pattern.all().collect()).unwrap_or_default()
    }

    #[test]
    fn ranges_multiply_and_keep_their_width() {
        assert_eq!(all("edge-1"), ["edge-1"]);
        assert_eq!(all("g-{008..011}"), ["g-008", "g-009", "g-010", "g-011"]);
        assert_eq!(all("{9..10}"), ["9", "10"]);
        assert_eq!(all("b{1..2}-{1..2}x"), ["b1-1x", "b1-2x", "b2-1x", "b2-2x"]);
        assert_eq!(Pattern::parse("{1..3}").map(|pattern| pattern.at(4)).as_deref(), Some("2"));
        for wrong in
            ["{", "a}", "{1}", "{2..1}", "{a..b}", "{1..2", "{1..}", "{+1..2}", "{1..100001}", "{1..400}{1..400}"]
        {
            assert_eq!(Pattern::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Pattern::parse("{1..100000}").map(|pattern| pattern.count()), Some(100_000));
    }

    proptest! {
        #[test]
        fn whatever_parses_has_as_many_different_texts_as_it_says(text in "[a{}0-3.]{0,12}") {
            if let Some(pattern) = Pattern::parse(&text).filter(|pattern| pattern.count() < 5_000) {
                let mut all: Vec<String> = pattern.all().collect();
                prop_assert_eq!(u64::try_from(all.len()).unwrap(), pattern.count());
                all.sort();
                all.dedup();
                // Two ranges side by side may write the same: 1,12 and 11,2.
                prop_assert!(!all.is_empty());
            }
        }
    }
}
