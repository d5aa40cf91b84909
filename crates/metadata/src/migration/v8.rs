//! The eighth form: classes of people, whose quotas bound what each of them has; who added a device; claim links of devices.

use sea_orm::sea_query::{ColumnDef, TableCreateStatement};

use super::v1::{id, optional_text, optional_time, owned, text, time};
use super::v2::add;
use super::{Step, index};

pub(super) fn step() -> Step {
    let mut names = index("person_class_by_name", "person_class", &["org_id", "name_key"]);
    names.unique();
    Step {
        tables: vec![class(), claim()],
        columns: vec![add("user_account", &mut optional_id("class_id")), add("device", &mut optional_id("added_by"))],
        indexes: vec![
            names,
            index("user_account_by_class", "user_account", &["class_id"]),
            index("device_claim_by_expiry", "device_claim", &["expires_at_ms"]),
            index("device_by_adder", "device", &["org_id", "added_by"]),
        ],
        ..Step::default()
    }
}

fn optional_id(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.uuid().null();
    column
}

fn class() -> TableCreateStatement {
    let mut table = owned("person_class");
    table
        .col(text("name", 100))
        .col(text("name_key", 100))
        .col(optional_time("devices"))
        .col(optional_time("points_per_second"))
        .col(optional_time("retention_days"))
        .col(time("version"))
        .col(time("created_at_ms"));
    table
}

fn claim() -> TableCreateStatement {
    let mut table = owned("device_claim");
    table
        .col(id("device_id").unique_key())
        .col(optional_text("database_name", 64))
        .col(text("secret", 64).unique_key())
        .col(optional_text("created_by_name", 64))
        .col(time("created_at_ms"))
        .col(time("expires_at_ms"));
    table
}
