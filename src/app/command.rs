//! One subcommand, from the open hub to the printed answer.

use std::sync::Arc;

use super::complain;
use super::opening::{OpenError, Opened, open, scenario};
use super::process::{Process, SystemClock};
use super::serve::serve;
use crate::cli::sim::SimArgs;
use crate::cli::{
    Answer, Asker, Command, ConnectArgs, Exit, Failure, Format, Site, apply, audit, config, deployment, device,
    devices, info, logs, modules, put, query, restart, sim, snapshot, twin,
};
use crate::domain::text::Untrusted;
use crate::domain::time::SharedClock;

/// Runs `command` and prints what came of it.
pub(super) fn run(mut process: Process, connect: &ConnectArgs, format: Format, command: &Command) -> Exit {
    let ended = answer(&mut process, connect, format, command).and_then(|answer| match answer {
        Some(answer) => put(&mut std::io::stdout(), &answer.text(format)).map(|()| answer.exit),
        None => Ok(Exit::Success),
    });
    match ended {
        Ok(exit) => exit,
        Err(failure) => {
            if !failure.text.is_empty() {
                complain(&failure.text);
            }
            failure.exit
        }
    }
}

/// What a command found or did; nothing when it has said everything itself.
fn answer(
    process: &mut Process,
    connect: &ConnectArgs,
    format: Format,
    command: &Command,
) -> Result<Option<Answer>, Failure> {
    let asker = Asker::of_process();
    let clock: SharedClock = Arc::new(SystemClock::start());
    let now = clock.now().wall;
    let answer = match command {
        Command::Audit(command) => audit::run(&process.paths.audit(), now, command, asker)?,
        Command::Config(command) => config::run(&process.paths, &process.config, now, command, asker),
        Command::Info => info::run(&process.paths, &process.config, &process.terminal_env(), now),
        Command::Devices(_)
        | Command::Device(_)
        | Command::Modules(_)
        | Command::Apply(_)
        | Command::Restart(_)
        | Command::Deployment(_)
        | Command::Logs(_)
        | Command::Query(_)
        | Command::Snapshot(_)
        | Command::Twin(_) => in_runtime(at_hub(process, connect, format, command, clock, asker))?,
        Command::Sim(SimArgs { command: Some(command), .. }) => {
            in_runtime(sim::run(&process.paths.runtime, clock, command))?
        }
        Command::Sim(SimArgs { command: None, serve: args }) => {
            let scenario = scenario(connect)?;
            let terms = connect.terms(&scenario).map_err(Failure::usage)?;
            in_runtime(serve(process, scenario, terms, args, format))?;
            return Ok(None);
        }
    };
    Ok(Some(answer))
}

fn in_runtime<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    // One worker beside this thread: the simulated hub answers while this thread waits for a person.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Failure, format!("the runtime could not be started: {error}")))?;
    let ended = runtime.block_on(work);
    // Nothing that is still under way may keep a finished command from ending.
    runtime.shutdown_background();
    ended
}

async fn at_hub(
    process: &mut Process,
    connect: &ConnectArgs,
    format: Format,
    command: &Command,
    clock: SharedClock,
    asker: Asker,
) -> Result<Answer, Failure> {
    let opened = open(process, connect, clock.clone()).await?;
    let Opened { hub, context, name, production, sim, notices } = opened;
    for notice in notices {
        asker.say(&format!("edgedeck: {notice}"));
    }
    let site = Site { hub, context, name, production, clock, audit: process.paths.audit(), who: process.who.clone() };
    let answer = match command {
        Command::Devices(args) => devices::run(&site, args).await,
        Command::Device(command) => device::run(&site, command, asker).await,
        Command::Modules(command) => modules::run(&site, command).await,
        Command::Apply(args) => apply::run(&site, args, asker).await,
        Command::Restart(args) => restart::run(&site, args, asker).await,
        Command::Deployment(command) => deployment::run(&site, command, asker).await,
        Command::Logs(args) => logs::run(&site, args, format, asker).await,
        Command::Query(args) => query::run(&site, args).await,
        Command::Snapshot(args) => snapshot::run(&site, args, asker).await,
        Command::Twin(command) => twin::run(&site, command, format, asker).await,
        Command::Audit(_) | Command::Config(_) | Command::Info | Command::Sim(_) => {
            Err(Failure::usage("this command needs no hub"))
        }
    };
    // The simulated hub lives as long as the command that uses it.
    drop(sim);
    answer
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let text = || String::from(Untrusted::from(error.to_string()).shown());
        match &error {
            OpenError::Scenario(why) => Self::usage(why.as_str()),
            OpenError::Nothing | OpenError::NoContext { .. } | OpenError::Input(_) => Self::usage(text()),
            OpenError::Hub(fault) => Self::from(fault),
            OpenError::Sim(_) => Self::new(Exit::Failure, text()),
        }
    }
}
