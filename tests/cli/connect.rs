//! How a hub is named and signed in to, and what is said when that does not work.

use std::time::Duration;

use crate::harness::{World, ran};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_environment_may_hold_the_connection_string() {
    let world = World::start().await;
    let ca = world.home().join("ca.pem");
    let mut command = world.command(&["query", "SELECT COUNT() AS n FROM devices", "-o", "json", "--ca-file"]);
    command.arg(ca).env("EDGEDECK_CONNECTION_STRING", world.sim.connection_string().expose());
    let answer = ran(&mut command);
    assert_eq!(answer.items("QueryResult").len(), 1);
    assert!(answer.err.contains("a private file is safer"), "{}", answer.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standard_input_may_hold_it_too() {
    let world = World::start().await;
    let ca = world.home().join("ca.pem");
    let mut command = world.command(&["devices", "--connection-string-file", "-", "--ca-file"]);
    let answer = ran(command.arg(ca).write_stdin(world.sim.connection_string().expose()));
    assert_eq!((answer.code, answer.err.as_str()), (0, ""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authority_of_ours_is_believed_on_a_machine_that_has_none() {
    let world = World::start().await;
    let empty = world.file("none.pem", "", 0o644);
    let mut command = world.command(&["devices"]);
    command.args(world.access()).env("SSL_CERT_FILE", &empty).env("SSL_CERT_DIR", world.home().join("nothing"));
    let answer = ran(&mut command);
    assert_eq!(answer.code, 0, "{}", answer.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_authority_the_hub_is_not_believed() {
    let world = World::start().await;
    let file = world.home().join("hub.cs").display().to_string();
    let answer = ran(&mut world.command(&["devices", "--connection-string-file", &file]));
    assert_eq!((answer.code, answer.out.as_str()), (7, ""), "{}", answer.err);
    assert!(answer.err.contains("certificate"), "{}", answer.err);
    assert_eq!(world.sim.status().served, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_others_can_read_is_refused_before_anything_is_sent() {
    let world = World::start().await;
    world.file("hub.cs", world.sim.connection_string().expose(), 0o644);
    let open = world.run(&["devices"]);
    assert_eq!((open.code, open.out.as_str()), (2, ""));
    assert!(open.err.contains("chmod 600") && !open.err.contains("SharedAccessKey="), "{}", open.err);
    let argument = format!("--hub={}", world.sim.connection_string().expose());
    let shown = ran(&mut world.command(&["devices", &argument]));
    assert_eq!((shown.code, shown.out.as_str()), (2, ""));
    assert!(shown.err.contains("rotate") && !shown.err.contains("SharedAccessKey="), "{}", shown.err);
    assert_eq!(world.sim.status().served, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_any_sign_in_each_way_says_why_it_did_not_apply() {
    let world = World::start().await;
    let mut command = world.command(&["devices", "--hub", "no-such-hub.azure-devices.net"]);
    let answer = ran(command.timeout(Duration::from_secs(30)));
    assert_eq!((answer.code, answer.out.as_str()), (4, ""), "{}", answer.err);
    for way in [
        "environment secret: AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET not set",
        "workload identity: ",
        "Azure CLI: ",
        "Azure Developer CLI: ",
        "managed identity: not asked for",
    ] {
        assert!(answer.err.contains(way), "{way} in {}", answer.err);
    }
}

#[test]
fn the_machines_own_identity_is_asked_for_in_so_many_words() {
    use clap::Parser;
    use edgedeck::cli::Cli;
    let asked = |flags: &[&str]| {
        let parsed = Cli::try_parse_from([&["edgedeck", "--hub", "h.azure-devices.net"], flags].concat());
        parsed.map(|cli| cli.connect.managed_identity).map_err(|error| error.kind())
    };
    assert_eq!(asked(&[]), Ok(None));
    assert_eq!(asked(&["--managed-identity"]), Ok(Some(String::new())));
    assert_eq!(asked(&["--managed-identity=0000-11"]), Ok(Some("0000-11".to_owned())));
    assert_eq!(asked(&["--managed-identity", "devices"]), Ok(Some(String::new())), "the command is no client id");
    assert!(Cli::try_parse_from(["edgedeck", "--sim", "--managed-identity"]).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flag_of_the_console_beside_a_command_is_refused() {
    let world = World::start().await;
    for flags in [["--theme", "no-such-theme"], ["--keymap", "vim"], ["--color", "16"]] {
        let answer = ran(&mut world.command(&[flags[0], flags[1], "--sim", "devices"]));
        assert_eq!((answer.code, answer.out.as_str()), (2, ""), "{}", answer.err);
        assert!(answer.err.contains(flags[0]) && answer.err.contains("the console"), "{}", answer.err);
    }
    let shown = ran(&mut world.command(&["--theme", "dark", "config", "show"]));
    assert_eq!(shown.code, 0, "{}", shown.err);
    let polls = ran(&mut world.command(&["--sim", "config", "show", "--origin"]));
    assert!(polls.out.contains("10s") && !polls.out.contains("30s"), "{}", polls.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_names_a_hub_says_what_would() {
    let world = World::start().await;
    let answer = ran(&mut world.command(&["devices"]));
    assert_eq!((answer.code, answer.out.as_str()), (2, ""));
    for way in ["--sim", "--hub", "--connection-string-file", "EDGEDECK_CONNECTION_STRING", "--context"] {
        assert!(answer.err.contains(way), "{way} in {}", answer.err);
    }
    let missing = ran(&mut world.command(&["devices", "-x", "plant"]));
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("plant"), "{}", missing.err);
    let both = ran(&mut world.command(&["devices", "-x", "plant", "-n", "hub.azure-devices.net"]));
    assert_eq!(both.code, 2, "a context and another hub: {}", both.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_hub_lives_as_long_as_the_command() {
    let world = World::start().await;
    let answer = ran(&mut world.command(&["--sim", "devices", "-o", "json"]));
    assert!(answer.items("DeviceList").len() > 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_is_gone_is_code_7() {
    let world = World::start().await;
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = format!("HostName={gone};SharedAccessKeyName=iothubowner;SharedAccessKey=a2V5");
    world.file("hub.cs", &text, 0o600);
    let answer = world.run(&["twin", "get", "d"]);
    assert_eq!((answer.code, answer.out.as_str()), (7, ""), "{}", answer.err);
    assert!(answer.err.contains("run it again"), "{}", answer.err);
}
