//! The fifth form: sites, buildings and floors with their plans, and where devices are on them.

use sea_orm::sea_query::{ColumnDef, ForeignKey, ForeignKeyAction, Table, TableCreateStatement};

use super::v1::{id, optional_text, optional_time, owned, text, time};
use super::v2::add;
use super::{Step, index};

pub(super) fn step() -> Step {
    let mut place = ColumnDef::new("place_id");
    place.uuid().null();
    Step {
        tables: vec![place_table(), plan()],
        columns: vec![
            add("device", &mut place),
            add("device", &mut fraction("place_x")),
            add("device", &mut fraction("place_y")),
        ],
        indexes: vec![
            index("place_by_parent", "place", &["org_id", "parent_id", "name_key"]),
            index("device_by_place", "device", &["org_id", "place_id", "id"]),
        ],
        ..Step::default()
    }
}

fn fraction(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.double().null();
    column
}

fn optional_number(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.integer().null();
    column
}

fn place_table() -> TableCreateStatement {
    let mut table = owned("place");
    table
        .col(text("name", 100))
        .col(text("name_key", 300))
        .col(text("kind", 16))
        .col(ColumnDef::new("parent_id").uuid().null())
        .col(fraction("latitude"))
        .col(fraction("longitude"))
        .col(optional_number("level"))
        .col(optional_number("plan_width"))
        .col(optional_number("plan_height"))
        .col(optional_text("plan_media_type", 32))
        .col(optional_time("plan_changed_at_ms"))
        .col(fraction("metres_per_pixel"))
        .col(time("version"))
        .col(time("created_at_ms"))
        .foreign_key(
            ForeignKey::create().from("place", "parent_id").to("place", "id").on_delete(ForeignKeyAction::Restrict),
        );
    table
}

/// Pictures stand apart, so that a list of places reads none.
fn plan() -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table("place_plan")
        .col(id("place_id").primary_key())
        .col(id("org_id"))
        .col(ColumnDef::new("picture").blob().not_null())
        .foreign_key(
            ForeignKey::create().from("place_plan", "place_id").to("place", "id").on_delete(ForeignKeyAction::Cascade),
        )
        .foreign_key(
            ForeignKey::create()
                .from("place_plan", "org_id")
                .to("organisation", "id")
                .on_delete(ForeignKeyAction::Cascade),
        );
    table
}
