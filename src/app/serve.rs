//! `edgedeck sim`: the simulated hub on its own, in the foreground, until somebody ends it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::access::AccessFiles;
use super::process::{Process, SystemClock};
use crate::cli::sim::ServeArgs;
use crate::cli::{Answer, Exit, Facts, Failure, Format, put};
use crate::domain::text::{Shown, Untrusted};
use crate::domain::time::SharedClock;
use crate::sim::{Scenario, Seed, SimOptions, Terms, start};

/// Serves `scenario` until a signal comes; says at the beginning where, and how to get there.
///
/// # Errors
/// A [`Failure`] when it cannot listen or write its files.
pub(super) async fn serve(
    process: &Process,
    scenario: Scenario,
    terms: Terms,
    args: &ServeArgs,
    format: Format,
) -> Result<(), Failure> {
    let exposed = !args.listen.ip().is_loopback();
    if exposed && !args.expose {
        return Err(Failure::usage(format!(
            "--listen {} lets other machines in, and whoever has the key can do everything; add --expose when that is meant",
            args.listen
        )));
    }
    let failed = |why: String| Failure::new(Exit::Failure, why);
    // Before anything is said: who ends it at once must find it ending.
    let mut signals = Signals::new().map_err(|error| failed(format!("signals could not be waited for: {error}")))?;
    let real: SharedClock = Arc::new(SystemClock::start());
    let name = scenario.name().to_owned();
    let mut options = SimOptions {
        listen: SocketAddr::V4(args.listen),
        terms: Some(terms),
        ..SimOptions::of(scenario, Arc::clone(&real))
    };
    if let Some(seed) = args.seed {
        options.seed = Seed::numbered(seed.into());
    }
    let sim = start(options.at_speed(args.speed)).await.map_err(|error| failed(error.to_string()))?;
    let now = real.now().wall;
    let files = AccessFiles::write(&sim, &process.paths.runtime, now).map_err(failed)?;
    let status = sim.status();
    let program = std::env::current_exe().map_or_else(|_| "edgedeck".to_owned(), |path| path.display().to_string());
    let use_it = format!(
        "'{program}' --connection-string-file '{}' --ca-file '{}'",
        files.connection_string().display(),
        files.authority().display()
    );
    let mut facts = Facts::default();
    let mut say = |name: &'static str, text: String| facts.add(name, Untrusted::from(text).shown());
    say("hub", format!("{}, scenario {name}, {} devices", status.hub, status.devices));
    if args.speed != 1 {
        say("speed", format!("{} times as fast as real time", args.speed));
    }
    say("endpoint", status.endpoint.clone());
    say("authority (CA)", files.authority().display().to_string());
    say("connection string", files.connection_string().display().to_string());
    say("use it", use_it);
    say("steer it", format!("'{program}' sim do net off DEVICE; '{program}' sim provision DEVICE"));
    say("other clients", format!("'{program}' sim recipes"));
    if *args.listen.ip() == Ipv4Addr::UNSPECIFIED {
        say("from elsewhere", "trust the authority and use this machine's address in the connection string".to_owned());
    }
    facts.add("end it", Shown::from_static("ctrl-c"));
    let item = json!({
        "hub": status.hub,
        "scenario": name,
        "devices": status.devices,
        "endpoint": status.endpoint,
        "caFile": files.authority(),
        "connectionStringFile": files.connection_string(),
        "pid": std::process::id(),
    });
    let answer = Answer::new("Simulator", now, vec![item], facts.text());
    put(&mut std::io::stdout(), &answer.text(format))?;
    signals.wait().await;
    sim.shutdown().await;
    drop(files);
    Ok(())
}

/// What ends it.
struct Signals([tokio::signal::unix::Signal; 3]);

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?]))
    }

    async fn wait(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
