//! The ninth form: keys for devices, what a device calls itself, and the inbox of devices that are not known.

use sea_orm::sea_query::{ColumnDef, ForeignKey, ForeignKeyAction, TableCreateStatement};

use super::v1::{id, optional_text, owned, text, time, truth};
use super::v2::add;
use super::{Step, index};

pub(super) fn step() -> Step {
    let mut for_devices = ColumnDef::new("for_devices");
    for_devices.boolean().not_null().default(false);
    let mut names = index("inbox_device_by_name", "inbox_device", &["org_id", "name_key"]);
    names.unique();
    let mut writers = index("device_by_writes_as", "device", &["org_id", "writes_as"]);
    writers.unique();
    Step {
        tables: vec![newcomer(), message()],
        columns: vec![add("api_token", &mut for_devices), add("device", &mut optional_text("writes_as", 300))],
        indexes: vec![
            names,
            writers,
            index("inbox_device_by_adoption", "inbox_device", &["adopted_as"]),
            index("inbox_message_by_newcomer", "inbox_message", &["newcomer_id", "received_at_ms", "id"]),
            index("inbox_message_by_time", "inbox_message", &["received_at_ms"]),
        ],
        ..Step::default()
    }
}

fn newcomer() -> TableCreateStatement {
    let mut table = owned("inbox_device");
    table
        .col(text("name", 100))
        .col(text("name_key", 300))
        .col(text("database_name", 64))
        .col(text("format", 32))
        .col(text("address", 64))
        .col(time("first_seen_ms"))
        .col(time("last_seen_ms"))
        .col(time("messages"))
        .col(truth("ignored"))
        .col(ColumnDef::new("adopted_as").uuid().null())
        .foreign_key(
            ForeignKey::create()
                .from("inbox_device", "adopted_as")
                .to("device", "id")
                .on_delete(ForeignKeyAction::Cascade),
        );
    table
}

fn message() -> TableCreateStatement {
    let mut body = ColumnDef::new("body");
    body.text().not_null();
    let mut reading = ColumnDef::new("reading");
    reading.text().not_null();
    let mut table = owned("inbox_message");
    table
        .col(id("newcomer_id"))
        .col(text("database_name", 64))
        .col(text("format", 32))
        .col(reading)
        .col(body)
        .col(time("bytes"))
        .col(time("received_at_ms"))
        .foreign_key(
            ForeignKey::create()
                .from("inbox_message", "newcomer_id")
                .to("inbox_device", "id")
                .on_delete(ForeignKeyAction::Cascade),
        );
    table
}
