//! A twin's state and the only ways to write it: merge, replace, report. Metadata and the counters follow the
//! recordings: `etag` counts tags and desired writes, `$version` its own section's, `version` is their sum.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::limits::{self, Limit};
use super::stamp;

/// A device or module twin.
#[derive(Debug, Clone)]
pub(super) struct Twin {
    /// The number inside the entity tag.
    pub(super) etag: u64,
    /// `None` until tags are set once.
    pub(super) tags: Option<Map<String, Value>>,
    pub(super) desired: Section,
    pub(super) reported: Section,
    /// Which configurations name the twin, and how far they got: `Targeted` or `Applied`.
    pub(super) configurations: Vec<(String, String)>,
}

/// Desired or reported properties. Devices that hold the same share it until one of them is written to.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub(super) values: Arc<Map<String, Value>>,
    pub(super) metadata: Arc<Map<String, Value>>,
    pub(super) version: u64,
}

/// What the service takes from the body of a twin write; everything else in it is ignored.
#[derive(Debug, Default)]
pub(super) struct TwinWrite {
    tags: Option<Map<String, Value>>,
    desired: Option<Map<String, Value>>,
}

impl TwinWrite {
    /// Reads `tags` and `properties.desired` and drops what a client sends back as it read it.
    ///
    /// # Errors
    /// A sentence, when one of them is no object.
    pub(super) fn of(body: &Value) -> Result<Self, String> {
        let object = |value: Option<&Value>, name: &str| match value {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map.clone())),
            Some(_) => Err(format!("{name} must be an object.")),
        };
        if !body.is_object() {
            return Err("The twin must be an object.".to_owned());
        }
        let mut desired = object(body.get("properties").and_then(|p| p.get("desired")), "properties.desired")?;
        if let Some(map) = &mut desired {
            map.retain(|key, _| key != "$metadata" && key != "$version");
        }
        Ok(Self { tags: object(body.get("tags"), "tags")?, desired })
    }

    /// Whether it is a write that counts: a desired section of nothing but the service's own members is none.
    pub(super) fn counts(&self) -> bool {
        self.tags.is_some() || self.desired.as_ref().is_some_and(|desired| !desired.is_empty())
    }
}

/// The stamp of one write.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp<'a> {
    pub(super) at: &'a str,
    /// `$lastUpdatedVersion`, which reported properties do not carry.
    pub(super) version: Option<u64>,
    /// The configuration that writes, and its time in ticks; on leaves only.
    pub(super) by: Option<(&'a str, &'a str)>,
}

impl Twin {
    /// An empty twin whose sections were last updated `at`.
    pub(super) fn new(at: &str) -> Self {
        let section = || {
            let mut metadata = Map::new();
            metadata.insert("$lastUpdated".to_owned(), Value::String(at.to_owned()));
            Section { values: Arc::default(), metadata: Arc::new(metadata), version: 1 }
        };
        Self { etag: 1, tags: None, desired: section(), reported: section(), configurations: Vec::new() }
    }

    /// The twin's `version`.
    pub(super) fn version(&self) -> u64 {
        self.etag + self.reported.version
    }

    /// PATCH: merges tags and desired properties; `null` deletes.
    ///
    /// # Errors
    /// [`Limit`] with the offending path; the twin is then unchanged.
    pub(super) fn patch(&mut self, write: TwinWrite, now: Timestamp) -> Result<(), Limit> {
        let mut next = self.clone();
        let counts = write.counts();
        if let Some(tags) = write.tags {
            limits::check_values("tags", &tags)?;
            merge_values(next.tags.get_or_insert_default(), tags);
            limits::check_size("tags", next.tags.as_ref())?;
        }
        if let Some(desired) = write.desired.filter(|desired| !desired.is_empty()) {
            limits::check_values("properties.desired", &desired)?;
            next.desired.write(desired, &stamp::instant(now), true, None);
            limits::check_size("properties.desired", Some(&next.desired.values))?;
        }
        if counts {
            next.etag += 1;
        }
        *self = next;
        Ok(())
    }

    /// Somebody writes a tag with the time in it, so that the entity tag moves.
    pub(super) fn touch(&mut self, now: Timestamp) {
        self.tags.get_or_insert_default().insert("touched".to_owned(), stamp::instant(now).into());
        self.etag += 1;
    }

