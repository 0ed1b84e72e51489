//! Our own log: a file in the state folder, never the terminal.

use std::path::Path;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;

/// Files that are kept.
const KEPT: usize = 5;

/// Starts logging into `state`/log; the guard writes what is left when it is dropped. As long as nothing was ever
/// saved there is no state folder, and looking around must not make one: then there is no log, unless one is asked for.
pub(super) fn start(state: &Path, filter: Option<&str>) -> Option<WorkerGuard> {
    if filter.is_none() && !state.exists() {
        return None;
    }
    let folder = state.join("log");
    crate::disk::ensure_dir(&folder).ok()?;
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("edgedeck")
        .filename_suffix("log")
        .max_log_files(KEPT)
        .build(&folder)
        .ok()?;
    // Lossy: a slow disk drops log lines, not keys.
    let (writer, guard) = tracing_appender::non_blocking(appender);
    let filter = EnvFilter::try_new(filter.unwrap_or("info")).unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_env_filter(filter).with_writer(writer).finish();
    tracing::subscriber::set_global_default(subscriber).ok()?;
    Some(guard)
}
