//! The one registry of what can be done: keymaps, hint bar, help, palette and documentation read it, nothing repeats it.
//!
//! An action is named by what it does (`row.down`), not by its key. To add one, add a line to the table and a key to
//! each profile in `keymaps/`; the compiler then asks for its handler.

mod commands;

pub use commands::{Argument, Command, CommandError, CommandId, Completes, Invocation, Target};

/// Where keys mean something. A view hands the keymap its scopes, innermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Every view.
    Global,
    /// Anything with rows or lines to move through.
    Table,
    /// A list that can be filtered and sorted.
    List,
    /// The list of devices.
    Fleet,
    /// A device or module is shown or under the cursor.
    Device,
    /// A deployment is shown or under the cursor, or could be made.
    Deployment,
    /// Something with an id of its own is shown or under the cursor.
    Object,
    /// A module's log, or those of a device.
    Logs,
    /// A twin beside its draft.
    Twin,
    /// Typing in the editor of a draft.
    Editor,
    /// A change about to be sent.
    Review,
    /// A device's key, hidden or shown.
    Key,
    /// Filling in a form.
    Form,
    /// A dialog that asks before it does something.
    Confirm,
    /// A three-way merge after the hub answered 412.
    Conflict,
    /// Typing a command or a filter.
    Input,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 16] = [
        Self::Global,
        Self::Table,
        Self::List,
        Self::Fleet,
        Self::Device,
        Self::Deployment,
        Self::Object,
        Self::Logs,
        Self::Twin,
        Self::Editor,
        Self::Review,
        Self::Key,
        Self::Form,
        Self::Confirm,
        Self::Conflict,
        Self::Input,
    ];

    /// The table's name in a keymap file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Table => "table",
            Self::List => "list",
            Self::Fleet => "fleet",
            Self::Device => "device",
            Self::Deployment => "deployment",
            Self::Object => "object",
            Self::Logs => "logs",
            Self::Twin => "twin",
            Self::Editor => "editor",
            Self::Review => "review",
            Self::Key => "key",
            Self::Form => "form",
            Self::Confirm => "confirm",
            Self::Conflict => "conflict",
            Self::Input => "input",
        }
    }

    /// The scope with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }

    /// Whether keys it does not know stay inside: what is typed must not act on the view below. Only actions that
    /// work [everywhere](Action::everywhere) get through, and only on keys that do not type.
    #[must_use]
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Editor | Self::Form | Self::Confirm | Self::Input)
    }
}

/// What an action can touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Danger {
    /// Nothing: it looks, moves or asks the hub again.
    Read,
    /// Only what is ours: drafts, settings, this process.
    Local,
    /// It leads to a change in the hub: refused in read-only mode, hidden from its hints, never on an Alt key.
    Write,
}

/// What the registry says about an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    /// Which one.
    pub id: ActionId,
    /// Its stable name in keymap files and on the command line: `row.down`.
    pub name: &'static str,
    /// Where its keys apply.
    pub scope: Scope,
    /// What it can touch.
    pub danger: Danger,
    /// Place in the hint bar: the highest first; 0 stays out.
    pub weight: u8,
    /// Whether it also works while typing and in dialogs.
    pub everywhere: bool,
    /// Two or three words for hint bar and help.
    pub title: &'static str,
    /// One sentence for help and documentation.
    pub doc: &'static str,
}

macro_rules! actions {
    ($($id:ident $name:literal $scope:ident $danger:ident $weight:literal $everywhere:literal $title:literal $doc:literal;)*) => {
        /// Everything a key can do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ActionId {
            $(#[doc = $doc] $id,)*
        }

        impl ActionId {
            /// Every action, in the order help lists them.
            pub const ALL: &[Self] = &[$(Self::$id,)*];

            /// What the registry says about it.
            #[must_use]
            pub fn action(self) -> &'static Action {
                match self {
                    $(Self::$id => &Action {
                        id: Self::$id,
                        name: $name,
                        scope: Scope::$scope,
                        danger: Danger::$danger,
                        weight: $weight,
                        everywhere: $everywhere,
                        title: $title,
                        doc: $doc,
                    },)*
                }
            }
        }
    };
}

