//! Method and path to resource: splits, decodes, checks the api-version and the caller's right, dispatches.

use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use super::auth::Permission;
use super::errors::{Code, HubError};
use super::message::{Request, Response};
use super::refusal::{Refusal, RequestKind};
use super::state::State;
use super::twins::WriteKind;
use super::{Call, SimHub, auth, bulk, configurations, jobs, methods, modules, query, registry, statistics, twins};

/// A request taken apart: the decoded path segments and query parameters.
pub(super) struct Target {
    /// The path as it came, without its query.
    pub(super) path: String,
    pub(super) segments: Vec<String>,
    pub(super) parameters: Vec<(String, String)>,
}

impl Target {
    /// Splits first and decodes then, so that `%2F` inside an id stays inside it; an empty last segment (a
    /// trailing slash) is dropped. Nothing when an escape is no UTF-8.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let (path, query) = request.path_and_query.split_once('?').unwrap_or((&request.path_and_query, ""));
        let decode = |text: &str| percent_decode_str(text).decode_utf8().ok().map(String::from);
        let segments =
            path.split('/').filter(|segment| !segment.is_empty()).map(decode).collect::<Option<Vec<String>>>()?;
        let parameters = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((decode(name)?, decode(value)?))
            })
            .collect::<Option<Vec<(String, String)>>>()?;
        Some(Self { path: path.to_owned(), segments, parameters })
    }
}

