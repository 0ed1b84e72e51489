//! The heartbeat: registry statistics, which the hub does not meter.

use std::sync::Arc;
use std::time::Duration;

use super::Wake;
use super::link::Reader;
use crate::hub::Pace;
use crate::store::Source;

pub(super) async fn run(reader: Reader, wake: Arc<Wake>) {
    let mut pace = Pace::new(reader.settings.heartbeat);
    loop {
        match reader.call(Source::Heartbeat, reader.hub.statistics()).await {
            Ok(statistics) => {
                reader.link.statistics(statistics);
                pace.succeeded(0);
            }
            Err(fault) => {
                pace.failed(&fault);
                reader.link.retrying(Source::Heartbeat, wait(&pace));
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