actions! {
    Help "app.help" Global Read 60 true "help" "Lists the keys that work here.";
    CommandLine "app.command" Global Read 70 false "command" "Opens the command line.";
    Back "app.back" Global Read 50 true "back" "Leaves, in this order: popup, input, filter, view.";
    Leave "app.leave" Global Read 0 false "back, or quit" "Goes back one view; quits from the first.";
    Quit "app.quit" Global Read 0 true "quit" "Quits; asks while a change is in flight.";
    Refresh "app.refresh" Global Read 20 false "refresh" "Asks the hub again now.";
    Pause "app.pause" Global Read 10 false "pause" "Stops and resumes automatic refresh.";
    Messages "app.messages" Global Read 10 false "messages" "Lists past messages in full.";
    Redraw "app.redraw" Global Read 0 true "redraw" "Draws the whole screen anew.";
    Suspend "app.suspend" Global Read 0 true "suspend" "Goes to the shell until `fg`; says what keeps running.";
    HistoryBack "history.back" Global Read 0 false "history back" "Goes to the view visited before.";
    HistoryForward "history.forward" Global Read 0 false "history forward" "Goes to the view visited next.";
    HistoryLast "history.last" Global Read 0 false "last view" "Switches between the last two views.";

    RowDown "row.down" Table Read 0 false "next row" "Moves to the next row.";
    RowUp "row.up" Table Read 0 false "previous row" "Moves to the previous row.";
    RowFirst "row.first" Table Read 0 false "first row" "Moves to the first row.";
    RowLast "row.last" Table Read 0 false "last row" "Moves to the last row.";
    PageDown "page.down" Table Read 0 false "next page" "Moves down by a screen.";
    PageUp "page.up" Table Read 0 false "previous page" "Moves up by a screen.";
    HalfPageDown "page.half-down" Table Read 0 false "half page down" "Moves down by half a screen.";
    HalfPageUp "page.half-up" Table Read 0 false "half page up" "Moves up by half a screen.";
    Open "row.open" Object Read 90 false "open" "Opens what is under the cursor; on a twin, edits it.";
    RawJson "row.raw" Object Read 30 false "json" "Shows it as JSON, secrets masked.";
    CopyId "row.copy-id" Object Read 25 false "copy id" "Sends the id under the cursor to the terminal's clipboard.";
    MarkToggle "mark.toggle" Fleet Read 40 false "mark" "Marks the row, or takes its mark away.";
    MarkRange "mark.range" Fleet Read 0 false "mark range" "Marks from the last mark to the row.";
    MarkClear "mark.clear" Fleet Read 0 false "clear marks" "Takes all marks away, hidden ones too.";
    SortNext "sort.next-column" List Read 0 false "next column" "Chooses the next column to sort by.";
    SortPrevious "sort.previous-column" List Read 0 false "previous column" "Chooses the previous column to sort by.";
    SortToggle "sort.toggle" List Read 0 false "sort by column" "Sorts by the chosen column; again, the other way round.";
    SortName "sort.name" List Read 0 false "sort by name" "Sorts by name.";
    SortStatus "sort.status" List Read 15 false "sort by status" "Sorts by status, the worst first.";
    SortAge "sort.age" List Read 0 false "sort by age" "Sorts by age.";
    Wide "table.wide" List Read 0 false "wide" "Shows every column, or those that fit.";

    Filter "list.filter" List Read 75 false "filter" "Filters what is shown.";
    Faults "list.faults" List Read 65 false "faults" "Shows only what is not well, or everything.";

    Register "fleet.register" Fleet Write 12 false "register" "Opens the form that registers a device.";

    Twin "device.twin" Device Read 80 false "twin" "Shows the twin of the device or module.";
    Apply "device.apply" Device Write 45 false "apply" "Opens the form that gives the device a manifest.";
    Restart "device.restart" Device Write 35 false "restart" "Asks, then has edgeAgent restart the module under the cursor.";
    DeviceEnable "device.enable" Device Write 0 false "enable" "Lets the device connect again, after a look and a confirmation.";
    DeviceDisable "device.disable" Device Write 0 false "disable" "Opens the form that cuts the device off.";
    DeviceKey "device.key" Device Read 0 false "connection string" "Shows what the device signs in with, hidden until it is asked for by name.";
    DeviceDelete "device.delete" Device Write 0 false "delete" "Shows what deleting the device takes away; nothing is deleted before its name is typed.";
    DeviceDeployments "device.deployments" Device Read 45 false "deployments" "Lists the deployments that match the device, and which of them it has.";

    DeploymentNew "deployment.new" Deployment Write 44 false "new deployment" "Opens the form that creates a deployment.";
    DeploymentAmend "deployment.amend" Deployment Write 46 false "change" "Opens the form for its condition, priority, labels and metrics; its content never changes.";
    DeploymentDelete "deployment.delete" Deployment Write 42 false "delete" "Shows what deleting the deployment means; nothing is deleted before its name is typed.";

    Logs "device.logs" Device Read 78 false "logs" "Follows the log of the module, or those of all modules of the device.";

    LogFollow "log.follow" Logs Read 85 false "follow" "Goes to the end and stays there; again, stays where it is.";
    LogSearch "log.search" Logs Read 75 false "search" "Searches: letters as they stand, or ~ and an expression.";
    LogNext "log.next" Logs Read 72 false "next hit" "Goes to the next hit.";
    LogPrevious "log.previous" Logs Read 71 false "previous hit" "Goes to the hit before.";
    LogModules "log.modules" Logs Read 59 false "all or one" "Shows all modules of the device merged, or the one of the line under the cursor.";
    LogNextModule "log.next-module" Logs Read 40 false "next module" "Shows the next module of the device alone.";
    LogLevel "log.level" Logs Read 57 false "level" "Shows everything, no detail, warnings and worse, or errors only.";
    LogWrap "log.wrap" Logs Read 56 false "wrap" "Breaks long lines, or cuts them at the edge.";
    LogTime "log.time" Logs Read 54 false "time" "Shows the device's time, ages, or neither.";
    LogPause "log.pause" Logs Read 50 false "pause" "Stops and resumes asking for this log's lines.";
    LogPolling "log.polling" Logs Read 20 false "polling lines" "Shows or hides what edgeAgent writes about being asked for logs.";
    LogClear "log.clear" Logs Read 35 false "clear" "Shows only what comes from now on; esc brings the lines back.";
    LogMark "log.mark" Logs Read 45 false "mark" "Draws a rule below the newest line.";
    LogCopy "log.copy" Logs Read 53 false "copy line" "Sends the line under the cursor to the terminal's clipboard.";
    LogSave "log.save" Logs Local 52 false "save" "Writes the lines that are shown to a private file, secrets masked.";
    LogLeft "log.left" Logs Read 0 false "left" "Shows what is left of the window.";
    LogRight "log.right" Logs Read 0 false "right" "Shows what is right of the window.";
    LogTail "log.tail" Logs Read 0 false "last lines" "Reads anew from the last 500 lines on.";
    LogMinute "log.since-1m" Logs Read 0 false "1 minute" "Reads anew what was written in the last minute.";
    LogMinutes "log.since-5m" Logs Read 0 false "5 minutes" "Reads anew what was written in the last 5 minutes.";
    LogQuarter "log.since-15m" Logs Read 0 false "15 minutes" "Reads anew what was written in the last 15 minutes.";
    LogHalfHour "log.since-30m" Logs Read 0 false "30 minutes" "Reads anew what was written in the last 30 minutes.";
    LogHour "log.since-1h" Logs Read 0 false "1 hour" "Reads anew what was written in the last hour.";

    TwinEdit "twin.edit" Twin Local 85 false "edit" "Edits a draft of the desired properties.";
    TwinEditExternal "twin.edit-external" Twin Local 55 false "open in $EDITOR" "Edits the draft in the editor of your choice.";
    TwinReview "twin.review" Twin Local 80 false "review and send" "Shows the patch the draft amounts to, before anything is sent.";
    TwinDiscard "twin.discard" Twin Local 0 false "discard draft" "Throws the draft away.";

    EditorReview "editor.review" Editor Local 80 false "review and send" "Shows the patch the draft amounts to, before anything is sent.";
    EditorUndo "editor.undo" Editor Local 70 false "undo" "Takes back the last edit of the draft.";
    EditorRedo "editor.redo" Editor Local 60 false "redo" "Does again what was taken back.";

    ReviewSend "review.send" Review Write 90 false "send" "Asks for confirmation, then sends exactly what is shown.";

    KeyReveal "key.reveal" Key Local 90 false "show or hide" "Shows the key after its device's name was typed, or hides it again.";

    FormNext "form.next" Form Read 70 false "next field" "Moves to the next field.";
    FormPrevious "form.previous" Form Read 0 false "previous field" "Moves to the previous field.";
    FormReview "form.review" Form Local 90 false "review" "Shows exactly what would be sent; nothing is sent yet.";

    ConfirmNext "confirm.next" Confirm Read 60 false "next button" "Moves to the next button.";
    ConfirmPrevious "confirm.previous" Confirm Read 0 false "previous button" "Moves to the previous button.";
    ConfirmActivate "confirm.activate" Confirm Local 80 false "press button" "Presses the button that has the focus.";
    ConfirmCancel "confirm.cancel" Confirm Read 90 false "cancel" "Closes the dialog; nothing happens.";

    ConflictMine "conflict.mine" Conflict Local 80 false "take mine" "Keeps the draft's value at this path.";
    ConflictTheirs "conflict.theirs" Conflict Local 75 false "take theirs" "Takes the hub's value at this path.";
    ConflictNext "conflict.next" Conflict Read 60 false "next path" "Moves to the next path that needs a choice.";
    ConflictPrevious "conflict.previous" Conflict Read 0 false "previous path" "Moves to the previous path that needs a choice.";
    ConflictReview "conflict.review" Conflict Local 85 false "rebase and review" "Bases the draft on the hub's version and shows the patch.";

    InputAccept "input.accept" Input Read 90 false "run" "Runs exactly what is written.";
    InputComplete "input.complete" Input Read 80 false "complete" "Completes to the longest common prefix, then cycles.";
    InputNext "input.next" Input Read 60 false "next candidate" "Moves to the next candidate.";
    InputPrevious "input.previous" Input Read 0 false "previous candidate" "Moves to the previous candidate.";
    InputHistory "input.history" Input Read 40 false "history" "Searches the lines run before.";
    InputClear "input.clear" Input Read 30 false "clear" "Empties the line.";
    InputDeleteWord "input.delete-word" Input Read 0 false "delete word" "Deletes the word before the cursor.";
}

impl ActionId {
    /// The stable name: `row.down`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.action().name
    }

    /// The action with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|id| id.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_resolve() {
        let names: BTreeSet<_> = ActionId::ALL.iter().map(|id| id.name()).collect();
        assert_eq!(names.len(), ActionId::ALL.len());
        for id in ActionId::ALL {
            assert_eq!(ActionId::parse(id.name()), Some(*id));
            assert_eq!(id.action().id, *id);
        }
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.name()), Some(scope));
        }
    }

    #[test]
    fn every_action_explains_itself() {
        for id in ActionId::ALL {
            let action = id.action();
            assert!(action.doc.ends_with('.') && !action.title.ends_with('.'), "{}", action.name);
            assert!(action.title.len() <= 18, "{}: the title is too long for a hint", action.name);
        }
    }
}
