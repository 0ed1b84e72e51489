//! Target conditions, as the service takes and refuses them: less than the query language, and another dialect.

use serde_json::Value;

use crate::domain::query::{Condition, parse_target_condition};
use crate::sim::hub::errors::{Code, HubError};
use crate::sim::hub::twins::Part;

use super::content::Kind;

/// Which devices or modules a configuration is for.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// As it was sent.
    pub(super) text: String,
    rule: Rule,
}

#[derive(Debug, Clone)]
enum Rule {
    Nobody,
    Everybody,
    Condition(Condition),
}

impl Target {
    /// Reads the condition of a configuration: empty for nobody, `*` for everybody but not for modules, whose
    /// conditions begin with `from devices.modules where`.
    pub(super) fn of(text: &str, kind: Kind) -> Result<Self, HubError> {
        let rule = match (text.trim(), kind) {
            ("", _) => Rule::Nobody,
            ("*", Kind::Edge | Kind::Device) => Rule::Everybody,
            (text, Kind::Edge | Kind::Device) => Rule::Condition(condition(text, &["deviceId"]).map_err(refused)?),
            (text, Kind::Module) => {
                let text = module_condition(text).ok_or_else(|| refused("BadRequest".to_owned()))?;
                Rule::Condition(condition(text, &["deviceId", "moduleId"]).map_err(refused)?)
            }
        };
        Ok(Self { text: text.to_owned(), rule })
    }

    /// Whether the device or module with this twin document is meant.
    pub(super) fn meets(&self, document: &Value) -> bool {
        match &self.rule {
            Rule::Nobody => false,
            Rule::Everybody => true,
            Rule::Condition(condition) => condition.matches(document),
        }
    }

    /// As much of a twin's properties as the condition looks at.
    pub(super) fn part(&self) -> Part {
        match &self.rule {
            Rule::Nobody | Rule::Everybody => Part::Nothing,
            Rule::Condition(condition) => Part::seen_by(&condition.paths()),
        }
    }

    /// Whether the condition looks at what devices report.
    pub(super) fn reads_properties(&self) -> bool {
        self.part() != Part::Nothing
    }
}

/// What is wrong with a condition that is sent to be tested; there `*` is none.
pub(super) fn fault(text: &str) -> Option<String> {
    match (text.trim(), module_condition(text)) {
        ("", _) => None,
        (_, Some(text)) => condition(text, &["deviceId", "moduleId"]).err(),
        (text, None) => condition(text, &["deviceId"]).err(),
    }
}

fn refused(text: String) -> HubError {
    HubError::new(Code::InvalidConfigurationTargetCondition, text)
}

/// What follows `from devices.modules where`.
fn module_condition(text: &str) -> Option<&str> {
    ["from", "devices.modules", "where"].iter().try_fold(text, |rest, word| {
        let (head, tail) = rest.trim_start().split_at_checked(word.len())?;
        (head.eq_ignore_ascii_case(word) && tail.starts_with(char::is_whitespace)).then_some(tail)
    })
}

/// Parses the condition; the error is what the service says.
fn condition(text: &str, members: &[&str]) -> Result<Condition, String> {
    let condition = parse_target_condition(text).map_err(|_told_to_nobody| "BadRequest".to_owned())?;
    let seen = |parts: &[&str]| match parts {
        [member] => members.contains(member),
        ["tags", _, ..] | ["properties", "reported", _, ..] => true,
        _ => false,
    };
    for path in condition.paths() {
        let parts: Vec<&str> = path.segments().iter().map(String::as_str).collect();
        if !seen(&parts) {
            return Err(format!(
                "Invalid targetCondition. It must be a filter condition based on 'deviceId', 'tags', or 'properties.reported'. It contains: {path}"
            ));
        }
    }
    if condition.has_list() { Err("BadRequest".to_owned()) } else { Ok(condition) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_see_less_than_queries() {
        let twin = json!({"deviceId": "d", "moduleId": "m", "tags": {"site": "o'b", "n": 2}, "properties": {"reported": {"v": 1}}});
        for (kind, text, expected) in [
            (Kind::Edge, "", Ok(false)),
            (Kind::Edge, "*", Ok(true)),
            (Kind::Device, " * ", Ok(true)),
            (Kind::Edge, "tags.site = 'o''b' AND properties.reported.v < 2", Ok(true)),
            (Kind::Edge, "NOT (deviceId = 'd')", Ok(false)),
            (Kind::Module, "From  devices.modules\tWHERE moduleId='m'", Ok(true)),
            (Kind::Module, "", Ok(false)),
            (Kind::Edge, "tags.n IN [1, 2]", Err("BadRequest")),
            (Kind::Edge, "tags.site = \"x\"", Err("BadRequest")),
            (Kind::Edge, "deviceId=gw", Err("It contains: gw")),
            (Kind::Edge, "moduleId = 'm'", Err("It contains: moduleId")),
            (Kind::Device, "properties.desired.v = 1", Err("It contains: properties.desired.v")),
            (Kind::Device, "tags = 1", Err("It contains: tags")),
            (Kind::Module, "*", Err("BadRequest")),
            (Kind::Module, "tags.n = 2", Err("BadRequest")),
            (Kind::Edge, "from devices.modules where tags.n = 2", Err("BadRequest")),
        ] {
            match (Target::of(text, kind), expected) {
                (Ok(target), Ok(meets)) => assert_eq!(target.meets(&twin), meets, "{text}"),
                (Err(error), Err(part)) => assert!(error.text.contains(part), "{text}: {}", error.text),
                (got, wanted) => panic!("{text}: {got:?}, {wanted:?}"),
            }
        }
        assert_eq!(fault("from devices.modules where moduleId = 'm'"), None);
        assert!(fault("*").is_some(), "taken by a PUT, refused by the test of queries");
    }
}
