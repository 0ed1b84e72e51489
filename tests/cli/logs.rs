//! `logs`: what is read and printed, what goes to standard error, and how following ends.

use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::timeout;

use crate::harness::World;

const FILTER: [&str; 3] = ["logs", "edge-gateway-001", "temperatureFilter"];
/// How long anything may take before the test has failed.
const DEADLINE: Duration = Duration::from_secs(30);

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_lines_are_plain_text_with_the_devices_time_when_asked() {
    let world = World::start().await;
    let plain = world.run(&[&FILTER[..], &["--tail", "3"]].concat());
    assert_eq!((plain.code, plain.err.as_str()), (0, ""));
    assert_eq!(lines(&plain.out).len(), 3);
    assert!(plain.out.lines().all(|line| line.starts_with("Alert sent: temperature=")), "{}", plain.out);
    let stamped = world.run(&[&FILTER[..], &["--tail", "3", "--timestamps"]].concat());
    for (stamped, plain) in stamped.out.lines().zip(plain.out.lines()) {
        let (stamp, text) = stamped.split_once(' ').unwrap();
        assert!(stamp.parse::<jiff::Timestamp>().is_ok(), "{stamped}");
        assert_eq!(text, plain);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_get_one_object_with_levels_and_instants() {
    let world = World::start().await;
    let items = world.run(&["logs", "edge-gateway-001", "edgeHub", "--tail", "5", "-o", "json"]).items("LogLines");
    assert_eq!(items.len(), 5);
    for item in items {
        assert_eq!((item["device"].as_str(), item["module"].as_str()), (Some("edge-gateway-001"), Some("$edgeHub")));
        assert!(item["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
        assert_eq!((item["level"].as_u64(), item["stream"].as_str()), (Some(6), Some("stdout")), "{item}");
    }
    let text = world.run(&["logs", "edge-gateway-001", "edgeHub", "--tail", "5", "-o", "text"]);
    assert_eq!((text.code, lines(&text.out).len()), (0, 5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_is_read_whole_whatever_an_answer_holds() {
    let world = World::start().await;
    let sensor = ["logs", "edge-gateway-001", "SimulatedTemperatureSensor", "--timestamps"];
    let long = world.run(&[&sensor[..], &["--since", "6h"]].concat());
    assert_eq!((long.code, long.err.as_str()), (0, ""));
    let all = lines(&long.out);
    assert!(all.len() > 1_000, "{} lines, which no answer holds", all.len());
    let mut once = all.clone();
    once.dedup();
    assert!(all.is_sorted() && once.len() == all.len(), "in order, and none twice where two parts meet");
    let minute = world.run(&[&sensor[..], &["--since", "10m", "--until", "9m"]].concat());
    assert!((10..=14).contains(&lines(&minute.out).len()), "one every five seconds: {}", minute.out);
    let last = world.run(&[&sensor[..], &["--since", "10m", "--tail", "2"]].concat());
    assert_eq!(lines(&last.out), all[all.len() - 2..]);
    let fewer = world.run(&[&sensor[..], &["--tail", "50000"]].concat());
    assert!(fewer.err.contains("of 50000 lines fit into an answer"), "{}", fewer.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expression_is_the_devices_and_searches_more_than_the_last_lines() {
    let world = World::start().await;
    let found = world.run(&[
        "logs",
        "edge-gateway-001",
        "edgeAgent",
        "--regex",
        "Plan execution (started|ended)",
        "--since",
        "30d",
    ]);
    assert_eq!((found.code, found.err.as_str()), (0, ""));
    assert!(
        found.out.lines().count() >= 2 && found.out.lines().all(|line| line.contains("Plan execution")),
        "{}",
        found.out
    );
    let wrong = world.run(&[&FILTER[..], &["--regex", "("]].concat());
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.contains("edgeAgent refused: 400") && wrong.err.contains("Invalid pattern"), "{}", wrong.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_modules_are_merged_by_the_devices_time() {
    let world = World::start().await;
    // What was before what is why they are read together: each line has its time, asked for or not.
    let merged = world.run(&["logs", "edge-gateway-001", "--all", "--since", "1m"]);
    assert_eq!(merged.code, 0, "{}", merged.err);
    let stamps: Vec<&str> = merged.out.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert!(stamps.is_sorted(), "{}", merged.out);
    for module in ["temperatureFilter", "SimulatedTemperatureSensor"] {
        assert!(merged.out.contains(&format!("Z {module} ")), "{}", merged.out);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_edge_agent_writes_about_being_asked_is_left_out_and_told() {
    let world = World::start().await;
    let agent = ["logs", "edge-gateway-001", "$edgeAgent", "--tail", "50"];
    let first = world.run(&agent);
    let second = world.run(&agent);
    assert!(!second.out.contains("GetModuleLogs"), "{}", second.out);
    assert!(second.err.contains("about being asked for logs left out (--polling)"), "{}{}", first.err, second.err);
    let all = world.run(&[&agent[..], &["--polling"]].concat());
    assert!(all.out.contains("GetModuleLogs") && all.err.is_empty(), "{}", all.err);
    // The last lines are those about being asked just now: three that are not are further back.
    let three = world.run(&["logs", "edge-gateway-001", "edgeAgent", "--tail", "3"]);
    assert_eq!((three.code, lines(&three.out).len()), (0, 3), "{}{}", three.out, three.err);
    let every = world.run(&["logs", "edge-gateway-001", "edgeAgent", "--tail", "5000"]);
    assert!(!every.err.contains("are not about being asked"), "all there is was read: {}", every.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_with_nothing_in_it_says_so() {
    let world = World::start().await;
    let empty = world.run(&["logs", "edge-gateway-001", "debugShell"]);
    assert_eq!((empty.code, empty.out.as_str()), (0, ""));
    assert!(
        empty.err.contains("edge-gateway-001/debugShell: nothing was written that the log still holds"),
        "{}",
        empty.err
    );
    let since = world.run(&["logs", "edge-gateway-001", "debugShell", "--since", "1h"]);
    assert!(since.err.contains("nothing was written in the last 1 h"), "{}", since.err);
    let no = world.run(&[&FILTER[..], &["--regex", "nobody writes this", "--since", "1h"]].concat());
    assert!(no.err.contains("no line matches in the last 1 h"), "{}", no.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_is_disabled_is_not_called_deleted() {
    let world = World::start().await;
    let off = world.run(&["device", "disable", "edge-gateway-101", "--confirm", "edge-gateway-101"]);
    assert_eq!(off.code, 0, "{}", off.err);
    let refused = world.run(&["logs", "edge-gateway-101", "temperatureFilter"]);
    assert_eq!(refused.code, 3, "{}", refused.err);
    assert!(refused.err.contains("is not registered, or is disabled"), "{}", refused.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_and_what_is_not_meant_end_with_their_codes() {
    let world = World::start().await;
    for (args, code, text) in [
        (&["logs", "edge-gateway-001", "nothing"][..], 3, "runs no container of that name"),
        (&["logs", "nobody", "filter"], 3, "DeviceNotFound"),
        (&["logs", "edge-gateway-001"], 2, "`edgedeck modules list edge-gateway-001` shows them), or --all"),
        (&["logs", "edge-gateway-001", "a", "--all"], 2, "cannot be used with"),
        (&["logs", "edge-gateway-001", "a", "--since", "soon"], 2, "not a time: a number and a unit"),
        (&["logs", "edge-gateway-001", "a", "-f", "--until", "1m"], 2, "cannot be used with"),
        (&["logs", "edge-gateway-001", "a", "--tail", "0"], 2, "0 is not in"),
    ] {
        let ran = world.run(args);
        assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{args:?} {}", ran.err);
        assert!(ran.err.contains(text), "{args:?} {}", ran.err);
    }
}

/// A module that writes what harms terminals, from a scenario file.
const HOSTILE: &str = r#"
[manifests.hostile]
modules = { noise = { image = "mcr.microsoft.com/sim-workload:hostile" } }

[[devices]]
id = "edge-1"
manifest = "hostile"
installed = "-15m"
"#;

/// What must not reach a terminal: controls other than the end of a line, and what turns the direction of text.
fn harmful(character: char) -> bool {
    (character.is_control() && character != '\n')
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The numbers in `text` after `seq=`, in order.
fn numbers(text: &str) -> Vec<u64> {
    let digits =
        |rest: &str| rest.split(|character: char| !character.is_ascii_digit()).next().unwrap().parse().unwrap();
    text.split("seq=").skip(1).map(digits).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_lines_are_all_there_and_harmless() {
    let world = World::written(HOSTILE).await;
    let log = ["logs", "edge-1", "noise", "--tail", "200"];
    for form in ["text", "json"] {
        let ran = world.run(&[&log[..], &["-o", form]].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        let found = ran.out.chars().chain(ran.err.chars()).find(|character| harmful(*character));
        assert_eq!(found, None, "{form}");
        let numbers = numbers(&ran.out);
        // Fewer than 200: the longest lines come in parts, and only the first part has the number.
        assert!(numbers.len() > 150, "{}", numbers.len());
        assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "each once, in order: {numbers:?}");
    }
}

/// A run that goes on until it is ended.
struct Following {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// What it says, once it was listened to: a closed pipe would end it.
    said: Option<Lines<BufReader<ChildStderr>>>,
}

impl Following {
    fn start(world: &World, args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_edgedeck"))
            .args(args)
            .args(world.access())
            .env_clear()
            .env("HOME", world.home())
            .env("USER", "ana")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, said: None }
    }

    async fn line(&mut self) -> String {
        timeout(DEADLINE, self.lines.next_line()).await.unwrap().unwrap().unwrap()
    }

    /// Waits for a line that contains `text`.
    async fn sees(&mut self, text: &str) {
        while !self.line().await.contains(text) {}
    }

    /// Waits until it says something that contains `text`.
    async fn told(&mut self, text: &str) -> String {
        let said = self.child.stderr.take().unwrap();
        let mut said = BufReader::new(said).lines();
        loop {
            let line = timeout(DEADLINE, said.next_line()).await.unwrap().unwrap().unwrap();
            if line.contains(text) {
                self.said = Some(said);
                return line;
            }
        }
    }

    fn interrupt(&self) {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).unwrap();
        kill(Pid::from_raw(pid), Signal::SIGINT).unwrap();
    }

    /// Reads no line any more.
    async fn abandoned(self) -> (Option<i32>, String) {
        drop(self.lines);
        Self::end(self.child).await
    }

    /// The code it ends with, and what it said.
    async fn ended(self) -> (Option<i32>, String) {
        let _open = self.lines;
        Self::end(self.child).await
    }

    async fn end(child: Child) -> (Option<i32>, String) {
        let output = timeout(DEADLINE, child.wait_with_output()).await.unwrap().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn following_prints_what_comes_and_ends_with_ctrl_c() {
    let world = World::start().await;
    let mut following = Following::start(&world, &[&FILTER[..], &["-f", "--tail", "2"]].concat());
    assert!(following.line().await.starts_with("Alert sent") && following.line().await.starts_with("Alert sent"));
    let patched = world.run(&[
        "twin",
        "patch",
        "edge-gateway-001/temperatureFilter",
        "--desired",
        r#"{"temperatureThreshold": 30.0}"#,
        "--yes",
    ]);
    assert_eq!(patched.code, 0, "{}", patched.err);
    world.clock.advance(Duration::from_secs(30));
    following.sees("Threshold updated to: 30.0").await;
    following.interrupt();
    let (code, err) = following.ended().await;
    assert_eq!(code, Some(130), "{err}");
    assert!(err.contains("following has cost ") && !err.contains("gap"), "{err}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn following_gives_programs_a_line_each() {
    let world = World::start().await;
    let mut following = Following::start(&world, &[&FILTER[..], &["-f", "--tail", "1", "-o", "json"]].concat());
    let item: Value = serde_json::from_str(&following.line().await).unwrap();
    assert!(item["text"].as_str().unwrap().starts_with("Alert sent"), "{item}");
    // One line is enough to go on from.
    for _ in 0..2 {
        world.clock.advance(Duration::from_secs(10));
        let next: Value = serde_json::from_str(&following.line().await).unwrap();
        assert!(next["timestamp"].as_str() > item["timestamp"].as_str(), "{next}");
    }
    following.interrupt();
    let (code, err) = following.ended().await;
    assert!(code == Some(130) && !err.contains("gap"), "{err}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn following_counts_the_lines_it_prints_and_says_when_there_are_none() {
    let world = World::start().await;
    let mut agent = Following::start(&world, &["logs", "edge-gateway-001", "edgeAgent", "-f", "--tail", "3"]);
    for _ in 0..3 {
        assert!(!agent.line().await.contains("GetModuleLogs"));
    }
    agent.interrupt();
    assert_eq!(agent.ended().await.0, Some(130));
    let mut empty = Following::start(&world, &["logs", "edge-gateway-001", "debugShell", "-f"]);
    let told = empty.told("lines are printed as they come").await;
    assert!(told.contains("debugShell: nothing was written that the log still holds"), "{told}");
    empty.interrupt();
    assert_eq!(empty.ended().await.0, Some(130));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_went_away_ends_it_quietly_although_nothing_comes() {
    let world = World::start().await;
    let mut following = Following::start(&world, &[&FILTER[..], &["-f", "--tail", "1"]].concat());
    // The world stands still: after the first line there is none.
    following.line().await;
    assert_eq!(following.abandoned().await, (Some(141), String::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn following_what_is_not_there_ends_and_does_not_wait() {
    let world = World::start().await;
    for (args, text) in [
        (["logs", "edge-gateway-001", "nothing", "-f"], "runs no container of that name"),
        (["logs", "nobody", "filter", "-f"], "DeviceNotFound"),
    ] {
        let (code, err) = Following::start(&world, &args).ended().await;
        assert_eq!(code, Some(3), "{err}");
        assert!(err.contains(text), "{err}");
    }
}
