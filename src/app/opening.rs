//! From flags, environment and contexts to an open hub.

use std::sync::Arc;

use super::process::Process;
use crate::cli::ConnectArgs;
use crate::config::{Active, Auth, Finding, Origin, SecretSource, Setting, Settings, Source, read_connection_string};
use crate::domain::fault::Fault;
use crate::domain::secret::Secret;
use crate::domain::text::Untrusted;
use crate::domain::time::SharedClock;
use crate::hub::{
    ConnectionString, Credential, Endpoint, EntraEnvironment, EntraSettings, Hub, HubSettings, ManagedIdentity, Sku,
    Trust,
};
use crate::sim::{Scenario, Sim, SimOptions};

/// An open hub, and what it is called.
#[derive(Debug)]
pub struct Opened {
    /// The hub.
    pub hub: Hub,
    /// The context's name; `sim` and `ad hoc` where there is none.
    pub context: String,
    /// What the hub is called on screen: its host name.
    pub name: String,
    /// Whether the context is marked as production.
    pub production: bool,
    /// The simulated hub behind it, when it is one.
    pub sim: Option<Arc<Sim>>,
    /// What should be said about how it was opened.
    pub notices: Vec<String>,
}

/// Why no hub was opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nothing says which hub.
    #[error(
        "no hub was named: use --sim for the simulated one, --hub HOST with Entra ID, --connection-string-file PATH, \
         EDGEDECK_CONNECTION_STRING, or a context (--context NAME)"
    )]
    Nothing,
    /// The named context does not exist, or cannot be used.
    #[error("there is no usable context {name} in {file}{why}")]
    NoContext {
        /// The name.
        name: String,
        /// Where it was looked for.
        file: String,
        /// What is wrong in that file, after a colon; empty when nothing is.
        why: String,
    },
    /// A connection string could not be read or used, a host name not parsed, an authority file not read.
    #[error("{0}")]
    Input(String),
    /// The hub could not be prepared.
    #[error(transparent)]
    Hub(#[from] Fault),
    /// There is no such scenario, or mistakes are in it.
    #[error("{0}")]
    Scenario(String),
    /// The simulated hub did not start.
    #[error(transparent)]
    Sim(#[from] crate::sim::SimError),
}

/// How a hub was named, which decides what holds when nobody says whether to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    /// By a context; `start_readonly` has the context's own word in it already.
    ByContext,
    /// By a flag or a connection string: somebody typed it for this one run.
    Directly,
    /// It is the simulated one.
    Simulated,
}

impl Named {
    /// Whether it opens read-only without `--read-only`. The default holds for contexts only; what somebody wrote holds
    /// for every real hub; and the environment, set for this very session, for the simulated one too.
    fn is_read_only(self, setting: &Setting<bool>) -> bool {
        let holds = match self {
            Self::ByContext => true,
            Self::Directly => setting.origin != Origin::Default,
            Self::Simulated => matches!(setting.origin, Origin::Environment(_)),
        };
        holds && setting.value
    }
}

