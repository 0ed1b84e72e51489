//! The flags and subcommands, as clap reads them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// A keyboard-driven console for Azure IoT Hub and IoT Edge fleets.
#[derive(Debug, Parser)]
#[command(
    name = "edgedeck",
    version,
    after_help = "Examples:\n  edgedeck --sim                                        the console on the embedded simulated hub\n  \
                  edgedeck --hub my-hub.azure-devices.net               the console with Entra ID (az login)\n  \
                  edgedeck --connection-string-file ~/hub.cs devices    the fleet as a table"
)]
pub struct Cli {
    /// How to reach a hub.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// How the console looks.
    #[command(flatten)]
    pub screen: ScreenArgs,
    /// What to do; the console when nothing is named.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Which hub, and who we are there.
#[derive(Debug, Clone, Default, Args)]
pub struct ConnectArgs {
    /// Start the embedded simulated hub and use it: no account, no network, no configuration
    #[arg(long, global = true, conflicts_with_all = ["hub", "connection_string_file", "context"])]
    pub sim: bool,
    /// A context from contexts.toml
    #[arg(long, short = 'x', global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// A hub's host name, signed in with Entra ID
    #[arg(long, short = 'n', global = true, value_name = "HOST", conflicts_with = "connection_string_file")]
    pub hub: Option<String>,
    /// A private file that holds a connection string, or - for standard input
    #[arg(long, global = true, value_name = "PATH")]
    pub connection_string_file: Option<PathBuf>,
    /// A PEM file of authorities to believe besides the system's
    #[arg(long, global = true, value_name = "PEM")]
    pub ca_file: Option<PathBuf>,
    /// Change nothing at the hub
    #[arg(long, global = true, alias = "readonly")]
    pub read_only: bool,
}

/// How the console looks.
#[derive(Debug, Clone, Default, Args)]
pub struct ScreenArgs {
    /// A theme: terminal, dark, light, high-contrast, cb-dark, mono, or your own
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,
    /// A keymap: k9s, vim, or your own
    #[arg(long, value_name = "NAME")]
    pub keymap: Option<String>,
    /// Colours: auto, truecolor, 256, 16 or none
    #[arg(long, value_name = "DEPTH")]
    pub color: Option<String>,
    /// Draw with ASCII characters only
    #[arg(long)]
    pub ascii: bool,
}

/// What to do without the console.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {}
