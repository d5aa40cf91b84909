//! The fourteenth form: the quota of storage, and who created a database.

use sea_orm::sea_query::TableCreateStatement;

use super::v1::{id, optional_time, owned, text, time};
use super::v2::add;
use super::{Step, index};

pub(super) fn step() -> Step {
    let mut names = index("database_creator_by_name", "database_creator", &["org_id", "name"]);
    names.unique();
    Step {
        tables: vec![creator()],
        columns: vec![add("person_class", &mut optional_time("storage_bytes"))],
        indexes: vec![names, index("database_creator_by_person", "database_creator", &["org_id", "created_by"])],
        ..Step::default()
    }
}

fn creator() -> TableCreateStatement {
    let mut table = owned("database_creator");
    table.col(text("name", 64)).col(id("created_by")).col(time("created_at_ms"));
    table
}