/// What every PEM file of authorities has in it.
const PEM_HEAD: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// Opens what the flags, the environment or the active context name, in this order.
///
/// # Errors
/// [`OpenError`].
pub async fn open(process: &mut Process, connect: &ConnectArgs, clock: SharedClock) -> Result<Opened, OpenError> {
    if connect.sim {
        return simulated(process, connect, clock).await;
    }
    let input = |error: &dyn std::fmt::Display| OpenError::Input(error.to_string());
    let mut notices = Vec::new();
    let (endpoint, credential, context, production, named) = if let Some(path) = &connect.connection_string_file {
        let secret = read_connection_string(&SecretSource::from_argument(path), &mut std::io::stdin())
            .map_err(|error| input(&error))?;
        let (endpoint, credential) = from_string(&secret)?;
        (endpoint, credential, "ad hoc".to_owned(), false, Named::Directly)
    } else if let Some(host) = &connect.hub {
        (
            Endpoint::parse(host).map_err(|error| input(&error))?,
            entra(process, connect),
            "ad hoc".to_owned(),
            false,
            Named::Directly,
        )
    } else if let Some(secret) = process.connection_string.take().filter(|_| connect.context.is_none()) {
        // A context named on the command line goes before the environment.
        notices.push("the connection string came from the environment, where other programs can read it; a private file is safer".to_owned());
        let (endpoint, credential) = from_string(&secret)?;
        (endpoint, credential, "ad hoc".to_owned(), false, Named::Directly)
    } else {
        match &process.config.active {
            Active::None => return Err(OpenError::Nothing),
            Active::Missing(name) => {
                let file = process.paths.contexts_file().display().to_string();
                let why = mistakes(process).map(|mistake| format!(": {mistake}")).next().unwrap_or_default();
                return Err(OpenError::NoContext { name: name.clone(), file, why });
            }
            Active::Chosen(context) => {
                let endpoint = Endpoint::parse(&context.hub).map_err(|error| input(&error))?;
                let credential = match &context.auth {
                    Auth::Entra => entra(process, connect),
                    Auth::ConnectionStringFile(path) => {
                        let source = SecretSource::from_argument(path);
                        let secret =
                            read_connection_string(&source, &mut std::io::stdin()).map_err(|error| input(&error))?;
                        let (named, credential) = from_string(&secret)?;
                        if named != endpoint {
                            return Err(OpenError::Input(format!(
                                "context {} is for {endpoint}, and its connection string is for {named}; correct one of them",
                                context.name
                            )));
                        }
                        credential
                    }
                };
                (endpoint, credential, context.name.clone(), context.production, Named::ByContext)
            }
        }
    };
    let trust = match &connect.ca_file {
        None => Trust::System,
        Some(path) => {
            let failed = |why: String| OpenError::Input(format!("--ca-file {}: {why}", path.display()));
            let pem = std::fs::read(path).map_err(|error| failed(format!("could not be read: {error}")))?;
            if !pem.windows(PEM_HEAD.len()).any(|window| window == PEM_HEAD) {
                return Err(failed("holds no PEM certificate (-----BEGIN CERTIFICATE-----)".to_owned()));
            }
            Trust::Also(pem)
        }
    };
    let name = endpoint.authority();
    // A mistyped `production` or `read_only` must not leave a hub less guarded than somebody meant.
    let doubtful = named == Named::ByContext && mistakes(process).next().is_some();
    if doubtful {
        notices.push(
            "contexts.toml has mistakes, so it is opened read-only; `edgedeck config show` lists them".to_owned(),
        );
    }
    let read_only = connect.read_only || doubtful || named.is_read_only(&process.config.settings.safety.start_readonly);
    let settings = settings(HubSettings::new(endpoint, credential), &process.config.settings, trust, read_only);
    Ok(Opened { hub: Hub::connect(settings, clock)?, context, name, production, sim: None, notices })
}

/// What is wrong in `contexts.toml`.
fn mistakes(process: &Process) -> impl Iterator<Item = &Finding> {
    let file = process.paths.contexts_file();
    process
        .config
        .findings
        .iter()
        .filter(move |finding| matches!(&finding.source, Source::File(place) if place.file == file))
}

/// The scenario that was asked for; the default one when none was.
///
/// # Errors
/// [`OpenError::Scenario`] with everything that is wrong.
pub(super) fn scenario(connect: &ConnectArgs) -> Result<Scenario, OpenError> {
    if let Some(copy) = &connect.from {
        return Scenario::copied(copy).map_err(|why| OpenError::Scenario(Untrusted::from(why).shown().into()));
    }
    let named = connect.scenario.as_deref().unwrap_or("default");
    Scenario::open(named).map_err(|error| OpenError::Scenario(error.to_string()))
}

