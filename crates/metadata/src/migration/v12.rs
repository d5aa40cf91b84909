//! The twelfth form: groups, which share devices and places with the people in them.

use sea_orm::sea_query::{ColumnDef, ForeignKey, ForeignKeyAction, Index, Table, TableCreateStatement};

use super::v1::{id, owned, text, time};
use super::{Step, index};

pub(super) fn step() -> Step {
    let mut names = index("sharing_group_by_name", "sharing_group", &["org_id", "name_key"]);
    names.unique();
    Step {
        tables: vec![
            group(),
            shared("group_member", "user_id", "user_account"),
            shared("group_device", "device_id", "device"),
            shared("group_place", "place_id", "place"),
        ],
        indexes: vec![
            names,
            // From a person to what they see, and from what is deleted to where it was.
            index("group_member_by_user", "group_member", &["user_id", "group_id"]),
            index("group_device_by_device", "group_device", &["device_id"]),
            index("group_place_by_place", "group_place", &["place_id"]),
        ],
        ..Step::default()
    }
}

fn group() -> TableCreateStatement {
    let mut description = ColumnDef::new("description");
    description.text().not_null();
    let mut table = owned("sharing_group");
    table
        .col(text("name", 100))
        .col(text("name_key", 300))
        .col(description)
        .col(time("version"))
        .col(time("created_at_ms"));
    table
}

/// What groups have of one kind. It goes with the group, and with the thing itself.
fn shared(name: &'static str, thing: &'static str, of: &'static str) -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table(name)
        .col(id("group_id"))
        .col(id(thing))
        .col(id("org_id"))
        .primary_key(Index::create().col("group_id").col(thing));
    for (column, to) in [("group_id", "sharing_group"), (thing, of), ("org_id", "organisation")] {
        table.foreign_key(ForeignKey::create().from(name, column).to(to, "id").on_delete(ForeignKeyAction::Cascade));
    }
    table
}