    /// PUT: what is sent is all there is afterwards.
    ///
    /// # Errors
    /// As [`Twin::patch`].
    pub(super) fn replace(&mut self, write: TwinWrite, now: Timestamp) -> Result<(), Limit> {
        let mut next = self.clone();
        let mut tags = write.tags.unwrap_or_default();
        limits::check_values("tags", &tags)?;
        remove_nulls(&mut tags);
        next.tags = Some(tags);
        limits::check_size("tags", next.tags.as_ref())?;
        let desired = write.desired.unwrap_or_default();
        limits::check_values("properties.desired", &desired)?;
        next.desired.replace(desired, &stamp::instant(now));
        limits::check_size("properties.desired", Some(&next.desired.values))?;
        next.etag += 1;
        *self = next;
        Ok(())
    }

    /// Desired properties come from a manifest set by hand, or from a configuration, whose id and time in ticks
    /// the written leaves then carry.
    pub(super) fn configure(&mut self, desired: Map<String, Value>, by: Option<(&str, &str)>, now: Timestamp) {
        self.desired.write(desired, &stamp::instant(now), true, by);
        self.etag += 1;
    }

    /// Desired properties come from a manifest for this device alone: what it says is all there is afterwards.
    pub(super) fn set_desired(&mut self, desired: Map<String, Value>, now: Timestamp) {
        self.desired.replace(desired, &stamp::instant(now));
        self.etag += 1;
    }

    /// The device or module reports: moves the reported version only.
    ///
    /// # Errors
    /// [`Limit`]; the twin is then unchanged.
    pub(super) fn report(&mut self, reported: Map<String, Value>, now: Timestamp) -> Result<(), Limit> {
        limits::check_values("properties.reported", &reported)?;
        // Devices report often, and seldom near the limit: what cannot be too large needs no second copy.
        if limits::fits_together(&self.reported.values, &reported) {
            self.reported.write(reported, &stamp::instant(now), false, None);
            return Ok(());
        }
        let mut next = self.reported.clone();
        next.write(reported, &stamp::instant(now), false, None);
        limits::check_size("properties.reported", Some(&next.values))?;
        self.reported = next;
        Ok(())
    }

    /// A twin that is made together with its device by a bulk call: no write is counted and the desired
    /// section's stamps are the zero time.
    pub(super) fn seed(&mut self, write: TwinWrite) -> Result<(), Limit> {
        if let Some(mut tags) = write.tags {
            limits::check_values("tags", &tags)?;
            remove_nulls(&mut tags);
            self.tags = Some(tags);
            limits::check_size("tags", self.tags.as_ref())?;
        }
        if let Some(desired) = write.desired.filter(|desired| !desired.is_empty()) {
            limits::check_values("properties.desired", &desired)?;
            self.desired.version = 0;
            self.desired.write(desired, stamp::ZERO_TIME, true, None);
            limits::check_size("properties.desired", Some(&self.desired.values))?;
        }
        Ok(())
    }
}

impl Section {
    /// Members of an object in it get other names, in values and metadata alike.
    pub(super) fn rename_below(&mut self, object: &str, rename: impl Fn(&str) -> String) {
        for tree in [&mut self.values, &mut self.metadata] {
            if let Some(Value::Object(members)) = Arc::make_mut(tree).get_mut(object) {
                *members = std::mem::take(members).into_iter().map(|(name, value)| (rename(&name), value)).collect();
            }
        }
    }

    fn write(&mut self, patch: Map<String, Value>, at: &str, versioned: bool, by: Option<(&str, &str)>) {
        self.version += 1;
        let stamp = Stamp { at, version: versioned.then_some(self.version), by };
        merge(Arc::make_mut(&mut self.values), Arc::make_mut(&mut self.metadata), patch, stamp);
    }

    fn replace(&mut self, values: Map<String, Value>, at: &str) {
        self.values = Arc::default();
        self.metadata = Arc::default();
        self.write(values, at, true, None);
    }

    /// User members, then `$version`.
    pub(super) fn values_alone(&self) -> Value {
        let mut out = Map::clone(&self.values);
        out.insert("$version".to_owned(), self.version.into());
        Value::Object(out)
    }

    /// User members, then `$metadata`, then `$version`, as the service writes them.
    pub(super) fn to_value(&self) -> Value {
        let mut out = Map::clone(&self.values);
        out.insert("$metadata".to_owned(), Value::Object(Map::clone(&self.metadata)));
        out.insert("$version".to_owned(), self.version.into());
        Value::Object(out)
    }
}

