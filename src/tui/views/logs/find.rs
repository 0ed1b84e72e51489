//! Searching the log: what is looked for, how far it was read, and going from hit to hit.

use super::LogView;
use crate::logs::ring::{LineId, Progress, Search, SearchError};
use crate::tui::canvas::Piece;
use crate::tui::shell::Shell;
use crate::tui::theme::Role;

/// Text that is read at once: some milliseconds' worth.
const STEP: usize = 4 * 1024 * 1024;

/// A search.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    /// As typed.
    pub text: String,
    /// Nothing while the text is no expression.
    pub search: Result<Search, SearchError>,
    progress: Progress,
}

impl Finding {
    fn new(text: &str) -> Self {
        let search = match text.strip_prefix('~') {
            Some(pattern) => Search::regex(pattern),
            None => Search::literal(text),
        };
        Self { text: text.to_owned(), search, progress: Progress { hits: 0, done: false } }
    }

    /// Reads everything again: it is another log.
    pub fn begin(&mut self) {
        *self = Self::new(&self.text);
    }
}

impl LogView {
    /// Searches for what was typed; nothing ends the search.
    pub fn search(&mut self, text: Option<&str>, shell: &Shell) {
        self.finding = text.map(Finding::new);
        self.search_on(shell);
    }

    /// What was typed.
    #[must_use]
    pub fn search_text(&self) -> &str {
        self.finding.as_ref().map_or("", |finding| &finding.text)
    }

    /// Reads on, in what is here by now.
    pub fn search_on(&mut self, shell: &Shell) {
        let Some(tail) = self.tail(shell) else { return };
        let filter = self.filter(&tail.log);
        if let Some(finding) = &mut self.finding
            && let Ok(search) = &mut finding.search
        {
            search.within(filter);
            finding.progress = search.step(&tail.log, STEP);
        }
    }

    /// What is wrong with the search, or what it found; for the line it is typed in.
    #[must_use]
    pub fn search_note(&self) -> Piece {
        match &self.finding {
            None => (Role::TextDim, "text, or ~regex; a capital makes case count".to_owned()),
            Some(Finding { search: Err(error), .. }) => (Role::PromptError, error.to_string()),
            Some(finding) => (Role::TextDim, format!("{}; n and N go on, esc ends it", finding.in_words())),
        }
    }

    /// The search for the second band: `/segfault 1/3`.
    pub(super) fn search_state(&self, shell: &Shell) -> Option<Piece> {
        let finding = self.finding.as_ref()?;
        let text = crate::domain::text::Untrusted::new(finding.text.as_str()).shown().fit(24);
        let Ok(search) = &finding.search else {
            return Some((Role::PromptError, format!("/{} cannot be read", text.as_str())));
        };
        let tail = self.tail(shell)?;
        let at = self.spot.map(|spot| search.rank(&tail.log, spot.at)).filter(|rank| *rank > 0);
        let hits = finding.progress.hits;
        let count = match at {
            Some(at) => format!("{at}/{hits}"),
            None => finding.in_words(),
        };
        let more = if finding.progress.done { "" } else { "+" };
        Some((Role::Match, format!("/{} {count}{more}", text.as_str())))
    }

    /// After the search was typed: goes to the newest hit, where the reader is or above.
    pub fn go_to_found(&mut self, shell: &mut Shell) {
        if self.finding.is_none() {
            return;
        }
        if let Some(Err(error)) = self.finding.as_ref().map(|finding| &finding.search) {
            let text = format!("the expression cannot be read: {error}");
            shell.warn(text);
            return;
        }
        let found = self.hit(shell, true, true).or_else(|| self.hit(shell, false, false));
        match found {
            Some(id) => self.go_to(id, shell),
            None => shell.info("nothing found in what is shown; lines that come are searched too"),
        }
    }

    /// To the next hit, or to the one before.
    pub(super) fn go_to_hit(&mut self, back: bool, shell: &mut Shell) {
        match self.hit(shell, back, false) {
            Some(id) => self.go_to(id, shell),
            None if self.finding.is_none() => shell.info("there is no search; / begins one"),
            None if back => shell.info("no hit further up; n goes down"),
            None => shell.info("no hit further down; N goes up"),
        }
    }

    /// The next hit from where the reader is; with `here`, the row he is on counts.
    fn hit(&self, shell: &Shell, back: bool, here: bool) -> Option<LineId> {
        let search = self.finding.as_ref()?.search.as_ref().ok()?;
        let tail = self.tail(shell)?;
        let rows = self.rows(&tail.log);
        let at = self.spot.map(|spot| spot.at).or_else(|| rows.last())?;
        let is_hit = || tail.log.get(at).is_some_and(|row| search.ranges(row).next().is_some());
        if (here || self.spot.is_none()) && is_hit() {
            return Some(at);
        }
        let found =
            if back { search.previous(&tail.log, at, rows.filter) } else { search.next(&tail.log, at, rows.filter) };
        found.filter(|id| self.cleared.is_none_or(|cleared| *id > cleared))
    }
}

impl Finding {
    fn in_words(&self) -> String {
        match (self.progress.hits, self.progress.done) {
            (0, false) => "searching".to_owned(),
            (0, true) => "no hit".to_owned(),
            (1, _) => "1 hit".to_owned(),
            (hits, _) => format!("{hits} hits"),
        }
    }
}