/// Starts the simulated hub and opens it, trusting its own authority and no other.
async fn simulated(process: &Process, connect: &ConnectArgs, clock: SharedClock) -> Result<Opened, OpenError> {
    let scenario = scenario(connect)?;
    if scenario.start().is_some() {
        // Ages on screen and the record of changes are by one clock, which must not be a made-up one.
        return Err(OpenError::Scenario(format!(
            "{} has a `start` of its own, which only a simulator on its own can have: serve it with `edgedeck sim`, or \
             leave `start` out",
            Untrusted::new(scenario.name()).shown()
        )));
    }
    let terms = connect.terms(&scenario).map_err(OpenError::Input)?;
    let options = SimOptions { terms: Some(terms), ..SimOptions::of(scenario, clock.clone()) };
    let sim = crate::sim::start(options).await?;
    let (endpoint, credential) = from_string(&sim.connection_string())?;
    let trust = Trust::Only(sim.ca_pem().as_bytes().to_vec());
    let read_only = connect.read_only || Named::Simulated.is_read_only(&process.config.settings.safety.start_readonly);
    let settings = settings(HubSettings::new(endpoint, credential), &process.config.settings, trust, read_only);
    // The budget follows the hub that is there, whatever is set for others.
    let settings = match Sku::parse(terms.edition.sku().name()) {
        Some(sku) => HubSettings { sku, units: terms.edition.units(), ..settings },
        None => settings,
    };
    let name = sim.hub().name().to_owned();
    let hub = Hub::connect(settings, clock)?;
    Ok(Opened {
        hub,
        context: "sim".to_owned(),
        name,
        production: false,
        sim: Some(Arc::new(sim)),
        notices: Vec::new(),
    })
}

fn from_string(secret: &Secret) -> Result<(Endpoint, Credential), OpenError> {
    ConnectionString::parse(secret.expose())
        .map(ConnectionString::into_parts)
        .map_err(|error| OpenError::Input(error.to_string()))
}

fn entra(process: &Process, connect: &ConnectArgs) -> Credential {
    let environment = EntraEnvironment::from_variables(|name| process.env.text(name));
    let managed_identity = connect.managed_identity.clone().map(|id| match id.as_str() {
        "" => ManagedIdentity::System,
        _ => ManagedIdentity::Client(id),
    });
    Credential::Entra(EntraSettings { environment, managed_identity })
}

fn settings(base: HubSettings, settings: &Settings, trust: Trust, read_only: bool) -> HubSettings {
    HubSettings {
        sku: settings.hub.sku.value,
        units: settings.hub.units.value,
        rate_share: settings.hub.rate_share.value,
        message_share: settings.hub.message_share.value,
        trust,
        read_only,
        ..base
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Env, Sources};

    fn start_readonly(user: &str, contexts: &str, env: &[(&str, &str)]) -> Setting<bool> {
        let sources = Sources {
            user: Some(("/u/config.toml".into(), user.to_owned())),
            contexts: Some(("/u/contexts.toml".into(), contexts.to_owned())),
            env: Env::new(env.iter().copied(), 0),
            ..Sources::default()
        };
        let config = Config::merge(&sources);
        assert_eq!(config.findings, []);
        config.settings.safety.start_readonly
    }

    #[test]
    fn whoever_says_read_only_is_heard_whatever_names_the_hub() {
        let (silent, user) = ("", "[safety]\nstart_readonly = true\n");
        let writing = "default = \"p\"\n[contexts.p]\nhub = \"h.azure-devices.net\"\nread_only = false\n";
        let env: &[(&str, &str)] = &[("EDGEDECK_READONLY", "1")];
        for (user, contexts, env, by_context, directly, simulated) in [
            (silent, "", &[][..], true, false, false),
            (silent, writing, &[][..], false, false, false),
            (user, writing, &[][..], true, true, false),
            (silent, writing, env, true, true, true),
            (user, writing, env, true, true, true),
        ] {
            let setting = start_readonly(user, contexts, env);
            let found = [Named::ByContext, Named::Directly, Named::Simulated].map(|named| named.is_read_only(&setting));
            assert_eq!(found, [by_context, directly, simulated], "{user:?} {contexts:?} {env:?}");
        }
    }
}
