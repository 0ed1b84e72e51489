//! A few hundred rows in order, with enough said about them to skip them all at once.

use super::{Caps, Content, LineId, Row};

/// Rows of a chunk.
const ROWS: usize = 256;
/// Text of a chunk; one more line may go over it.
const TEXT: usize = 64 * 1024;
/// A shared text has two counters before it.
const TEXT_OVERHEAD: usize = 2 * size_of::<usize>();

#[derive(Debug, Clone)]
pub(super) struct Chunk {
    /// No other chunk has it.
    serial: u64,
    /// Changes with every change.
    revision: u64,
    rows: Vec<Row>,
    most_rows: usize,
    most_text: usize,
    text: usize,
    levels: u8,
    sources: u64,
}

impl Chunk {
    /// An empty chunk, small where the caps are.
    pub fn new(serial: u64, caps: Caps) -> Self {
        let most_rows = ROWS.min(caps.rows / 4).max(1);
        let most_text = TEXT.min(caps.bytes / 16);
        Self { serial, revision: 0, rows: Vec::new(), most_rows, most_text, text: 0, levels: 0, sources: 0 }
    }

    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub fn first(&self) -> Option<LineId> {
        self.rows.first().map(|row| row.id)
    }

    pub fn last(&self) -> Option<LineId> {
        self.rows.last().map(|row| row.id)
    }

    /// What tells a reader whether it has read these rows.
    pub fn version(&self) -> (u64, u64) {
        (self.serial, self.revision)
    }

    pub fn is_full(&self) -> bool {
        self.rows.len() >= self.most_rows || self.text > self.most_text
    }

    /// Memory, in bytes.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.rows.capacity() * size_of::<Row>() + self.text
    }

    /// Bytes of text.
    pub fn text(&self) -> usize {
        self.text
    }

    /// Whether a line of one of `levels` and one of `sources` may be in it; both are sets of bits.
    pub fn may_hold(&self, levels: u8, sources: u64) -> bool {
        self.levels & levels != 0 && self.sources & sources != 0
    }

    pub fn insert(&mut self, row: Row) {
        let place = self.rows.partition_point(|known| known.id < row.id);
        self.note(&row);
        if self.rows.len() == self.rows.capacity() {
            // By half at a time and never beyond what is used: a vector left to itself doubles, and long texts fill a
            // chunk with few rows.
            let room = self.most_rows.saturating_sub(self.rows.len());
            self.rows.reserve_exact((self.rows.len() / 2).max(8).min(room.max(1)));
        }
        self.rows.insert(place, row);
        self.revision += 1;
    }

    /// Moves the later half of the rows to `half`, which is empty.
    pub fn split_into(&mut self, half: &mut Self) {
        half.rows.extend(self.rows.drain(self.rows.len() / 2..));
        self.revision += 1;
        for chunk in [&mut *self, half] {
            (chunk.text, chunk.levels, chunk.sources) = (0, 0, 0);
            let rows = std::mem::take(&mut chunk.rows);
            rows.iter().for_each(|row| chunk.note(row));
            chunk.rows = rows;
        }
    }

    fn note(&mut self, row: &Row) {
        self.sources |= row.source.bit();
        match &row.content {
            Content::Line { entry, .. } => {
                self.text += entry.text.raw().len() + TEXT_OVERHEAD;
                self.levels |= 1 << row.level.digit();
            }
            // Marks are shown whatever level is asked for.
            Content::Mark(_) => self.levels = u8::MAX,
        }
    }
}
