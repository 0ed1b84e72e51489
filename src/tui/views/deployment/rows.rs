//! The lines one moves over: the figures, and what the deployment sets. Each has a text for its line and a few for the
//! pane below.

use crate::domain::deployment::{BEAT, Deployed, Metric, MetricName, SystemMetric};
use crate::domain::effective::{Contents, ModulePart};
use crate::domain::ids::ModuleId;
use crate::domain::secret::shown;
use crate::domain::text::Untrusted;
use crate::tui::canvas::Piece;
use crate::tui::theme::Role;

/// What a line is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum RowKey {
    /// A figure.
    Metric(MetricName),
    /// A module of `$edgeAgent`.
    Module(ModuleId),
    /// A route of `$edgeHub`.
    Route(Untrusted),
    /// How long edgeHub keeps messages.
    Store,
    /// Desired properties of a module.
    Twin(ModuleId),
    /// Credentials of a registry.
    Registry(Untrusted),
}

/// A line.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// What kind of thing it is.
    pub(super) kind: &'static str,
    /// Its name, drawn.
    pub(super) name: String,
    /// The figure, where it is one.
    pub(super) figure: Option<Piece>,
    /// What it says, in its line.
    pub(super) says: Piece,
    /// And in full: label and text.
    pub(super) facts: Vec<(&'static str, Piece)>,
}

pub(super) fn rows(deployed: &Deployed, contents: &Contents) -> Vec<(RowKey, Row)> {
    let mut rows: Vec<(RowKey, Row)> = deployed
        .metrics()
        .into_iter()
        .map(|metric| (RowKey::Metric(metric.name.clone()), figure(deployed, &metric)))
        .collect();
    rows.extend(contents.modules.iter().map(|part| (RowKey::Module(part.id.clone()), module(part))));
    rows.extend(contents.routes.iter().map(|route| {
        let text = String::from(shown(route.text.raw()));
        let mut facts = vec![("route", (Role::Fg, text.clone()))];
        if let Some(priority) = route.priority {
            facts.push(("priority", (Role::Fg, format!("{priority}; 0 is sent first"))));
        }
        let row = part("route", route.name.shown().into(), (Role::TextDim, text), facts);
        (RowKey::Route(route.name.clone()), row)
    }));
    if let Some(seconds) = contents.keeps_secs {
        let text = format!("edgeHub keeps messages it cannot send for {seconds} s");
        let facts = vec![("keeps", (Role::Fg, text.clone()))];
        rows.push((RowKey::Store, part("store", "$edgeHub".to_owned(), (Role::TextDim, text), facts)));
    }
    rows.extend(contents.twins.iter().map(|twin| {
        let paths: Vec<String> = twin.paths.iter().map(|path| path.shown().into()).collect();
        let paths = paths.join(", ");
        let whole = if twin.whole {
            "the whole desired section: what stands beside these is taken away"
        } else {
            "these places alone; what stands beside them stays"
        };
        let facts = vec![("sets", (Role::Fg, paths.clone())), ("how", (Role::TextDim, whole.to_owned()))];
        (RowKey::Twin(twin.id.clone()), part("twin", twin.id.shown().into(), (Role::TextDim, paths), facts))
    }));
    rows.extend(contents.registries.iter().map(|registry| {
        let text = format!("{} as {}", registry.address.shown(), registry.username.shown());
        let facts = vec![
            ("registry", (Role::Fg, text.clone())),
            ("password", (Role::TextDim, "not shown; the twins of all its devices hold it".to_owned())),
        ];
        let row = part("registry", registry.name.shown().into(), (Role::TextDim, text), facts);
        (RowKey::Registry(registry.name.clone()), row)
    }));
    rows
}

fn part(kind: &'static str, name: String, says: Piece, facts: Vec<(&'static str, Piece)>) -> Row {
    Row { kind, name, figure: None, says, facts }
}