/// Stamps one place in the metadata; a leaf also with who wrote it.
pub(super) fn put_stamp(metadata: &mut Map<String, Value>, stamp: Stamp<'_>, leaf: bool) {
    metadata.insert("$lastUpdated".to_owned(), stamp.at.into());
    if let Some(version) = stamp.version {
        metadata.insert("$lastUpdatedVersion".to_owned(), version.into());
    }
    if leaf && let Some((by, digest)) = stamp.by {
        metadata.insert("$lastUpdatedBy".to_owned(), by.into());
        metadata.insert("$lastUpdatedByDigest".to_owned(), digest.into());
    }
}

/// Merges `patch` into `values`, with the metadata tree beside it.
fn merge(
    values: &mut Map<String, Value>,
    metadata: &mut Map<String, Value>,
    patch: Map<String, Value>,
    stamp: Stamp<'_>,
) {
    put_stamp(metadata, stamp, false);
    for (key, new) in patch {
        match new {
            Value::Null => {
                values.shift_remove(&key);
                metadata.shift_remove(&key);
            }
            Value::Object(inner) => {
                // An object over a leaf starts afresh, metadata included.
                if !values.get(&key).is_some_and(Value::is_object) {
                    values.insert(key.clone(), Value::Object(Map::new()));
                    metadata.insert(key.clone(), Value::Object(Map::new()));
                }
                if let (Some(Value::Object(values)), Some(Value::Object(metadata))) =
                    (values.get_mut(&key), metadata.get_mut(&key))
                {
                    merge(values, metadata, inner, stamp);
                }
            }
            leaf => {
                let mut own = Map::new();
                put_stamp(&mut own, stamp, true);
                values.insert(key.clone(), leaf);
                metadata.insert(key, Value::Object(own));
            }
        }
    }
}

/// Merges tags, which have no metadata.
fn merge_values(values: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (key, new) in patch {
        match (values.get_mut(&key), new) {
            (_, Value::Null) => {
                values.shift_remove(&key);
            }
            (Some(Value::Object(old)), Value::Object(inner)) => merge_values(old, inner),
            (_, Value::Object(mut inner)) => {
                remove_nulls(&mut inner);
                values.insert(key, Value::Object(inner));
            }
            (_, new) => {
                values.insert(key, new);
            }
        }
    }
}

