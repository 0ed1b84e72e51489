//! The heartbeat: registry statistics, which the hub does not meter.

use std::sync::Arc;
use std::time::Duration;

use super::link::Reader;
use super::{Pace, Wake};

pub(super) async fn run(reader: Reader, wake: Arc<Wake>) {
    let mut pace = Pace::new(reader.settings.heartbeat);
    // Short, so that an outage shows within seconds; a slow answer is late news, not an error of the picture.
    let patience = reader.settings.heartbeat.min(reader.settings.patience);
    loop {
        match reader.call("read the registry's statistics", patience, reader.hub.statistics()).await {
            Ok(statistics) => {
                reader.link.statistics(statistics);
                pace.succeeded(0);
            }
            Err(_shown_by_the_link) => {
                pace.failed();
                reader.link.retrying(wait(&pace));
            }
        }
        tokio::select! {
            () = tokio::time::sleep(wait(&pace)) => {}
            () = wake.heartbeat.notified() => {}
        }
    }
}

/// The heartbeat costs no messages, so only failures slow it down.
fn wait(pace: &Pace) -> Duration {
    pace.wait(1.0, 1).max(Duration::from_secs(1))
}