fn figure(deployed: &Deployed, metric: &Metric) -> Row {
    let count = match metric.figure {
        None => (Role::StatusUnknown, "?".to_owned()),
        Some(n) => {
            let bad = n > 0 && metric.name == MetricName::System(SystemMetric::Rejected);
            (if bad { Role::StatusBad } else { Role::Fg }, n.to_string())
        }
    };
    let (kind, says) = match &metric.name {
        MetricName::System(system) => ("figure", system_says(deployed, *system)),
        MetricName::Own(_) => ("own", (Role::TextDim, shown(&metric.query).into())),
    };
    let mut facts = Vec::new();
    match &metric.name {
        MetricName::System(system) => {
            facts.push(("counts", (Role::Fg, system.meaning().to_owned())));
            facts.push(("hub name", (Role::TextDim, system.name().to_owned())));
        }
        MetricName::Own(_) => facts.push(("counts", (Role::Fg, "rows of a query its author wrote".to_owned()))),
    }
    let query = if metric.query.is_empty() {
        (Role::TextFaint, "none: the deployment is for nobody".to_owned())
    } else {
        (Role::TextDim, shown(&metric.query).into())
    };
    facts.push(("query", query));
    let minutes = BEAT.as_secs() / 60;
    let age = match metric.figure {
        Some(_) => {
            format!("counted by the hub within the last {minutes} minutes before it was read; enter runs the query now")
        }
        None => "not counted by the hub yet; enter runs the query now".to_owned(),
    };
    facts.push(("age", (Role::TextDim, age)));
    Row { kind, name: metric.name.shown().into(), figure: Some(count), says, facts }
}

/// What a figure says beside the others.
fn system_says(deployed: &Deployed, metric: SystemMetric) -> Piece {
    let figures = &deployed.figures;
    let dim = |text: String| (Role::TextDim, text);
    let (Some(targeted), Some(applied)) = (figures.targeted, figures.applied) else {
        return dim(metric.meaning().to_owned());
    };
    let (accepted, rejected) = (figures.successful.unwrap_or(0), figures.failed.unwrap_or(0));
    match metric {
        SystemMetric::Applied if applied < targeted => {
            (Role::StatusWarn, format!("{} targeted, not applied", targeted - applied))
        }
        SystemMetric::Accepted if accepted.saturating_add(rejected) < applied => {
            (Role::StatusProgress, format!("{} applied, no answer yet", applied - accepted - rejected))
        }
        SystemMetric::Accepted if accepted > 0 => dim("code 200; modules may still fail".to_owned()),
        SystemMetric::Rejected if rejected > 0 => {
            (Role::StatusBad, "another code than 200: enter lists them".to_owned())
        }
        _ => dim(metric.meaning().to_owned()),
    }
}

fn module(part: &ModulePart) -> Row {
    let image: Option<String> = part.image.as_ref().map(|image| shown(image.raw()).into());
    let mut facts: Vec<(&'static str, Piece)> = Vec::new();
    let mut fact = |label: &'static str, text: Option<String>| {
        facts.extend(text.map(|text| (label, (Role::Fg, text))));
    };
    let plain = |text: &Option<Untrusted>| text.as_ref().map(|text| String::from(text.shown()));
    fact("image", image.clone());
    fact("version", plain(&part.version));
    fact("status", plain(&part.status));
    fact("restart", plain(&part.restart));
    fact("order", part.order.map(|order| format!("{order}; lower starts earlier")));
    let names: Vec<String> = part.env.iter().map(|name| name.shown().into()).collect();
    fact("env", (!names.is_empty()).then(|| names.join(", ")));
    fact("options", part.options.then(|| "createOptions are set; y shows them".to_owned()));
    let says = image.or_else(|| plain(&part.version).map(|version| format!("version {version}")));
    let says = says.map_or_else(|| (Role::TextFaint, "a part of it".to_owned()), |text| (Role::TextDim, text));
    Row { kind: "module", name: part.id.shown().into(), figure: None, says, facts }
}
