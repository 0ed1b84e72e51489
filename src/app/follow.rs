//! Following a log for the screen: one at a time, started and stopped as views want it, its pictures handed on. And
//! writing one to a file.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::disk::{self, DiskError, NewFile};
use crate::domain::ids::DeviceId;
use crate::domain::text::Untrusted;
use crate::domain::time::SharedClock;
use crate::hub::HubRead;
use crate::logs::tail::{LogTail, TailSettings};
use crate::tui::following::{LogBoard, LogFile, LogWant};

/// Follows what is wanted.
#[derive(Debug)]
pub(super) struct Following {
    hub: HubRead,
    clock: SharedClock,
    settings: TailSettings,
    cancel: CancellationToken,
    tasks: TaskTracker,
    board: watch::Sender<Arc<LogBoard>>,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    run: u64,
    tail: Option<(DeviceId, LogTail)>,
}

impl Following {
    pub fn new(
        hub: HubRead,
        clock: SharedClock,
        settings: TailSettings,
        cancel: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        let (board, _) = watch::channel(Arc::default());
        Self { hub, clock, settings, cancel, tasks, board, open: Mutex::default() }
    }

    /// The newest picture, and the next ones.
    pub fn pictures(&self) -> watch::Receiver<Arc<LogBoard>> {
        self.board.subscribe()
    }

    /// Follows this and nothing else.
    pub fn want(&self, want: Option<LogWant>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(LogWant { device, wanted }) = want else {
            if open.tail.take().is_some() {
                open.run += 1;
                // What was kept is let go.
                self.board.send_replace(Arc::new(LogBoard { run: open.run, ..LogBoard::default() }));
            }
            return;
        };
        if let Some((_, tail)) = open.tail.as_ref().filter(|(followed, _)| *followed == device) {
            tail.want(wanted);
            return;
        }
        // The one before ends first.
        open.tail = None;
        open.run += 1;
        let run = open.run;
        let start = LogBoard { run, device: Some(device.clone()), tail: Arc::default() };
        self.board.send_replace(Arc::new(start));
        let (hub, clock) = (&self.hub, self.clock.clone());
        let tail = LogTail::start(hub, clock, self.settings, device.clone(), wanted, &self.cancel, &self.tasks);
        let (mut pictures, board, of) = (tail.picture(), self.board.clone(), device.clone());
        self.tasks.spawn(async move {
            // It ends with the tail, whose half of the channel goes then.
            while pictures.changed().await.is_ok() {
                let tail = pictures.borrow_and_update().clone();
                board.send_if_modified(|present| {
                    let is_ours = present.run == run;
                    if is_ours {
                        *present = Arc::new(LogBoard { run, device: Some(of.clone()), tail });
                    }
                    is_ours
                });
            }
        });
        open.tail = Some((device, tail));
    }

    /// Asks now, if anything is followed.
    pub fn now(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, tail)) = &open.tail {
            tail.now();
        }
    }
}

/// Writes the lines into a file of their own below `folder`, which nobody else can read; gives the sentence to say, with
/// `~` for the user's `home`. Blocks.
///
/// # Errors
/// A sentence.
pub(super) fn save(folder: &Path, home: Option<&Path>, file: &LogFile, stamp: &str) -> Result<String, String> {
    disk::ensure_dir(folder).map_err(|error| format!("the log was not saved: {error}"))?;
    let name = format!("{}-{stamp}.log", plain_name(&file.about));
    let path = folder.join(&name);
    let failed = |error: DiskError| format!("the log was not saved: {error}");
    let made = NewFile::create(&path).map_err(failed)?;
    let (lines, bytes) = made.keep(|out| write(out, file)).map_err(failed)?;
    // What is cut where there is little room is the least of it.
    Ok(format!("{name}: {lines} lines, {} kB, masked, in {}", bytes.div_ceil(1_000), below(folder, home)))
}

fn write(out: &mut dyn Write, file: &LogFile) -> std::io::Result<(usize, usize)> {
    let (mut lines, mut bytes) = (0, 0);
    for line in file.lines() {
        out.write_all(line.as_bytes())?;
        out.write_all(b"\n")?;
        lines += 1;
        bytes += line.len() + 1;
    }
    Ok((lines, bytes))
}

/// A folder as a shell reads it, short where it can be.
fn below(folder: &Path, home: Option<&Path>) -> String {
    let text = match home.and_then(|home| folder.strip_prefix(home).ok()) {
        Some(rest) => format!("~/{}", rest.display()),
        None => folder.display().to_string(),
    };
    Untrusted::new(text).shown().into()
}

/// A name no shell and no folder takes for something else.
fn plain_name(about: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = about.chars().map(|c| if is_plain(c) { c } else { '_' }).take(120).collect();
    name.trim_start_matches(['.', '-']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::print::Layout;
    use crate::logs::ring::{Filter, Picture};

    #[test]
    fn a_file_is_private_and_never_written_over() {
        use std::os::unix::fs::PermissionsExt;

        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("saved");
        let file = LogFile {
            about: "../edge 1/\u{1b}[2Jfilter".to_owned(),
            picture: Picture::default(),
            filter: Filter::default(),
            after: None,
            layout: Layout::default(),
        };
        let said = save(&folder, Some(home.path()), &file, "now").unwrap();
        let path = folder.join("_edge_1___2Jfilter-now.log");
        assert_eq!(said, "_edge_1___2Jfilter-now.log: 0 lines, 0 kB, masked, in ~/saved", "the name is never cut off");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&folder)), (0o600, 0o700));
        std::fs::write(&path, "kept").unwrap();
        let refused = save(&folder, None, &file, "now").unwrap_err();
        assert!(refused.starts_with("the log was not saved"), "{refused}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "kept");
    }
}
