//! What the operator set, and where: folders, settings in layers with provenance, contexts, secret files.
//!
//! Bad input never stops the program and never reverts silently: each mistake is a [`Finding`] with file, line,
//! column and what would be right, and everything else applies.

mod contexts;
mod findings;
mod input;
mod layers;
mod paths;
mod secret_file;
mod settings;
#[cfg(test)]
mod tests;

pub use contexts::{Auth, Context, Contexts, NameTaken, with_added};
pub use findings::{Finding, Place, Source};
pub use layers::{Active, Config, FlagValue, Sources};
pub use paths::{Env, NoHome, Paths, Platform};
pub use secret_file::{SecretFileError, SecretSource, read_connection_string, refuse_key_in_arguments};
pub use settings::{Color, Glyphs, Hub, Origin, Poll, Safety, Setting, Settings, ThemeChoice, Ui};
