//! `edgedeck twin diff`: whether what is desired is what is reported.

use clap::Args;
use serde_json::{Value, json};

use super::get::sides;
use crate::cli::answer::{Answer, Failure};
use crate::cli::exit::Exit;
use crate::cli::site::Site;
use crate::cli::target::twin_id;
use crate::domain::ids::TwinId;
use crate::domain::twin::Twin;
use crate::tui::views::twin::rows::{Agreement, TwinRow, align};

/// What `twin diff` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
What only the device or module reports is no difference: it was never asked for.
Exit code: 0 when all that is desired is reported, 1 when not, 2 and more for errors.")]
pub struct DiffArgs {
    /// Whose twin
    #[arg(value_name = "ID[/MODULE]", value_parser = twin_id)]
    pub twin: TwinId,
}

pub(super) async fn run(site: &Site, args: &DiffArgs) -> Result<Answer, Failure> {
    let now = site.clock.now();
    let twin = site.hub.read.twin(&args.twin).await.map_err(|fault| {
        let failure = Failure::from(fault);
        // 1 says "different" here, so no failure may say it too.
        if failure.exit == Exit::Failure { Failure { exit: Exit::Usage, ..failure } } else { failure }
    })?;
    let rows = align(&twin.desired, &twin.reported);
    let different: Vec<&TwinRow> =
        rows.iter().filter(|row| matches!(row.agreement, Agreement::Differs | Agreement::NotReported)).collect();
    let items = different.iter().map(|row| item(&twin, row)).collect();
    let text = if different.is_empty() { String::new() } else { sides(&different) };
    let exit = if different.is_empty() { Exit::Success } else { Exit::Different };
    Ok(Answer { exit, ..Answer::new("TwinDiff", now.wall, items, text) })
}

/// The values themselves, not their texts: printing masks them by the names in the path, so the last one stays beside
/// its value.
fn item(twin: &Twin, row: &TwinRow) -> Value {
    let of = |section: Value| {
        let mut value = row.path.of(&section).cloned();
        if let (Some(value), Some(name)) = (&mut value, row.path.name()) {
            let mut named = json!({ name: value.take() });
            crate::domain::secret::mask_json(&mut named);
            *value = named.get_mut(name).map(Value::take).unwrap_or_default();
        }
        value
    };
    json!({
        "path": row.path.shown().as_str(),
        "desired": of(twin.desired.to_value()),
        "reported": of(twin.reported.to_value()),
        "state": if row.agreement == Agreement::Differs { "differs" } else { "notReported" },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::twin_from_json;

    #[test]
    fn an_item_has_the_values_without_their_secrets() {
        let twin = twin_from_json(&json!({
            "deviceId": "d", "etag": "e",
            "properties": {
                "desired": {"n": 1.5, "env": {"A_TOKEN": {"value": "hunter2"}}, "password": "hunter2"},
                "reported": {"n": 2},
            },
        }))
        .unwrap();
        let items: Vec<Value> = align(&twin.desired, &twin.reported)
            .iter()
            .filter(|row| row.agreement != Agreement::Branch)
            .map(|row| item(&twin, row))
            .collect();
        assert_eq!(items[0], json!({"path": "/n", "desired": 1.5, "reported": 2, "state": "differs"}));
        let text = json!(items).to_string();
        assert!(text.contains("/password") && text.contains("********"), "{text}");
        assert!(!json!({"path": "/password", "desired": items.last()}).to_string().contains("hunter2"), "{text}");
    }
}
