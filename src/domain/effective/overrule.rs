//! What one deployment takes from another that lies below it, place by place.

use serde_json::Value;

use super::Configuration;
use super::merge::merge;
use super::select::precedence;
use crate::domain::ids::ModuleId;
use crate::domain::json::Path;
use crate::domain::manifest::Kind;

/// A place that a deployment sets, and that another one above it makes something else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Overruled {
    /// Whose twin.
    pub module: ModuleId,
    /// Where in its desired properties.
    pub path: Path,
}

/// What `upper` takes from `lower` where both apply: places of `lower` that hold something else, or nothing, once `upper`
/// lies on top. Nothing when `upper` is no layer, or does not lie above.
#[must_use]
pub fn overruled(lower: &Configuration, upper: &Configuration) -> Vec<Overruled> {
    // A base lies below every layer, and a layer at its own priority is none.
    let lies_above = upper.kind() == Some(Kind::Layer)
        && match lower.kind() {
            Some(Kind::Base) => upper.priority > lower.priority,
            Some(Kind::Layer) => precedence(upper, lower).is_lt(),
            None => false,
        };
    if !lies_above {
        return Vec::new();
    }
    let both = merge([(0, &*lower.content), (1, &*upper.content)]);
    let mut found = Vec::new();
    for (module, own) in merge([(0, &*lower.content)]) {
        for (path, value) in own.leaves() {
            let now = both.get(&module).and_then(|twin| path.of_map(&twin.desired));
            // An empty object that gets members is still there.
            let filled = matches!((value, now), (Value::Object(own), Some(Value::Object(_))) if own.is_empty());
            if now != Some(value) && !filled {
                found.push(Overruled { module: module.clone(), path });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::{base, configuration, layer};
    use super::*;
    use serde_json::json;

    #[test]
    fn a_layer_above_takes_what_it_makes_another() {
        let module = json!({"v": 1, "image": "m:1", "env": {}});
        let lower =
            configuration("lower", 20, 1, "*", &json!({"$edgeAgent": {"properties.desired.modules.m": module}}));
        let of = |priority: u32, created: i64, agent: serde_json::Value| {
            let upper = configuration("upper", priority, created, "*", &json!({ "$edgeAgent": agent }));
            let places = overruled(&lower, &upper).into_iter();
            places.map(|place| format!("{:?} {}", place.module, place.path.shown())).collect::<Vec<_>>()
        };
        let image = || json!({"properties.desired.modules.m.image": "m:2"});
        assert_eq!(of(30, 1, image()), ["\"$edgeAgent\" /modules/m/image"]);
        assert_eq!(of(20, 2, image()), ["\"$edgeAgent\" /modules/m/image"], "of one priority the newer is above");
        let first = configuration("first", 20, 1, "*", &json!({ "$edgeAgent": image() }));
        assert_eq!(overruled(&lower, &first).len(), 1, "of one instant the one whose id is first is above");
        assert!(of(20, 1, image()).is_empty() && of(10, 9, image()).is_empty(), "it lies below");
        let same = json!({"properties.desired.modules.m.image": "m:1", "properties.desired.modules.m.env.A": 1});
        assert!(of(30, 1, same).is_empty(), "nothing is another");
        assert_eq!(of(30, 1, json!({"properties.desired.modules.m": null})).len(), 3);
        let whole = base("whole", 10, 1);
        assert!(overruled(&lower, &base("above", 30, 1)).is_empty(), "another base is instead of it, not above it");
        assert!(overruled(&whole, &layer("l", 10, 9)).is_empty(), "a layer at the base's priority is dropped");
        assert!(overruled(&whole, &layer("l", 20, 1)).is_empty(), "it adds a module of its own");
    }
}
