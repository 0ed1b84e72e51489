//! The lines of a device's modules, merged, under a cap of lines and of bytes.
//!
//! Rows stand in chunks of a few hundred. The owner of the [`Ring`] adds rows and gives out [`Picture`]s; a picture
//! shares the chunks, so that making one costs a pointer per chunk and adding a row afterwards copies one chunk at most.
//! What a picture shows never changes. The oldest chunk is dropped when a cap is reached: adding and dropping take the
//! same time however much is kept.

mod chunk;
mod picture;
mod search;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::ids::ModuleId;

use super::continuity::Mark;
use super::entry::{Entry, Level};

use chunk::Chunk;

pub use picture::{Bookmark, Filter, Picture};
pub use search::{Progress, Search, SearchError};

/// Identifies a row, and says where it stands: rows are in the order of their ids. It never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineId {
    /// The time it is sorted by, in nanoseconds since 1970; see `merge`.
    pub(super) at: i64,
    /// Whose it is: of equal times, the module that was named first comes first, whichever answer came first.
    pub(super) source: Source,
    /// Counts arrivals.
    pub(super) arrival: u64,
}

impl LineId {
    /// Counts arrivals: a row that came later has more, wherever it stands.
    #[must_use]
    pub fn arrival(self) -> u64 {
        self.arrival
    }
}

/// One of the modules of a ring: the letter on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(u8);

impl Source {
    /// The most modules a ring can tell apart. IoT Hub allows 50 on a device.
    pub const MOST: usize = 64;

    /// From 0 on, in the order in which the modules were named.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    fn bit(self) -> u64 {
        1 << (self.0 % 64)
    }
}

/// A row of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Which, and where.
    pub id: LineId,
    /// Whose.
    pub source: Source,
    /// When it was read, by our clock.
    pub arrived: Timestamp,
    /// Whether it came too late for its place and stands at the first place that was still free to change.
    pub late: bool,
    /// The level to filter by: a line that continues one above has that one's.
    pub level: Level,
    /// Whether edgeAgent wrote it about being asked for logs: a follower would follow itself.
    pub polling: bool,
    /// What it says.
    pub content: Content,
}

/// What a row says.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A line of the log.
    Line {
        /// The line.
        entry: Entry,
        /// Whether it continues the module's line above, as a stack does its exception.
        continues: bool,
    },
    /// Something to know before the module's next line.
    Mark(Mark),
}

impl Row {
    /// The text of a line; empty for a mark.
    #[must_use]
    pub fn text(&self) -> &str {
        match &self.content {
            Content::Line { entry, .. } => entry.text.raw(),
            Content::Mark(_) => "",
        }
    }

    fn is_line(&self) -> bool {
        matches!(self.content, Content::Line { .. })
    }
}

/// What a ring may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Rows.
    pub rows: usize,
    /// Bytes of memory, the rows themselves and their texts. One chunk is kept whatever its size.
    pub bytes: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self { rows: 200_000, bytes: 64 * 1024 * 1024 }
    }
}

/// Rows that are kept, and figures about them.
#[derive(Debug)]
pub struct Ring {
    caps: Caps,
    chunks: VecDeque<Arc<Chunk>>,
    sources: Vec<ModuleId>,
    totals: Totals,
    /// Chunks made so far: what the next one is called.
    made: u64,
}

/// Figures about what is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Totals {
    rows: usize,
    bytes: usize,
    /// Lines, not marks, that were dropped.
    dropped: u64,
    /// Rows that were dropped, marks included.
    gone: u64,
    /// Lines by source and level.
    lines: Vec<[usize; 8]>,
    /// Lines about being asked for logs.
    polling: usize,
}

impl Ring {
    /// An empty ring.
    #[must_use]
    pub fn new(caps: Caps) -> Self {
        Self { caps, chunks: VecDeque::new(), sources: Vec::new(), totals: Totals::default(), made: 0 }
    }

    /// The source that stands for `module`, a new one where it was not named before. `None` when there are
    /// [`Source::MOST`] already.
    pub fn source(&mut self, module: &ModuleId) -> Option<Source> {
        let place = match self.sources.iter().position(|known| known == module) {
            Some(place) => place,
            None if self.sources.len() < Source::MOST => {
                self.sources.push(module.clone());
                self.totals.lines.push([0; 8]);
                self.sources.len() - 1
            }
            None => return None,
        };
        u8::try_from(place).ok().map(Source)
    }

    /// Puts a row where its id says, and drops the oldest where a cap is passed.
    pub fn add(&mut self, row: Row) {
        self.count(&row);
        let last = self.chunks.back().and_then(|chunk| chunk.last());
        if last.is_none_or(|last| last < row.id) {
            if self.chunks.back().is_none_or(|chunk| chunk.is_full()) {
                let empty = self.chunk();
                self.totals.bytes += empty.bytes();
                self.chunks.push_back(Arc::new(empty));
            }
            self.change(self.chunks.len() - 1, |chunk| chunk.insert(row));
        } else {
            // Two halves take the row of a full chunk; a single long line is left whole.
            let place = self.place(row.id);
            if self.chunks.get(place).is_some_and(|chunk| chunk.is_full() && chunk.rows().len() > 1) {
                let mut half = self.chunk();
                self.change(place, |chunk| chunk.split_into(&mut half));
                self.totals.bytes += half.bytes();
                self.chunks.insert(place + 1, Arc::new(half));
            }
            self.change(self.place(row.id), |chunk| chunk.insert(row));
        }
        while (self.totals.rows > self.caps.rows || self.totals.bytes > self.caps.bytes) && self.chunks.len() > 1 {
            self.drop_oldest();
        }
    }

    /// What is kept now.
    #[must_use]
    pub fn picture(&self) -> Picture {
        Picture::new(self.chunks.iter().cloned().collect(), self.sources.as_slice().into(), self.totals.clone())
    }

    /// The first chunk that ends after `id`.
    fn place(&self, id: LineId) -> usize {
        self.chunks.partition_point(|chunk| chunk.last().is_some_and(|last| last < id))
    }

    fn chunk(&mut self) -> Chunk {
        self.made += 1;
        Chunk::new(self.made, self.caps)
    }

    fn change(&mut self, place: usize, change: impl FnOnce(&mut Chunk)) {
        if let Some(chunk) = self.chunks.get_mut(place) {
            let chunk = Arc::make_mut(chunk);
            let before = chunk.bytes();
            change(chunk);
            self.totals.bytes = self.totals.bytes - before + chunk.bytes();
        }
    }

    fn count(&mut self, row: &Row) {
        self.totals.rows += 1;
        self.totals.polling += usize::from(row.polling);
        if let Some(lines) = self.totals.of(row) {
            *lines += 1;
        }
    }

    fn drop_oldest(&mut self) {
        let Some(chunk) = self.chunks.pop_front() else { return };
        self.totals.bytes -= chunk.bytes();
        for row in chunk.rows() {
            self.totals.rows -= 1;
            self.totals.gone += 1;
            self.totals.polling -= usize::from(row.polling);
            self.totals.dropped += u64::from(row.is_line());
            if let Some(lines) = self.totals.of(row) {
                *lines -= 1;
            }
        }
    }
}

impl Totals {
    fn of(&mut self, row: &Row) -> Option<&mut usize> {
        let levels = self.lines.get_mut(row.source.index())?;
        levels.get_mut(usize::from(row.level.digit())).filter(|_| row.is_line())
    }
}
