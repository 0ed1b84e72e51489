//! The scenarios that come with the program, by name: those of `examples/scenarios`, as they are there.

/// Name and text, in the order they are listed in.
pub(super) const SHELF: [(&str, &str); 23] = [
    ("f01-pull-refused", include_str!("../../../examples/scenarios/f01-pull-refused.toml")),
    ("f02-tag-missing", include_str!("../../../examples/scenarios/f02-tag-missing.toml")),
    ("f03-slow-pull", include_str!("../../../examples/scenarios/f03-slow-pull.toml")),
    ("f04-crash-loop", include_str!("../../../examples/scenarios/f04-crash-loop.toml")),
    ("f05-slow-crash", include_str!("../../../examples/scenarios/f05-slow-crash.toml")),
    ("f06-malformed-options", include_str!("../../../examples/scenarios/f06-malformed-options.toml")),
    ("f07-engine-refuses", include_str!("../../../examples/scenarios/f07-engine-refuses.toml")),
    ("f08-route-syntax", include_str!("../../../examples/scenarios/f08-route-syntax.toml")),
    ("f09-schema-version", include_str!("../../../examples/scenarios/f09-schema-version.toml")),
    ("f10-emptied", include_str!("../../../examples/scenarios/f10-emptied.toml")),
    ("f11-two-hands", include_str!("../../../examples/scenarios/f11-two-hands.toml")),
    ("f12-layer-dropped", include_str!("../../../examples/scenarios/f12-layer-dropped.toml")),
    ("f13-twin-too-large", include_str!("../../../examples/scenarios/f13-twin-too-large.toml")),
    ("f14-disk-full", include_str!("../../../examples/scenarios/f14-disk-full.toml")),
    ("f15-certificate-expired", include_str!("../../../examples/scenarios/f15-certificate-expired.toml")),
    ("f16-wrong-clock", include_str!("../../../examples/scenarios/f16-wrong-clock.toml")),
    ("f17-same-identity", include_str!("../../../examples/scenarios/f17-same-identity.toml")),
    ("f18-gone-dark", include_str!("../../../examples/scenarios/f18-gone-dark.toml")),
    ("f19-orderly-stop", include_str!("../../../examples/scenarios/f19-orderly-stop.toml")),
    ("f20-agent-hung", include_str!("../../../examples/scenarios/f20-agent-hung.toml")),
    ("f21-benign-500", include_str!("../../../examples/scenarios/f21-benign-500.toml")),
    ("f22-silent-sensor", include_str!("../../../examples/scenarios/f22-silent-sensor.toml")),
    ("f23-module-came-back", include_str!("../../../examples/scenarios/f23-module-came-back.toml")),
];
