//! The thread that commits.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use metrics::counter;

use super::Journal;
use super::tables::File;

/// How long it waits after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// Starts the thread. It ends when the journal is closed and everything is durable.
pub(super) fn start(journal: Arc<Journal>, file: File) -> io::Result<()> {
    std::thread::Builder::new().name("mqtt-journal".to_owned()).spawn(move || run(&journal, file)).map(|_| ())
}

fn run(journal: &Journal, mut file: File) {
    while let Some((writes, seq)) = journal.take() {
        while let Err(error) = file.commit(&writes) {
            counter!("sensorium_mqtt_journal_failures_total").increment(1);
            tracing::error!(%error, "sessions and retained messages of MQTT could not be stored; it is tried again");
            std::thread::sleep(PAUSE);
            file.reopen();
        }
        journal.durable.send_replace(seq);
    }
}
