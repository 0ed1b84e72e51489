//! Logs as a follower would hand them over: lines of modules, merged, with the marks between them and how following goes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::start;
use crate::domain::fault::Fault;
use crate::domain::ids::{DeviceId, ModuleId};
use crate::domain::time::Now;
use crate::logs::continuity::{Found, Gap, GapCause, Mark};
use crate::logs::decode::Failure;
use crate::logs::merge::{Merge, WINDOW};
use crate::logs::parse;
use crate::logs::ring::{Caps, Ring};
use crate::logs::tail::{Cost, TailPicture};
use crate::logs::veil::Veil;
use crate::logs::{Entry, Stream};
use crate::tui::following::LogBoard;

/// A log that is followed.
#[derive(Debug)]
pub(crate) struct Log {
    device: DeviceId,
    merge: Merge,
    ring: Ring,
    veils: BTreeMap<ModuleId, Veil>,
    /// What is known of it besides its lines.
    pub tail: TailPicture,
    /// Which of the logs that were followed it is.
    pub run: u64,
}

/// An instant so many milliseconds after the world's beginning.
pub(crate) fn at(millis: i64) -> Timestamp {
    start() + jiff::SignedDuration::from_millis(millis)
}

impl Log {
    /// Nothing read yet, of these modules.
    pub(crate) fn of(device: &str, modules: &[&str]) -> Self {
        let mut log = Self {
            device: DeviceId::from_wire(device),
            merge: Merge::new(WINDOW),
            ring: Ring::new(Caps::default()),
            veils: BTreeMap::new(),
            tail: TailPicture {
                every: Duration::from_secs(2),
                usual: Duration::from_secs(2),
                ..TailPicture::default()
            },
            run: 1,
        };
        for module in modules {
            let id = ModuleId::from_wire(*module);
            let source = log.ring.source(&id);
            log.tail.modules.entry(id).or_default().source = source;
        }
        log
    }

    /// edgeAgent answered just now, and is asked again in a moment.
    pub(crate) fn answered(&mut self, now: Now) -> &mut Self {
        self.tail.answered = Some(now);
        self.tail.fault = None;
        self.tail.next = Some(Now { mono: now.mono + self.tail.every, ..now });
        self.tail.cost = Cost { spent: 9, per_hour: 3_583 };
        self.tail.bytes = 2_840;
        self
    }

    /// A line as the module wrote it: `<3>` before it, or not.
    pub(crate) fn line(&mut self, module: &str, millis: i64, raw: &str) -> &mut Self {
        let parsed = parse::line(raw);
        let entry =
            Entry { time: Some(at(millis)), stream: Stream::Out, severity: parsed.severity, text: parsed.text.into() };
        self.found(module, Found::Line(entry))
    }

    /// Lines may be missing between two instants.
    pub(crate) fn gap(&mut self, module: &str, after: i64, before: i64, cause: GapCause) -> &mut Self {
        let gap = Gap { after: Some(at(after)), before: Some(at(before)), cause };
        self.found(module, Found::Mark(Mark::Gap(gap)))
    }

    /// Whatever a follower finds.
    pub(crate) fn found(&mut self, module: &str, mut found: Found) -> &mut Self {
        let id = ModuleId::from_wire(module);
        let source = self.ring.source(&id).unwrap();
        self.tail.modules.entry(id.clone()).or_default().source = Some(source);
        if let Found::Line(entry) = &mut found {
            self.veils.entry(id.clone()).or_default().hide(entry);
        }
        for mut row in self.merge.place(source, found, start()) {
            row.polling = id == ModuleId::edge_agent() && parse::is_about_polling(row.text());
            self.ring.add(row);
        }
        self
    }

    /// A module's part of the answer was a refusal.
    pub(crate) fn refused(&mut self, module: &str, failure: Failure) -> &mut Self {
        self.tail.modules.entry(ModuleId::from_wire(module)).or_default().failure = Some(failure);
        self
    }

    /// The last request has no answer, since `since`.
    pub(crate) fn failed(&mut self, fault: Fault, since: Now, next: Duration) -> &mut Self {
        self.tail.fault = Some((fault, since));
        self.tail.next = Some(Now { mono: since.mono + next, ..since });
        self
    }

    /// What the screen gets.
    pub(crate) fn board(&self) -> Arc<LogBoard> {
        let tail = TailPicture { log: self.ring.picture(), ..self.tail.clone() };
        Arc::new(LogBoard { run: self.run, device: Some(self.device.clone()), tail: Arc::new(tail) })
    }
}
