//! What can be typed after `:`. Commands take an argument or lead to a view; every action can be typed by its name too.

use super::{ActionId, Danger};
use crate::domain::text::Shown;

/// Whether a command takes an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// None; anything after the name is an error.
    No,
    /// One may follow.
    Optional,
    /// One must follow.
    Required,
}

/// What a command's argument is completed from: lists already loaded, never the hub (console-ux G-20).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completes {
    /// Nothing.
    Nothing,
    /// Ids of loaded devices.
    Devices,
    /// Ids of loaded devices, and after `/` their modules.
    Twins,
    /// Ids of loaded deployments.
    Deployments,
    /// Names of themes.
    Themes,
    /// Names of keymaps.
    Keymaps,
    /// The simulated hub's switches.
    Sim,
}

/// One command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command {
    /// Which one.
    pub id: CommandId,
    /// The word to type.
    pub name: &'static str,
    /// Other words that mean the same.
    pub aliases: &'static [&'static str],
    /// Name and argument as help shows them: `twin ID[/MODULE]`.
    pub usage: &'static str,
    /// One sentence for palette and help.
    pub doc: &'static str,
    /// Whether an argument follows.
    pub argument: Argument,
    /// What completes it.
    pub completes: Completes,
    /// What it can touch.
    pub danger: Danger,
    /// The action that does the same, whose key the palette shows.
    pub action: Option<ActionId>,
}

macro_rules! commands {
    ($($id:ident $name:literal $aliases:expr, $usage:literal $argument:ident $completes:ident $danger:ident $action:expr, $doc:literal;)*) => {
        /// Everything that is typed after `:` and is not an action's name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum CommandId {
            $(#[doc = $doc] $id,)*
        }

        impl CommandId {
            /// Every command, in the order help lists them.
            pub const ALL: &[Self] = &[$(Self::$id,)*];

            /// What is known about it.
            #[must_use]
            pub fn command(self) -> &'static Command {
                match self {
                    $(Self::$id => &Command {
                        id: Self::$id,
                        name: $name,
                        aliases: &$aliases,
                        usage: $usage,
                        doc: $doc,
                        argument: Argument::$argument,
                        completes: Completes::$completes,
                        danger: Danger::$danger,
                        action: $action,
                    },)*
                }
            }
        }
    };
}

commands! {
    Devices "devices" ["dev", "fleet"], "devices" No Nothing Read None, "Lists the devices.";
    Device "device" ["d"], "device ID" Required Devices Read None, "Shows one device.";
    Deployments "deployments" ["dep", "deployment"], "deployments [ID]" Optional Deployments Read None, "Lists the deployments, or shows one.";
    Twin "twin" [], "twin ID[/MODULE]" Required Twins Read None, "Shows the twin of a device or module.";
    Register "register" ["create"], "register" No Nothing Write Some(ActionId::Register), "Opens the form that registers a device.";
    Apply "apply" [], "apply [ID [FILE]]" Optional Devices Write Some(ActionId::Apply), "Gives a device a manifest; first shows what that does.";
    Restart "restart" [], "restart [ID/MODULE]" Optional Twins Write Some(ActionId::Restart), "Has edgeAgent restart a module, after a confirmation.";
    Enable "enable" [], "enable [ID]" Optional Devices Write Some(ActionId::DeviceEnable), "Lets a device connect again.";
    Disable "disable" [], "disable [ID]" Optional Devices Write Some(ActionId::DeviceDisable), "Cuts a device off; identity, twins and keys stay.";
    Delete "delete" [], "delete [ID]" Optional Devices Write Some(ActionId::DeviceDelete), "Deletes a device with its modules, twins and keys.";
    ConnectionString "connection-string" ["key"], "connection-string [ID]" Optional Devices Read Some(ActionId::DeviceKey), "Shows what a device signs in with, hidden until it is asked for by name.";
    Deploy "deploy" [], "deploy" No Nothing Write Some(ActionId::DeploymentNew), "Opens the form that creates a deployment.";
    Logs "logs" ["log"], "logs ID[/MODULE]" Required Twins Read None, "Follows the logs of a module, or of all modules of a device.";
    Discard "discard" [], "discard" No Nothing Local Some(ActionId::TwinDiscard), "Throws the draft in view away.";
    Audit "audit" ["changes"], "audit" No Nothing Read None, "Lists the changes of this run and how they ended.";
    Messages "messages" ["msg"], "messages" No Nothing Read Some(ActionId::Messages), "Lists past messages in full.";
    Theme "theme" [], "theme NAME" Required Themes Local None, "Changes the colours.";
    Keymap "keymap" [], "keymap NAME" Required Keymaps Local None, "Changes the keys.";
    Keys "keys" [], "keys" No Nothing Read None, "Lists every action with its keys.";
    Help "help" ["h"], "help" No Nothing Read Some(ActionId::Help), "Lists the keys that work here.";
    Sim "sim" [], "sim [SWITCH]" Optional Sim Local None, "Shows the simulated hub, or throws one of its switches.";
    Suspend "suspend" [], "suspend" No Nothing Read Some(ActionId::Suspend), "Goes to the shell until `fg`; refused while a change is in flight.";
    SuspendAnyway "suspend!" [], "suspend!" No Nothing Read None, "Goes to the shell although a change is in flight; asks first.";
    Quit "quit" ["q", "exit"], "quit" No Nothing Read Some(ActionId::Quit), "Quits; asks while a change is in flight.";
}

