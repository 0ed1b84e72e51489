//! What to paste so that other clients of IoT Hub use a simulator that runs: the SDKs for Python and Node, the `azure-iot`
//! extension of `az`, curl. No key stands in them; they read it from the simulator's file.

use jiff::Timestamp;
use serde_json::json;

use super::answer::Answer;
use super::sim::Note;
use crate::domain::text::Untrusted;

/// The port that the Node SDK knows, and no other.
const HTTPS: &str = "443";

/// How one client gets there.
struct Recipe {
    client: &'static str,
    /// What has to be there, and what to know.
    needs: String,
    /// For a POSIX shell.
    lines: String,
}

/// The recipes for a simulator.
pub(super) fn recipes(note: &Note, now: Timestamp) -> Answer {
    let program = std::env::current_exe().map_or_else(|_| "edgedeck".to_owned(), |path| path.display().to_string());
    let recipes = [python(note), node(note), az(note), curl(note, &program)];
    let text = |recipe: &Recipe| format!("# {}: {}\n{}\n", recipe.client, recipe.needs, recipe.lines);
    let table = recipes.iter().map(text).collect::<Vec<_>>().join("\n");
    let item = |recipe: &Recipe| json!({"client": recipe.client, "needs": recipe.needs, "recipe": recipe.lines});
    // A path may hold anything; line by line it is shown as it is.
    let shown = |line: &str| Untrusted::from(line.to_owned()).shown().to_string() + "\n";
    let table = table.lines().map(shown).collect();
    Answer::new("SimulatorRecipes", now, recipes.iter().map(item).collect(), table)
}

/// A text as one word of a POSIX shell.
fn word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn authority(note: &Note) -> String {
    word(&note.authority.to_string_lossy())
}

fn connection_string(note: &Note) -> String {
    word(&note.connection_string.to_string_lossy())
}

fn python(note: &Note) -> Recipe {
    let (authority, connection_string) = (authority(note), connection_string(note));
    let lines = format!(
        "\
REQUESTS_CA_BUNDLE={authority} python3 - {connection_string} <<'END'
import sys
from azure.iot.hub import IoTHubRegistryManager
hub = IoTHubRegistryManager.from_connection_string(open(sys.argv[1]).read())
for device in hub.get_devices(10):
    print(device.device_id, device.status)
END"
    );
    Recipe { client: "Python SDK", needs: "pip install azure-iot-hub six".to_owned(), lines }
}

fn node(note: &Note) -> Recipe {
    let (authority, connection_string) = (authority(note), connection_string(note));
    let (host, port) = note.at.rsplit_once(':').unwrap_or((&note.at, HTTPS));
    let needs = "npm install azure-iothub";
    let (needs, reach, name) = if port == HTTPS {
        (needs.to_owned(), String::new(), host)
    } else {
        (
            format!(
                "{needs}; it knows port 443 only, so the first three lines lead from there to {port} \
                 (`edgedeck sim --listen 127.0.0.1:443` needs none of them)"
            ),
            format!(
                "\
const tls = require('tls'), connect = tls.connect;
tls.connect = (to, ...rest) =>
  connect(to.port === 443 && to.host === 'localhost' ? {{ ...to, host: '{host}', port: {port} }} : to, ...rest);
"
            ),
            "localhost",
        )
    };
    let lines = format!(
        "\
NODE_EXTRA_CA_CERTS={authority} node - {connection_string} <<'END'
{reach}const {{ Registry }} = require('azure-iothub');
const text = require('fs').readFileSync(process.argv[2], 'utf8');
const hub = Registry.fromConnectionString(text.replace(/HostName=[^;]*/, 'HostName={name}'));
hub.list().then(({{ responseBody }}) => responseBody.slice(0, 10).forEach((it) => console.log(it.deviceId, it.status)));
END"
    );
    Recipe { client: "Node SDK", needs, lines }
}

fn az(note: &Note) -> Recipe {
    let (authority, connection_string) = (authority(note), connection_string(note));
    let lines = format!(
        "REQUESTS_CA_BUNDLE={authority} az iot hub query --login \"$(cat {connection_string})\" \
         -q 'SELECT deviceId, status FROM devices' --top 10"
    );
    let needs = "az extension add --name azure-iot; no az login; others on this machine can see the key while it runs";
    Recipe { client: "az iot", needs: needs.to_owned(), lines }
}

fn curl(note: &Note, program: &str) -> Recipe {
    let (authority, program, at) = (authority(note), word(program), &note.at);
    let lines = format!(
        "{program} sim token --at {at} | curl --silent --show-error --fail --cacert {authority} -H @- \
         {}",
        word(&format!("https://{at}/devices?api-version=2021-04-12&top=10"))
    );
    Recipe { client: "curl", needs: "7.55 or later".to_owned(), lines }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(at: &str, authority: &str) -> String {
        let note = Note {
            at: at.to_owned(),
            door: "127.0.0.1:1".to_owned(),
            hub: "h".to_owned(),
            pid: 1,
            since: Timestamp::UNIX_EPOCH,
            authority: authority.into(),
            connection_string: "/run/it's here".into(),
        };
        recipes(&note, Timestamp::UNIX_EPOCH).table
    }

    #[test]
    fn every_path_is_one_word_whatever_is_in_it() {
        let text = text("127.0.0.1:8443", "/run/$(x) y/ca.pem");
        assert_eq!(text.matches("'/run/$(x) y/ca.pem'").count(), 4, "{text}");
        assert_eq!(text.matches(r"'/run/it'\''s here'").count(), 3, "{text}");
    }

    #[test]
    fn node_is_led_to_another_port_only_where_there_is_one() {
        let other = text("127.0.0.1:8443", "ca.pem");
        assert!(other.contains("host: '127.0.0.1', port: 8443"), "{other}");
        assert!(other.contains("'HostName=localhost'"), "{other}");
        let own = text("192.0.2.1:443", "ca.pem");
        assert!(!own.contains("tls.connect") && own.contains("END'\nconst { Registry }"), "{own}");
        assert!(own.contains("'HostName=192.0.2.1'"), "{own}");
    }
}
