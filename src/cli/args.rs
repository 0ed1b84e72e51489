//! The flags and subcommands, as clap reads them. What a subcommand takes beyond that is in its own file.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::answer::Format;
use super::apply::ApplyArgs;
use super::audit::AuditCommand;
use super::config::ConfigCommand;
use super::deployment::DeploymentCommand;
use super::device::DeviceCommand;
use super::devices::DevicesArgs;
use super::logs::LogsArgs;
use super::modules::ModulesCommand;
use super::query::QueryArgs;
use super::restart::RestartArgs;
use super::sim::SimArgs;
use super::snapshot::SnapshotArgs;
use super::twin::TwinCommand;
use crate::sim::{Edition, Scenario, Sku, Temper, Terms};

macro_rules! examples {
    () => {
        "\
Examples:
  edgedeck --sim                                      the console on the embedded simulated hub
  edgedeck --sim devices --filter '-l role=gateway'   the same fleet as a table, filtered as / does
  edgedeck --hub my-hub.azure-devices.net             the console with Entra ID (az login)
  edgedeck --sim --scenario f04                       another world: a name, or the path of a scenario file
  edgedeck sim                                        the simulated hub on its own, for any client of IoT Hub
  edgedeck --connection-string-file hub.cs devices -o json
  edgedeck logs gw-1 filter --since 10m -f
  edgedeck twin patch gw-1/filter --desired '{\"threshold\": 30}' --dry-run"
    };
}

/// Shown below `--help`; `-h` shows the examples only.
const MORE: &str = concat!(
    examples!(),
    "\n
Which hub: --sim, --connection-string-file, --hub, $EDGEDECK_CONNECTION_STRING or a context, in this order.
A key never stands on the command line, where other users of the machine can read it.

Output: data goes to standard output, messages and questions to standard error. -o json prints one object
{\"apiVersion\", \"kind\", \"asOf\", \"items\"}; what is not known is null, and secrets are masked.

Writes carry the ETag that was read, are recorded before they are sent (edgedeck audit list), and are never
sent twice. Without a terminal to ask on they need --yes; what takes something away, reaches devices as a
deployment or goes to a production context needs --confirm NAME or HUB/NAME, and says which.

Exit codes:
  0   success; an empty list is a success
  1   failure not listed here; `twin diff`: the two sides differ
  2   a wrong flag or text, or an environment in which it cannot work
  3   not found
  4   not signed in, or a right is missing
  5   it changed since it was read (412); nothing was overwritten
  6   throttled, or over the hub's or edgedeck's own budget
  7   the hub cannot be reached, or did not answer in time
  10  refused by read-only mode, a rule, or a missing confirmation
  130 `logs -f`: ended with ctrl-c
  141 whoever read our output closed it"
);

const EXAMPLES: &str = concat!(examples!(), "\n\n--help says more: which hub, output, writes, exit codes.");

/// A keyboard-driven console for Azure IoT Hub and IoT Edge fleets; alone it opens the console, with a command it is
/// the same product for scripts.
#[derive(Debug, Parser)]
#[command(name = "edgedeck", version, after_help = EXAMPLES, after_long_help = MORE)]
pub struct Cli {
    /// How to reach a hub.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// How answers are printed.
    #[command(flatten)]
    pub output: OutputArgs,
    /// How the console looks.
    #[command(flatten)]
    pub screen: ScreenArgs,
    /// What to do; the console when nothing is named.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Which hub, and who we are there.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Hub")]
pub struct ConnectArgs {
    /// Start the embedded simulated hub and use it: no account, no network, no configuration
    #[arg(long, global = true, conflicts_with_all = ["hub", "connection_string_file", "context"])]
    pub sim: bool,
    /// The world of the simulated hub: default, tutorial, f01 to f23, or the path of a scenario file
    #[arg(long, global = true, value_name = "FILE|NAME")]
    pub scenario: Option<String>,
    /// A copy of a hub for the simulated hub to begin as: a file of `edgedeck snapshot`
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "scenario")]
    pub from: Option<PathBuf>,
    /// What the simulated hub was bought as: F1, B1 to B3, S1 to S3; the scenario's, or S1
    #[arg(long, global = true, value_name = "SKU", value_parser = sku)]
    pub sku: Option<Sku>,
    /// How many units of it, which raise its rates and its messages a day
    #[arg(long, global = true, value_name = "N")]
    pub units: Option<u32>,
    /// Whether the simulated hub is as unforgiving as the service (throttling, the day's messages) or kind; the scenario's,
    /// or off
    #[arg(long, global = true, value_name = "real|off", value_enum)]
    pub temper: Option<TemperArg>,
    /// A context from contexts.toml
    #[arg(long, short = 'x', global = true, value_name = "NAME", conflicts_with_all = ["hub", "connection_string_file"])]
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
    /// Sign in as this machine too, when nothing else does: its own identity, or a user-assigned one by client id.
    /// On a shared machine that identity is everybody's
    #[arg(long, global = true, value_name = "CLIENT_ID", num_args = 0..=1, require_equals = true,
          default_missing_value = "", conflicts_with_all = ["sim", "connection_string_file"])]
    pub managed_identity: Option<String>,
    /// Change nothing at the hub
    #[arg(long, global = true, alias = "readonly")]
    pub read_only: bool,
}