/// What a line asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A command.
    Command(CommandId),
    /// An action, by its own name or through a command that does the same.
    Action(ActionId),
}

/// Why a line cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// Nothing was typed.
    #[error("type a command; tab lists them")]
    Empty,
    /// Neither a command nor an action.
    #[error("no command {}; tab lists them", .0.as_str())]
    Unknown(Shown),
    /// The argument is missing.
    #[error("something is missing; usage: {0}")]
    Missing(&'static str),
    /// An argument where none belongs.
    #[error("{} is too much; usage: {usage}", .extra.as_str())]
    Extra {
        /// What was typed after the name.
        extra: Shown,
        /// How the command is used.
        usage: &'static str,
    },
}

/// A line that can be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invocation<'l> {
    /// What it asks for.
    pub target: Target,
    /// What follows the name, trimmed; empty when nothing does.
    pub argument: &'l str,
}

impl<'l> Invocation<'l> {
    /// Reads a line as typed, with or without its `:`.
    ///
    /// # Errors
    /// [`CommandError`] when there is no such command or its argument does not fit.
    pub fn parse(line: &'l str) -> Result<Self, CommandError> {
        let line = line.trim();
        let line = line.strip_prefix(':').unwrap_or(line).trim_start();
        let (word, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let argument = argument.trim_start();
        if word.is_empty() {
            return Err(CommandError::Empty);
        }
        let (target, usage, takes) = if let Some(command) = find(word) {
            // Alone it means what is under the cursor, as its key does.
            let action = command.action.filter(|_| argument.is_empty());
            let target = action.map_or(Target::Command(command.id), Target::Action);
            (target, command.usage, command.argument)
        } else if let Some(action) = ActionId::parse(word) {
            (Target::Action(action), action.name(), Argument::No)
        } else {
            return Err(CommandError::Unknown(Shown::sanitise(word)));
        };
        match takes {
            Argument::No if !argument.is_empty() => {
                Err(CommandError::Extra { extra: Shown::sanitise(argument), usage })
            }
            Argument::Required if argument.is_empty() => Err(CommandError::Missing(usage)),
            Argument::No | Argument::Optional | Argument::Required => Ok(Self { target, argument }),
        }
    }
}

fn find(word: &str) -> Option<&'static Command> {
    let known = |command: &&Command| command.name == word || command.aliases.contains(&word);
    CommandId::ALL.iter().map(|id| id.command()).find(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn words_are_unique_and_usages_fit() {
        let mut words = BTreeSet::new();
        for id in CommandId::ALL {
            let command = id.command();
            for word in command.aliases.iter().chain([&command.name]) {
                assert!(words.insert(*word), "{word} means two things");
                assert_eq!(ActionId::parse(word), None, "{word}");
            }
            let mut usage = command.usage.split(' ');
            assert_eq!(usage.next(), Some(command.name));
            let argument = match usage.next() {
                None => Argument::No,
                Some(word) if word.starts_with('[') => Argument::Optional,
                Some(_) => Argument::Required,
            };
            assert_eq!(argument, command.argument, "{}", command.name);
            if let Some(action) = command.action {
                assert_eq!(action.action().danger, command.danger, "{}", command.name);
            }
        }
    }

    #[test]
    fn lines_are_read() {
        let run = |target, argument| Ok(Invocation { target, argument });
        for (line, expected) in [
            (":devices", run(Target::Command(CommandId::Devices), "")),
            (
                "  twin  edge-gateway-001/temperatureFilter ",
                run(Target::Command(CommandId::Twin), "edge-gateway-001/temperatureFilter"),
            ),
            (":sim", run(Target::Command(CommandId::Sim), "")),
            (":sim net off edge-1", run(Target::Command(CommandId::Sim), "net off edge-1")),
            (":q", run(Target::Action(ActionId::Quit), "")),
            (":sort.status", run(Target::Action(ActionId::SortStatus), "")),
            (":", Err(CommandError::Empty)),
            (":theme", Err(CommandError::Missing("theme NAME"))),
            (":devicez", Err(CommandError::Unknown(Shown::sanitise("devicez")))),
            (":keys now", Err(CommandError::Extra { extra: Shown::sanitise("now"), usage: "keys" })),
        ] {
            assert_eq!(Invocation::parse(line), expected, "{line}");
        }
    }
}
