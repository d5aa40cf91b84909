//! Figures that are read when somebody asks, and what all figures mean.

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};

use super::process;
use crate::state::AppState;

/// Describes every figure of the HTTP face and sets those that are states rather than events.
pub(super) fn set(state: &AppState) {
    describe();
    gauge!("sensorium_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    store(state);
    live(state);
    if let Some(mail) = &state.mail {
        gauge!("sensorium_mail_waiting").set(mail.mailer().waiting() as f64);
    }
    if let Some(process) = process::read() {
        gauge!("process_resident_memory_bytes").set(process.resident_bytes as f64);
        gauge!("process_virtual_memory_bytes").set(process.virtual_bytes as f64);
        gauge!("process_threads").set(process.threads as f64);
        gauge!("process_cpu_seconds_total").set(process.cpu_seconds);
        gauge!("process_open_fds").set(process.open_files as f64);
    }
}

fn store(state: &AppState) {
    let store = state.store.stats();
    for (name, value) in [
        ("sensorium_store_databases", store.databases as f64),
        ("sensorium_store_tables", store.tables as f64),
        ("sensorium_store_series", store.series as f64),
        ("sensorium_store_memtable_bytes", store.memtable_bytes as f64),
        ("sensorium_store_memtable_rows", store.memtable_rows as f64),
        ("sensorium_store_files", store.files as f64),
        ("sensorium_store_file_bytes", store.file_bytes as f64),
        ("sensorium_store_file_rows", store.file_rows as f64),
        ("sensorium_store_log_segments", store.log_segments as f64),
        ("sensorium_store_log_bytes", store.log_bytes as f64),
        ("sensorium_store_last_seq", store.last_seq as f64),
        ("sensorium_store_flushed_seq", store.flushed_seq as f64),
        ("sensorium_store_poisoned", f64::from(u8::from(store.poisoned))),
        ("sensorium_store_disk_is_low", f64::from(u8::from(store.disk_is_low))),
        ("sensorium_store_disk_reserve_bytes", store.disk_reserve_bytes as f64),
    ] {
        gauge!(name).set(value);
    }
    if let Some(free_bytes) = store.disk_free_bytes {
        gauge!("sensorium_store_disk_free_bytes").set(free_bytes as f64);
    }
}

fn live(state: &AppState) {
    let live = state.hub.stats();
    for (name, value) in [
        ("sensorium_live_clients", live.clients),
        ("sensorium_live_subscriptions", live.subscriptions),
        ("sensorium_live_ring_batches", live.ring_batches),
        ("sensorium_live_ring_bytes", live.ring_bytes),
    ] {
        gauge!(name).set(value as f64);
    }
    counter!("sensorium_live_batches_total").absolute(live.published);
    counter!("sensorium_live_points_total").absolute(live.points);
    counter!("sensorium_live_coalesced_total").absolute(live.coalesced);
    counter!("sensorium_live_dropped_total").absolute(live.dropped);
}

fn describe() {
    describe_gauge!("sensorium_build_info", "1, with the version as a label.");
    describe_histogram!(
        "sensorium_http_request_seconds",
        Unit::Seconds,
        "Time until an answer began, by route, method and status."
    );
    describe_gauge!("sensorium_store_databases", "Databases of all organisations.");
    describe_gauge!("sensorium_store_tables", "Tables in all databases.");
    describe_gauge!("sensorium_store_series", "Series in all tables.");
    describe_gauge!("sensorium_store_memtable_bytes", Unit::Bytes, "Rows in memory, those being written included.");
    describe_gauge!("sensorium_store_memtable_rows", "Rows in memory.");
    describe_gauge!("sensorium_store_files", "Data files.");
    describe_gauge!("sensorium_store_file_bytes", Unit::Bytes, "Size of the data files.");
    describe_gauge!("sensorium_store_file_rows", "Rows in data files, before duplicates are resolved.");
    describe_gauge!("sensorium_store_log_segments", "Segments of the write-ahead log.");
    describe_gauge!("sensorium_store_log_bytes", Unit::Bytes, "Size of the write-ahead log.");
    describe_gauge!("sensorium_store_last_seq", "The newest sequence number.");
    describe_gauge!("sensorium_store_flushed_seq", "The newest sequence number whose rows are in data files.");
    describe_gauge!("sensorium_store_poisoned", "1 when a failed sync stopped writing.");
    describe_gauge!("sensorium_store_disk_is_low", "1 while writes are refused because the disk is nearly full.");
    describe_gauge!("sensorium_store_disk_free_bytes", Unit::Bytes, "Room on the disk of the store.");
    describe_gauge!("sensorium_store_disk_reserve_bytes", Unit::Bytes, "Room below which writes are refused.");
    describe_gauge!("sensorium_live_clients", "Live connections now.");
    describe_gauge!("sensorium_live_subscriptions", "Subscriptions of all live connections now.");
    describe_gauge!("sensorium_live_ring_batches", "Batches kept for live clients that resume.");
    describe_gauge!("sensorium_live_ring_bytes", Unit::Bytes, "Size of those batches.");
    describe_counter!("sensorium_live_batches_total", "Batches shown to the live hub.");
    describe_counter!("sensorium_live_points_total", "Points sent to live clients.");
    describe_counter!("sensorium_live_coalesced_total", "Points replaced by a newer one for a client that was behind.");
    describe_counter!("sensorium_live_dropped_total", "Points left out because a client's queue was full.");
    describe_counter!("sensorium_live_degraded_total", "Times that a live client was sent less.");
    describe_counter!("sensorium_live_frames_total", "Binary frames sent to live clients.");
    describe_counter!("sensorium_live_frame_bytes_total", Unit::Bytes, "Size of those frames.");
    describe_counter!("sensorium_sql_answers_total", "Answers to SQL that began, by format.");
    describe_counter!("sensorium_sql_cut_total", "Answers to SQL that were cut off because the query failed half-way.");
    describe_gauge!("sensorium_mail_waiting", "Messages that wait to be taken by the mail server.");
    describe_counter!(
        "sensorium_mail_messages_total",
        "Messages by kind and outcome: queued, retried, sent or failed."
    );
    describe_counter!("sensorium_tls_reloads_total", "Changed certificate files, by outcome: taken or refused.");
    describe_gauge!("process_resident_memory_bytes", Unit::Bytes, "Resident memory of this process.");
    describe_gauge!("process_virtual_memory_bytes", Unit::Bytes, "Virtual memory of this process.");
    describe_gauge!("process_threads", "Threads of this process.");
    describe_gauge!("process_cpu_seconds_total", Unit::Seconds, "CPU time of this process, user and system.");
    describe_gauge!("process_open_fds", "Open files and sockets of this process.");
}
