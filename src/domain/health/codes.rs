//! The numbers edgeAgent and the container engine leave behind, in words, and edgeAgent's waits between restarts.

use std::time::Duration;

/// What `lastDesiredStatus.code` means, in words (edgeAgent's `DeploymentStatusCode`).
#[must_use]
pub fn agent_code_words(code: i64) -> &'static str {
    match code {
        200 => "the manifest was accepted and carried out (modules may still crash later)",
        400 => "edgeAgent cannot read the manifest; the previous one keeps running",
        406 => "edgeAgent was shut down in order, or never came up; modules are stopped",
        412 => "the manifest's schemaVersion is not one edgeAgent knows (1.0 to 1.1); the previous one keeps running",
        417 => "the device has no manifest: nobody deployed one, or it was emptied",
        500 => "part of the manifest could not be carried out; edgeAgent retries with growing waits",
        _ => "a code this console does not know",
    }
}

/// What a container's exit code usually means.
#[must_use]
pub fn exit_code_words(code: i64) -> &'static str {
    match code {
        0 => "ended without an error",
        1 => "the program ended with an error of its own; its log says which",
        125 => "the engine could not start the container",
        126 => "the command in the image cannot be executed",
        127 => "the command is not in the image",
        134 => "aborted (SIGABRT)",
        137 => "killed (SIGKILL), often for memory",
        139 => "segmentation fault (SIGSEGV)",
        143 => "asked to stop (SIGTERM)",
        255 => "ended with an error, code out of range",
        code if code > 128 => "ended by a signal",
        _ => "the program ended with an error of its own",
    }
}

/// edgeAgent's wait before the next start after `restart_count` restarts in a row: 10, 20, 40 s … at most 300.
#[must_use]
pub fn backoff_wait(restart_count: u64) -> Duration {
    let factor = 1_u64.checked_shl(u32::try_from(restart_count).unwrap_or(u32::MAX)).unwrap_or(u64::MAX);
    Duration::from_secs(10_u64.saturating_mul(factor).min(300))
}

/// After this many restarts edgeAgent gives up and the module is `failed`.
pub const MAX_RESTARTS: u64 = 20;
