//! What a ring holds at one moment: shared, unchanging, cheap to keep until the next one comes.

use std::sync::Arc;

use crate::domain::ids::ModuleId;

use super::chunk::Chunk;
use super::{Content, Level, LineId, Row, Source, Totals};

/// The rows of a ring at one moment.
#[derive(Debug, Clone)]
pub struct Picture {
    chunks: Arc<[Arc<Chunk>]>,
    sources: Arc<[ModuleId]>,
    totals: Arc<Totals>,
}

impl Default for Picture {
    fn default() -> Self {
        Self::new(Vec::new(), Arc::default(), Totals::default())
    }
}

/// Which rows are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    /// The least severe level; marks are shown in any case.
    pub level: Level,
    /// Whether lines are shown that edgeAgent wrote about being asked for logs.
    pub polling: bool,
    hidden: u64,
}

impl Default for Filter {
    fn default() -> Self {
        Self { level: Level::DEBUG, polling: true, hidden: 0 }
    }
}

impl Filter {
    /// Every module, down to this level.
    #[must_use]
    pub fn down_to(level: Level) -> Self {
        Self { level, ..Self::default() }
    }

    /// The same without the lines that edgeAgent wrote about being asked for logs.
    #[must_use]
    pub fn without_polling(self) -> Self {
        Self { polling: false, ..self }
    }

    /// Shows or hides a module.
    pub fn toggle(&mut self, source: Source) {
        self.hidden ^= source.bit();
    }

    /// Whether a module's rows are shown.
    #[must_use]
    pub fn shows(&self, source: Source) -> bool {
        self.hidden & source.bit() == 0
    }

    /// Whether a row is shown.
    #[must_use]
    pub fn takes(&self, row: &Row) -> bool {
        self.shows(row.source)
            && (self.polling || !row.polling)
            && (row.level <= self.level || matches!(row.content, Content::Mark(_)))
    }

    fn may_take(&self, chunk: &Chunk) -> bool {
        let levels = u8::MAX >> (7 - self.level.digit().min(7));
        chunk.may_hold(levels, !self.hidden)
    }
}

/// A place in the log, for a view that stays there while rows are added and dropped. To be taken anew from each picture
/// that still has the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bookmark {
    id: LineId,
    /// Rows that were ever before it.
    before: u64,
}

impl Picture {
    pub(super) fn new(chunks: Vec<Arc<Chunk>>, sources: Arc<[ModuleId]>, totals: Totals) -> Self {
        Self { chunks: chunks.into(), sources, totals: Arc::new(totals) }
    }

    pub(super) fn chunks(&self) -> &[Arc<Chunk>] {
        &self.chunks
    }

    /// Rows, marks included.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.totals.rows
    }

    /// Lines of a module, by level from 0 to 7.
    #[must_use]
    pub fn lines(&self, source: Source) -> [usize; 8] {
        self.totals.lines.get(source.index()).copied().unwrap_or_default()
    }

    /// Lines that edgeAgent wrote about being asked for logs.
    #[must_use]
    pub fn polling(&self) -> usize {
        self.totals.polling
    }

    /// Memory, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.totals.bytes
    }

    /// Lines that were dropped to make room, since the beginning.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.totals.dropped
    }

    /// The modules, each at its source's index.
    #[must_use]
    pub fn sources(&self) -> &[ModuleId] {
        &self.sources
    }

    /// The module of a source.
    #[must_use]
    pub fn module(&self, source: Source) -> Option<&ModuleId> {
        self.sources.get(source.index())
    }

    /// The source of a module.
    #[must_use]
    pub fn source(&self, module: &ModuleId) -> Option<Source> {
        let place = self.sources.iter().position(|known| known == module)?;
        u8::try_from(place).ok().map(Source)
    }

    /// The row, if it is still there.
    #[must_use]
    pub fn get(&self, id: LineId) -> Option<&Row> {
        self.from(id, Filter::default()).next().filter(|row| row.id == id)
    }

    /// The first row.
    #[must_use]
    pub fn first(&self) -> Option<&Row> {
        self.chunks.first().and_then(|chunk| chunk.rows().first())
    }

    /// The last row.
    #[must_use]
    pub fn last(&self) -> Option<&Row> {
        self.chunks.last().and_then(|chunk| chunk.rows().last())
    }

    /// Rows that are shown, all of them.
    pub fn all(&self, filter: Filter) -> impl DoubleEndedIterator<Item = &Row> {
        shown(&self.chunks, filter)
    }

    /// Rows that are shown, from `id` on; where that row is gone or hidden, from the next one that is not.
    pub fn from(&self, id: LineId, filter: Filter) -> impl Iterator<Item = &Row> {
        let place = self.chunks.partition_point(|chunk| chunk.last().is_some_and(|last| last < id));
        let (_, rest) = self.chunks.split_at(place);
        shown(rest, filter).skip_while(move |row| row.id < id)
    }

    /// Rows that are shown, from the one before `id` backwards.
    pub fn before(&self, id: LineId, filter: Filter) -> impl Iterator<Item = &Row> {
        let place = self.chunks.partition_point(|chunk| chunk.first().is_some_and(|first| first < id));
        let (start, _) = self.chunks.split_at(place);
        shown(start, filter).rev().skip_while(move |row| row.id >= id)
    }

    /// How many rows stand before `id`.
    #[must_use]
    pub fn index(&self, id: LineId) -> usize {
        let place = self.chunks.partition_point(|chunk| chunk.last().is_some_and(|last| last < id));
        let before: usize = self.chunks.iter().take(place).map(|chunk| chunk.rows().len()).sum();
        before + self.chunks.get(place).map_or(0, |chunk| chunk.rows().partition_point(|row| row.id < id))
    }

    /// Remembers a place.
    #[must_use]
    pub fn bookmark(&self, id: LineId) -> Bookmark {
        let index = u64::try_from(self.index(id)).unwrap_or(u64::MAX);
        Bookmark { id, before: self.totals.gone.saturating_add(index) }
    }

    /// How many rows from the bookmark on were dropped: 0 while its row is there, and then as many as a reader who
    /// stopped there has missed.
    #[must_use]
    pub fn lost(&self, bookmark: Bookmark) -> u64 {
        if self.first().is_none_or(|first| first.id <= bookmark.id) {
            return 0;
        }
        self.totals.gone.saturating_sub(bookmark.before)
    }
}

impl Bookmark {
    /// The row it was taken at.
    #[must_use]
    pub fn id(&self) -> LineId {
        self.id
    }
}

fn shown(chunks: &[Arc<Chunk>], filter: Filter) -> impl DoubleEndedIterator<Item = &Row> {
    let chunks = chunks.iter().filter(move |chunk| filter.may_take(chunk));
    chunks.flat_map(|chunk| chunk.rows()).filter(move |row| filter.takes(row))
}
