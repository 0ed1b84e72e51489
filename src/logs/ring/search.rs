//! Finding text in what is kept, in slices: no call reads more than it is told to, and what was read is not read again.

use std::collections::{HashMap, HashSet};

use regex::{Regex, RegexBuilder};

use super::picture::{Filter, Picture};
use super::{LineId, Row};

/// Memory a compiled expression may take: what somebody types must not fill it.
const PATTERN_BYTES: usize = 1024 * 1024;

/// Why an expression is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SearchError(String);

/// How far a search has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Lines with a hit so far.
    pub hits: usize,
    /// Whether every row of the picture was read.
    pub done: bool,
}

/// A search that keeps up with the pictures of one ring.
#[derive(Debug, Clone)]
pub struct Search {
    pattern: Regex,
    /// What is shown: nothing else is a hit.
    filter: Filter,
    /// Hits by chunk, each with the revision that was read.
    read: HashMap<u64, (u64, Vec<LineId>)>,
}

impl Search {
    /// Finds `text` as it stands; without regard to case, unless it has a capital.
    ///
    /// # Errors
    /// [`SearchError`] for a text too long to search for.
    pub fn literal(text: &str) -> Result<Self, SearchError> {
        let capital = text.chars().any(char::is_uppercase);
        Self::compile(&regex::escape(text), !capital)
    }

    /// Finds what matches a regular expression.
    ///
    /// # Errors
    /// [`SearchError`], in one line, for what is no expression.
    pub fn regex(pattern: &str) -> Result<Self, SearchError> {
        Self::compile(pattern, false)
    }

    fn compile(pattern: &str, ignore_case: bool) -> Result<Self, SearchError> {
        let built = RegexBuilder::new(pattern).case_insensitive(ignore_case).size_limit(PATTERN_BYTES).build();
        let pattern = built.map_err(|error| {
            // The reason is the last line, below a drawing of the pattern.
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default();
            SearchError(reason.strip_prefix("error: ").unwrap_or(reason).to_owned())
        })?;
        Ok(Self { pattern, filter: Filter::default(), read: HashMap::new() })
    }

    /// Only rows that are shown are hits. Another filter than before begins anew.
    pub fn within(&mut self, filter: Filter) {
        if self.filter != filter {
            self.filter = filter;
            self.read.clear();
        }
    }

    /// Reads on in the newest picture, the newest rows first, for about `bytes` of text; the call ends with the chunk
    /// it is in. Rows that are gone are forgotten.
    pub fn step(&mut self, picture: &Picture, bytes: usize) -> Progress {
        if self.read.len() > picture.chunks().len() {
            let kept: HashSet<u64> = picture.chunks().iter().map(|chunk| chunk.version().0).collect();
            self.read.retain(|serial, _| kept.contains(serial));
        }
        let mut left = bytes;
        let mut done = true;
        for chunk in picture.chunks().iter().rev() {
            let (serial, revision) = chunk.version();
            if self.read.get(&serial).is_some_and(|(known, _)| *known == revision) {
                continue;
            }
            if left == 0 {
                done = false;
                break;
            }
            let is_hit = |row: &&Row| self.filter.takes(row) && self.pattern.is_match(row.text());
            let hits = chunk.rows().iter().filter(is_hit).map(|row| row.id).collect();
            self.read.insert(serial, (revision, hits));
            // A chunk of nothing but marks takes some time, too.
            left = left.saturating_sub(chunk.text().max(1));
        }
        Progress { hits: self.hits(picture).count(), done }
    }

    /// The first hit after `id` that is shown, of those found so far.
    #[must_use]
    pub fn next(&self, picture: &Picture, id: LineId, filter: Filter) -> Option<LineId> {
        self.hits(picture).filter(|hit| *hit > id).find(|hit| is_shown(picture, *hit, filter))
    }

    /// The last hit before `id` that is shown, of those found so far.
    #[must_use]
    pub fn previous(&self, picture: &Picture, id: LineId, filter: Filter) -> Option<LineId> {
        self.hits(picture).rev().filter(|hit| *hit < id).find(|hit| is_shown(picture, *hit, filter))
    }

    /// How many hits there are up to and with `id`, of those found so far.
    #[must_use]
    pub fn rank(&self, picture: &Picture, id: LineId) -> usize {
        self.hits(picture).take_while(|hit| *hit <= id).count()
    }

    /// Where in a row's text the hits are, as ranges of bytes; empty ones left out.
    pub fn ranges<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = std::ops::Range<usize>> + 'a {
        self.pattern.find_iter(row.text()).map(|hit| hit.range()).filter(|range| !range.is_empty())
    }

    fn hits<'a>(&'a self, picture: &'a Picture) -> impl DoubleEndedIterator<Item = LineId> + 'a {
        let chunks = picture.chunks().iter();
        // A row may have moved to another chunk since it was read there.
        let hits = chunks.filter_map(|chunk| Some((chunk, &self.read.get(&chunk.version().0)?.1)));
        hits.flat_map(|(chunk, hits)| {
            let (first, last) = (chunk.first(), chunk.last());
            hits.iter().copied().filter(move |hit| Some(*hit) >= first && Some(*hit) <= last)
        })
    }
}

fn is_shown(picture: &Picture, id: LineId, filter: Filter) -> bool {
    picture.get(id).is_some_and(|row| filter.takes(row))
}
