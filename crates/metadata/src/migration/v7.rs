//! The seventh form: desired and reported state of devices, and commands.

use sea_orm::sea_query::{
    ColumnDef, ForeignKey, ForeignKeyAction, ForeignKeyCreateStatement, Table, TableCreateStatement,
};

use super::v1::{id, optional_text, optional_time, owned, text, time};
use super::{Step, index};

pub(super) fn step() -> Step {
    Step {
        tables: vec![state(), command()],
        indexes: vec![
            index("device_state_by_org", "device_state", &["org_id"]),
            index("device_command_by_device", "device_command", &["device_id", "created_at_ms", "id"]),
            index("device_command_by_end", "device_command", &["expires_at_ms"]),
        ],
        ..Step::default()
    }
}

fn long_text(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.text().not_null();
    column
}

/// What belongs to a device goes with it.
fn of_device(table: &'static str) -> ForeignKeyCreateStatement {
    let mut key = ForeignKey::create();
    key.from(table, "device_id").to("device", "id").on_delete(ForeignKeyAction::Cascade);
    key
}

/// Apart from the devices, so that a list of them reads no state.
fn state() -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table("device_state")
        .col(id("device_id").primary_key())
        .col(id("org_id"))
        .col(long_text("desired"))
        .col(time("desired_version"))
        .col(optional_time("desired_at_ms"))
        .col(long_text("reported"))
        .col(time("reported_version"))
        .col(optional_time("reported_at_ms"))
        .foreign_key(&mut of_device("device_state"))
        .foreign_key(
            ForeignKey::create()
                .from("device_state", "org_id")
                .to("organisation", "id")
                .on_delete(ForeignKeyAction::Cascade),
        );
    table
}

fn command() -> TableCreateStatement {
    let mut result = ColumnDef::new("result");
    result.text().null();
    let mut table = owned("device_command");
    table
        .col(id("device_id"))
        .col(text("name", 100))
        .col(long_text("arguments"))
        .col(text("status", 16))
        .col(result)
        .col(optional_text("requested_by", 255))
        .col(time("created_at_ms"))
        .col(time("expires_at_ms"))
        .col(optional_time("delivered_at_ms"))
        .col(optional_time("answered_at_ms"))
        .foreign_key(&mut of_device("device_command"));
    table
}