fn remove_nulls(values: &mut Map<String, Value>) {
    values.retain(|_, value| !value.is_null());
    for value in values.values_mut() {
        if let Value::Object(inner) = value {
            remove_nulls(inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn write(body: &Value) -> TwinWrite {
        TwinWrite::of(body).unwrap()
    }

    fn twin() -> Twin {
        Twin::new(&stamp::instant(at(0)))
    }

    #[test]
    fn the_first_desired_write_looks_like_the_recorded_one() {
        let mut twin = twin();
        assert_eq!((twin.etag, twin.version(), twin.desired.version), (1, 2, 1));
        let body = json!({"properties": {"desired": {"$metadata": {}, "$version": 1, "user": "a"}, "reported": {"x": 1}}, "version": 2});
        twin.patch(write(&body), at(5)).unwrap();
        assert_eq!((twin.etag, twin.version(), twin.desired.version, twin.reported.version), (2, 3, 2, 1));
        assert_eq!(
            twin.desired.to_value(),
            json!({"user": "a", "$metadata": {
                "$lastUpdated": stamp::instant(at(5)), "$lastUpdatedVersion": 2,
                "user": {"$lastUpdated": stamp::instant(at(5)), "$lastUpdatedVersion": 2}}, "$version": 2})
        );
        assert_eq!(
            twin.reported.to_value(),
            json!({"$metadata": {"$lastUpdated": stamp::instant(at(0))}, "$version": 1})
        );
    }

    #[test]
    fn tags_move_etag_and_version_only() {
        let mut twin = twin();
        twin.patch(write(&json!({"tags": {"a": {"b": 1}}, "properties": {"desired": {"$version": 1}}})), at(1))
            .unwrap();
        assert_eq!((twin.etag, twin.version(), twin.desired.version), (2, 3, 1));
        twin.patch(write(&json!({"tags": {"a": {"b": null, "c": {"d": null}}}})), at(2)).unwrap();
        assert_eq!(Value::Object(twin.tags.clone().unwrap()), json!({"a": {"c": {}}}));
        twin.patch(write(&json!({"deviceId": "d", "tags": null})), at(3)).unwrap();
        assert_eq!(twin.etag, 3, "a body without tags or desired writes nothing");
    }

    #[test]
    fn null_deletes_a_leaf_and_leaves_the_object() {
        let mut twin = twin();
        twin.patch(write(&json!({"properties": {"desired": {"a": {"b": 1}, "c": [1]}}})), at(1)).unwrap();
        twin.patch(write(&json!({"properties": {"desired": {"a": {"b": null}, "c": null}}})), at(2)).unwrap();
        assert_eq!(
            twin.desired.to_value(),
            json!({"a": {}, "$metadata": {"$lastUpdated": stamp::instant(at(2)), "$lastUpdatedVersion": 3,
                "a": {"$lastUpdated": stamp::instant(at(2)), "$lastUpdatedVersion": 3}}, "$version": 3})
        );
    }

    #[test]
    fn a_refused_write_changes_nothing() {
        let mut twin = twin();
        let body = json!({"tags": {"fine": 1}, "properties": {"desired": {"a": {"b c": 1}}}});
        let limit = twin.patch(write(&body), at(1)).expect_err("blank in a key");
        assert!(limit.to_string().contains("properties.desired.a"), "{limit}");
        assert_eq!((twin.etag, twin.tags.is_none()), (1, true));
    }

    #[test]
    fn reports_and_configurations_move_their_own_counters() {
        let mut twin = twin();
        twin.report(json!({"t": 1}).as_object().cloned().unwrap(), at(1)).unwrap();
        assert_eq!((twin.etag, twin.reported.version, twin.version()), (1, 2, 3));
        assert!(twin.reported.metadata["t"].get("$lastUpdatedVersion").is_none());
        twin.configure(json!({"o": {"x": 1}}).as_object().cloned().unwrap(), Some(("base", "637")), at(2));
        let metadata = Value::Object(Map::clone(&twin.desired.metadata));
        assert_eq!(metadata["o"]["x"]["$lastUpdatedBy"], "base");
        assert!(metadata["o"].get("$lastUpdatedBy").is_none(), "only leaves say who");
    }

    #[test]
    fn a_report_that_would_be_too_large_changes_nothing() {
        let mut twin = twin();
        let report = |key: &str| json!({key: ["x".repeat(4_000), "y".repeat(4_000), "z".repeat(4_000)]});
        let report = |key: &str| report(key).as_object().cloned().unwrap();
        twin.report(report("a"), at(1)).unwrap();
        twin.report(report("b"), at(2)).unwrap();
        let limit = twin.report(report("c"), at(3)).expect_err("36 KB");
        assert!(limit.to_string().contains("properties.reported: 36003 bytes"), "{limit}");
        assert_eq!((twin.reported.values.len(), twin.reported.version), (2, 3));
    }

    #[test]
    fn put_clears_what_is_not_sent() {
        let mut twin = twin();
        twin.patch(write(&json!({"tags": {"a": 1}, "properties": {"desired": {"x": 1}}})), at(1)).unwrap();
        twin.replace(write(&json!({"tags": {"b": 2}})), at(2)).unwrap();
        assert_eq!(Value::Object(twin.tags.clone().unwrap()), json!({"b": 2}));
        assert_eq!((twin.desired.values.len(), twin.desired.version, twin.etag), (0, 3, 3));
    }

    /// JSON objects with a few keys, so that patches meet.
    fn any_object() -> impl Strategy<Value = Map<String, Value>> {
        let leaf =
            prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::Bool), (0..9_i64).prop_map(Value::from)];
        let value = leaf.prop_recursive(3, 12, 3, |inner| {
            prop::collection::btree_map("[abc]", inner, 0..3).prop_map(|map| Value::Object(map.into_iter().collect()))
        });
        prop::collection::btree_map("[abc]", value, 0..3).prop_map(|map| map.into_iter().collect())
    }

    fn mirrors(values: &Map<String, Value>, metadata: &Map<String, Value>) -> bool {
        metadata.contains_key("$lastUpdated")
            && metadata.keys().filter(|key| !key.starts_with('$')).all(|key| values.contains_key(key))
            && values.iter().all(|(key, value)| match (value, metadata.get(key)) {
                (Value::Object(values), Some(Value::Object(metadata))) => mirrors(values, metadata),
                (_, Some(Value::Object(metadata))) => metadata.keys().all(|key| key.starts_with('$')),
                _ => false,
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn metadata_mirrors_the_values_after_any_writes(patches in prop::collection::vec(any_object(), 1..4)) {
            let mut twin = twin();
            let mut plain = Map::new();
            for patch in patches {
                merge_values(&mut plain, patch.clone());
                twin.patch(write(&json!({"properties": {"desired": patch}})), at(1)).unwrap();
            }
            prop_assert_eq!(twin.desired.values.as_ref(), &plain);
            prop_assert!(mirrors(&twin.desired.values, &twin.desired.metadata));
        }
    }
}