/// One thing the hub can be asked for.
pub(super) enum Operation<'a> {
    ListDevices,
    Bulk,
    GetDevice(&'a str),
    PutDevice(&'a str),
    DeleteDevice(&'a str),
    PurgeCommands(&'a str),
    ListModules(&'a str),
    GetModule(&'a str, &'a str),
    PutModule(&'a str, &'a str),
    DeleteModule(&'a str, &'a str),
    GetTwin(&'a str, Option<&'a str>),
    WriteTwin(&'a str, Option<&'a str>, WriteKind),
    Method(&'a str, Option<&'a str>),
    Query,
    ListConfigurations,
    TestQueries,
    GetConfiguration(&'a str),
    PutConfiguration(&'a str),
    DeleteConfiguration(&'a str),
    ApplyContent(&'a str),
    ListJobs,
    GetJob(&'a str),
    PutJob(&'a str),
    CancelJob(&'a str),
    DeviceStatistics,
    ServiceStatistics,
}

impl<'a> Operation<'a> {
    pub(super) fn of(method: &str, segments: &'a [String]) -> Option<Self> {
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        Some(match (method, segments.as_slice()) {
            ("GET", ["devices"]) => Self::ListDevices,
            ("POST", ["devices"]) => Self::Bulk,
            ("POST", ["devices", "query"]) => Self::Query,
            ("GET", ["devices", id]) => Self::GetDevice(id),
            ("PUT", ["devices", id]) => Self::PutDevice(id),
            ("DELETE", ["devices", id]) => Self::DeleteDevice(id),
            ("DELETE", ["devices", id, "commands"]) => Self::PurgeCommands(id),
            ("GET", ["devices", id, "modules"]) => Self::ListModules(id),
            ("GET", ["devices", id, "modules", module]) => Self::GetModule(id, module),
            ("PUT", ["devices", id, "modules", module]) => Self::PutModule(id, module),
            ("DELETE", ["devices", id, "modules", module]) => Self::DeleteModule(id, module),
            ("GET", ["twins", id]) => Self::GetTwin(id, None),
            ("PATCH", ["twins", id]) => Self::WriteTwin(id, None, WriteKind::Patch),
            ("PUT", ["twins", id]) => Self::WriteTwin(id, None, WriteKind::Replace),
            ("GET", ["twins", id, "modules", module]) => Self::GetTwin(id, Some(module)),
            ("PATCH", ["twins", id, "modules", module]) => Self::WriteTwin(id, Some(module), WriteKind::Patch),
            ("PUT", ["twins", id, "modules", module]) => Self::WriteTwin(id, Some(module), WriteKind::Replace),
            ("GET", ["configurations"]) => Self::ListConfigurations,
            ("POST", ["configurations", "testQueries"]) => Self::TestQueries,
            ("GET", ["configurations", id]) => Self::GetConfiguration(id),
            ("PUT", ["configurations", id]) => Self::PutConfiguration(id),
            ("DELETE", ["configurations", id]) => Self::DeleteConfiguration(id),
            ("POST", ["devices", id, "applyConfigurationContent"]) => Self::ApplyContent(id),
            ("POST", ["twins", id, "methods"]) => Self::Method(id, None),
            ("POST", ["twins", id, "modules", module, "methods"]) => Self::Method(id, Some(module)),
            ("GET", ["jobs", "v2", "query"]) => Self::ListJobs,
            ("GET", ["jobs", "v2", id]) => Self::GetJob(id),
            ("PUT", ["jobs", "v2", id]) => Self::PutJob(id),
            ("POST", ["jobs", "v2", id, "cancel"]) => Self::CancelJob(id),
            ("GET", ["statistics", "devices"]) => Self::DeviceStatistics,
            ("GET", ["statistics", "service"]) => Self::ServiceStatistics,
            _ => return None,
        })
    }

    /// What the caller's policy must allow, all of it.
    fn permissions(&self) -> &'static [Permission] {
        match self {
            Self::ListDevices
            | Self::GetDevice(_)
            | Self::ListModules(_)
            | Self::GetModule(..)
            | Self::ListConfigurations
            | Self::GetConfiguration(_)
            | Self::TestQueries
            | Self::DeviceStatistics
            | Self::ServiceStatistics => &[Permission::RegistryRead],
            // The service documents no rights for configurations; these are enough there.
            Self::Bulk
            | Self::PutDevice(_)
            | Self::DeleteDevice(_)
            | Self::PutModule(..)
            | Self::DeleteModule(..)
            | Self::PutConfiguration(_)
            | Self::DeleteConfiguration(_)
            | Self::ApplyContent(_) => &[Permission::RegistryWrite],
            Self::GetTwin(..) | Self::WriteTwin(..) | Self::Query | Self::Method(..) | Self::PurgeCommands(_) => {
                &[Permission::ServiceConnect]
            }
            // Nor for jobs; whoever may do all that a job does may have one.
            Self::ListJobs | Self::GetJob(_) | Self::PutJob(_) | Self::CancelJob(_) => {
                &[Permission::RegistryRead, Permission::RegistryWrite, Permission::ServiceConnect]
            }
        }
    }

    /// What it does, for whoever tells requests apart by that.
    pub(super) fn kind(&self) -> RequestKind {
        match self {
            Self::ListDevices
            | Self::GetDevice(_)
            | Self::ListModules(_)
            | Self::GetModule(..)
            | Self::GetTwin(..)
            | Self::Query
            | Self::ListConfigurations
            | Self::TestQueries
            | Self::GetConfiguration(_)
            | Self::ListJobs
            | Self::GetJob(_)
            | Self::DeviceStatistics
            | Self::ServiceStatistics => RequestKind::Read,
            Self::Method(..) => RequestKind::Method,
            Self::Bulk
            | Self::PutDevice(_)
            | Self::DeleteDevice(_)
            | Self::PurgeCommands(_)
            | Self::PutModule(..)
            | Self::DeleteModule(..)
            | Self::WriteTwin(..)
            | Self::PutConfiguration(_)
            | Self::DeleteConfiguration(_)
            | Self::PutJob(_)
            | Self::CancelJob(_)
            | Self::ApplyContent(_) => RequestKind::Write,
        }
    }

    /// Whether it costs messages of the day.
    pub(super) fn is_metered(&self) -> bool {
        matches!(self, Self::GetTwin(..) | Self::WriteTwin(..) | Self::Query | Self::Method(..) | Self::ApplyContent(_))
    }

    /// What the service calls it when it throttles it. Only `ConfigurationWrite` was ever seen; the others are named
    /// after it.
    pub(super) fn throttled_as(&self) -> &'static str {
        match self {
            Self::ListDevices
            | Self::GetDevice(_)
            | Self::ListModules(_)
            | Self::GetModule(..)
            | Self::DeviceStatistics
            | Self::ServiceStatistics => "IdentityRead",
            Self::Bulk | Self::PutDevice(_) | Self::DeleteDevice(_) | Self::PutModule(..) | Self::DeleteModule(..) => {
                "IdentityWrite"
            }
            Self::GetTwin(..) => "TwinRead",
            Self::WriteTwin(..) => "TwinWrite",
            Self::Query => "Query",
            Self::Method(..) => "DirectMethod",
            Self::ListJobs | Self::GetJob(_) => "JobRead",
            Self::PutJob(_) | Self::CancelJob(_) => "JobWrite",
            Self::PurgeCommands(_) => "CloudToDeviceMessage",
            Self::ListConfigurations | Self::GetConfiguration(_) => "ConfigurationRead",
            Self::TestQueries | Self::PutConfiguration(_) | Self::DeleteConfiguration(_) | Self::ApplyContent(_) => {
                "ConfigurationWrite"
            }
        }
    }

    fn run(&self, state: &mut State, call: &Call<'_>, hub: &str) -> Result<Response, HubError> {
        match *self {
            Self::ListDevices => registry::list(state, call),
            Self::Bulk => bulk::run(state, call, hub),
            Self::GetDevice(id) => registry::get(state, call, id),
            Self::PutDevice(id) => registry::put(state, call, id),
            Self::DeleteDevice(id) => registry::delete(state, call, id),
            Self::PurgeCommands(id) => registry::purge_commands(state, id),
            Self::ListModules(id) => modules::list(state, call, id),
            Self::GetModule(id, module) => modules::get(state, call, id, module),
            Self::PutModule(id, module) => modules::put(state, call, hub, id, module),
            Self::DeleteModule(id, module) => modules::delete(state, call, id, module),
            Self::GetTwin(id, module) => twins::get(state, call, id, module),
            Self::WriteTwin(id, module, kind) => twins::write(state, call, id, module, kind),
            Self::Method(id, module) => methods::invoke(state, call, id, module),
            Self::Query => query::run(state, call),
            Self::ListConfigurations => Ok(configurations::list(state)),
            Self::TestQueries => configurations::trial::run(call),
            Self::GetConfiguration(id) => configurations::get(state, id),
            Self::PutConfiguration(id) => configurations::put(state, call, id),
            Self::DeleteConfiguration(id) => configurations::delete(state, call, id),
            Self::ApplyContent(id) => configurations::apply::run(state, call, id),
            Self::ListJobs => jobs::list(state, call),
            Self::GetJob(id) => Ok(jobs::get(state, call, id)),
            Self::PutJob(id) => jobs::put(state, call, id),
            Self::CancelJob(id) => jobs::cancel(state, call, id),
            Self::DeviceStatistics => Ok(statistics::devices(state)),
            Self::ServiceStatistics => Ok(statistics::service(state, call.now)),
        }
    }
}

/// Answers a request; `refusal` is what whoever may ask for it gets instead.
pub(super) fn route(
    hub: &SimHub,
    state: &mut State,
    request: &Request,
    refusal: Option<Refusal>,
    now: Timestamp,
) -> Result<Response, HubError> {
    let target = Target::of(request)
        .ok_or_else(|| HubError::new(Code::IotHubFormatError, "The path holds an escape that is no UTF-8."))?;
    let call = Call { request, target: &target, now };
    if !call.parameter("api-version").is_some_and(is_api_version) {
        return Err(HubError::new(
            Code::InvalidProtocolVersion,
            "Protocol version is not supported; api-version=2021-04-12 is.",
        ));
    }
    let operation = Operation::of(&request.method, &target.segments);
    let needed = operation.as_ref().map_or(&[][..], Operation::permissions);
    let real_now = hub.real_clock.now().wall;
    let real_now = real_now.saturating_add(state.service.skew).unwrap_or(real_now);
    auth::authorize(request, &target.path, needed, &hub.policies, &hub.hosts, real_now)?;
    if let Some(refusal) = refusal {
        return Err(refusal.error(operation.as_ref(), &hub.name, state.service.edition()));
    }
    match operation {
        Some(operation) => {
            state.service.admit(&operation, request, &hub.name, now)?;
            let answer = operation.run(state, &call, &hub.name);
            state.service.settle(&operation, request, &answer, now);
            answer
        }
        None => Err(HubError::new(
            Code::GenericNotFound,
            format!("No operation {} {} at this hub.", request.method, target.path),
        )),
    }
}

/// `YYYY-MM-DD`, with or without `-preview`: the service took every one that was tried.
fn is_api_version(text: &str) -> bool {
    let date = text.strip_suffix("-preview").unwrap_or(text);
    date.len() == 10
        && date.char_indices().all(|(at, c)| if at == 4 || at == 7 { c == '-' } else { c.is_ascii_digit() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_split_before_they_are_decoded() {
        for (path, segments) in [
            ("/devices/?api-version=1", vec!["devices"]),
            ("/twins/a%2Fb/modules/%24edgeAgent", vec!["twins", "a/b", "modules", "$edgeAgent"]),
            ("/twins/d/modules/$edgeAgent/", vec!["twins", "d", "modules", "$edgeAgent"]),
            ("/", vec![]),
        ] {
            let request = Request { path_and_query: path.to_owned(), ..Request::default() };
            assert_eq!(Target::of(&request).expect(path).segments, segments, "{path}");
        }
        let broken = Request { path_and_query: "/devices/%ff".to_owned(), ..Request::default() };
        assert!(Target::of(&broken).is_none());
    }

    #[test]
    fn api_versions_are_dates() {
        for (text, expected) in [
            ("2021-04-12", true),
            ("2020-05-31-preview", true),
            ("2021-4-12", false),
            ("latest", false),
            ("", false),
            ("2021-04-12x", false),
        ] {
            assert_eq!(is_api_version(text), expected, "{text}");
        }
    }
}
