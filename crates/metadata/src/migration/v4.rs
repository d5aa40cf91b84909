//! The fourth form: devices and their types; API tokens that belong to a device, and that expire.

use sea_orm::sea_query::{ColumnDef, ForeignKey, ForeignKeyAction, IndexCreateStatement, TableCreateStatement};

use super::v1::{optional_text, optional_time, owned, text, time, truth};
use super::v2::add;
use super::{Step, index};

pub(super) fn step() -> Step {
    let mut device_id = ColumnDef::new("device_id");
    device_id.uuid().null();
    Step {
        tables: vec![device_type(), device()],
        columns: vec![add("api_token", &mut device_id), add("api_token", &mut optional_time("expires_at_ms"))],
        indexes: vec![
            unique("device_type_by_name", "device_type"),
            unique("device_by_name", "device"),
            index("device_by_creation", "device", &["org_id", "created_at_ms", "id"]),
            index("device_by_last_seen", "device", &["org_id", "last_seen_ms", "id"]),
            index("device_by_type", "device", &["org_id", "type_id", "id"]),
            index("api_token_by_device", "api_token", &["device_id"]),
        ],
        ..Step::default()
    }
}

/// Names are unique in an organisation, without regard to case.
fn unique(name: &'static str, table: &'static str) -> IndexCreateStatement {
    let mut index = index(name, table, &["org_id", "name_key"]);
    index.unique();
    index
}

fn long_text(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.text().not_null();
    column
}

fn device_type() -> TableCreateStatement {
    let mut table = owned("device_type");
    table
        .col(text("name", 100))
        .col(text("name_key", 300))
        .col(text("description", 1_000))
        .col(text("table_name", 255))
        .col(long_text("fields"))
        .col(optional_text("decoder", 16))
        .col(time("version"))
        .col(time("created_at_ms"));
    table
}

fn device() -> TableCreateStatement {
    let mut table = owned("device");
    table
        .col(text("name", 100))
        .col(text("name_key", 300))
        .col(ColumnDef::new("type_id").uuid().null())
        .col(long_text("attributes"))
        .col(long_text("tags"))
        .col(truth("enabled"))
        .col(ColumnDef::new("latitude").double().null())
        .col(ColumnDef::new("longitude").double().null())
        .col(time("version"))
        .col(time("created_at_ms"))
        .col(time("last_seen_ms"))
        .col(time("rows_accepted"))
        .col(time("messages"))
        .col(time("errors"))
        .foreign_key(
            ForeignKey::create()
                .from("device", "type_id")
                .to("device_type", "id")
                .on_delete(ForeignKeyAction::Restrict),
        );
    table
}