/// How the simulated hub behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TemperArg {
    /// As the service does.
    Real,
    /// It serves at any rate, and its day has no end.
    Off,
}

fn sku(text: &str) -> Result<Sku, String> {
    Sku::parse(text).ok_or_else(|| format!("there are {}", Sku::ALL.map(Sku::name).join(", ")))
}

impl ConnectArgs {
    /// The flags that a simulator starts with, and whether they are given.
    fn of_a_world(&self) -> [(&'static str, bool); 5] {
        [
            ("--scenario", self.scenario.is_some()),
            ("--from", self.from.is_some()),
            ("--sku", self.sku.is_some()),
            ("--units", self.units.is_some()),
            ("--temper", self.temper.is_some()),
        ]
    }

    /// On which terms a simulated hub serves: what is said here goes over what `scenario` says.
    ///
    /// # Errors
    /// A sentence when so many units are not sold.
    pub fn terms(&self, scenario: &Scenario) -> Result<Terms, String> {
        let terms = scenario.terms();
        let known = terms.edition;
        let sku = self.sku.unwrap_or(known.sku());
        // The units of one edition say nothing of another.
        let kept = if sku == known.sku() { known.units() } else { 1 };
        let edition = Edition::new(sku, self.units.unwrap_or(kept))?;
        let temper = match self.temper {
            Some(TemperArg::Real) => Temper::REAL,
            Some(TemperArg::Off) => Temper::default(),
            None => terms.temper,
        };
        Ok(Terms { edition, temper, ..terms })
    }
}

/// How a command prints what it found.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// A table for people, or JSON for programs
    #[arg(long = "output", short = 'o', global = true, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: Format,
}

/// How the console looks.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Console")]
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
pub enum Command {
    /// The fleet as a table: what runs where, and what is wrong
    Devices(DevicesArgs),
    /// One device: look at it, register, enable, disable, delete or tag it
    #[command(subcommand)]
    Device(DeviceCommand),
    /// The modules of a device as `iotedge list` shows them on the device
    #[command(subcommand)]
    Modules(ModulesCommand),
    /// Give one edge device a manifest: what it adds, changes and removes, then send it
    Apply(ApplyArgs),
    /// Restart a module through its device's edgeAgent
    Restart(RestartArgs),
    /// The deployments of the hub: whom they are for, how far they got, and the devices behind each figure
    #[command(subcommand)]
    Deployment(DeploymentCommand),
    /// What a module wrote, or all modules of a device; once, or as it comes
    Logs(LogsArgs),
    /// Run a query in the hub's own language
    Query(QueryArgs),
    /// Copy the hub into a file, without its secrets, to rehearse on
    Snapshot(SnapshotArgs),
    /// Read, compare and change the twin of a device or module
    #[command(subcommand)]
    Twin(TwinCommand),
    /// What was changed from this machine, by whom, and what came of it
    #[command(subcommand)]
    Audit(AuditCommand),
    /// What is set, and where
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Serve the simulated hub to any client of IoT Hub, or throw the switches of one that runs
    Sim(SimArgs),
    /// Version, folders and what edgedeck makes of this terminal
    Info,
}

impl Cli {
    /// A flag that has no meaning where it stands, or one that is missing, if there is one.
    #[must_use]
    pub fn idle_flag(&self) -> Option<String> {
        self.idle_screen_flag().or_else(|| self.idle_hub_flag()).or_else(|| match &self.command {
            Some(Command::Logs(args)) => args.without_module(),
            _ => None,
        })
    }

    /// A flag about which hub beside `sim`, which makes its own, or about its world where nothing is simulated.
    fn idle_hub_flag(&self) -> Option<String> {
        let connect = &self.connect;
        let Some(Command::Sim(args)) = &self.command else {
            let (flag, _) = connect.of_a_world().into_iter().find(|(_, given)| *given && !connect.sim)?;
            return Some(format!("{flag} is about the simulated hub: add --sim, or serve it with `edgedeck sim`"));
        };
        let given = [
            ("--sim", connect.sim),
            ("--context", connect.context.is_some()),
            ("--hub", connect.hub.is_some()),
            ("--connection-string-file", connect.connection_string_file.is_some()),
            ("--ca-file", connect.ca_file.is_some()),
            ("--managed-identity", connect.managed_identity.is_some()),
            ("--read-only", connect.read_only),
        ];
        if let Some((flag, _)) = given.into_iter().find(|(_, given)| *given) {
            return Some(format!("{flag} says which hub to use; `edgedeck sim` is one: leave it out"));
        }
        let (flag, _) = connect.of_a_world().into_iter().find(|(_, given)| *given && args.command.is_some())?;
        Some(format!("{flag} is for the start of a simulator, and this one runs: leave it out"))
    }

    /// A flag of the console beside a command that draws none; `config` and `info` show what it would do.
    fn idle_screen_flag(&self) -> Option<String> {
        let shows_settings = matches!(self.command, None | Some(Command::Config(_) | Command::Info));
        let screen = &self.screen;
        let given = [
            ("--theme", screen.theme.is_some()),
            ("--keymap", screen.keymap.is_some()),
            ("--color", screen.color.is_some()),
            ("--ascii", screen.ascii),
        ];
        let flag = given.into_iter().find(|(_, given)| *given && !shows_settings)?.0;
        Some(format!("{flag} is about the console; a command prints text and has no use for it: leave it out"))
    }
}
