//! The second form: names and versions of people, one-time links, where sessions come from, and who made a change by name.

use sea_orm::sea_query::{
    ColumnDef, Expr, ExprTrait, ForeignKey, ForeignKeyAction, Query, Table, TableAlterStatement, TableCreateStatement,
    UpdateStatement,
};

use super::v1::{id, optional_text, owned, text, time};
use super::{Step, index};

pub(super) fn step() -> Step {
    Step {
        tables: vec![one_time_link()],
        columns: vec![
            add("user_account", text("name", 100).default("")),
            add("user_account", time("version").default(1)),
            add("session", &mut optional_text("address", 45)),
            add("session", &mut optional_text("user_agent", 200)),
            add("audit", &mut optional_text("actor_name", 100)),
        ],
        updates: vec![name_actors("user", "user_account", "login"), name_actors("token", "api_token", "name")],
        indexes: vec![
            index("one_time_link_by_expiry", "one_time_link", &["expires_at_ms"]),
            index("api_token_by_creator", "api_token", &["created_by"]),
        ],
        ..Step::default()
    }
}

/// One column more; SQLite takes one a statement.
pub(super) fn add(table: &'static str, column: &mut ColumnDef) -> TableAlterStatement {
    let mut statement = Table::alter();
    statement.table(table).add_column(column);
    statement
}

fn one_time_link() -> TableCreateStatement {
    let mut table = owned("one_time_link");
    table
        .col(id("user_id").unique_key())
        .col(text("purpose", 16))
        .col(text("secret", 64).unique_key())
        .col(time("created_at_ms"))
        .col(time("expires_at_ms"))
        .foreign_key(
            ForeignKey::create()
                .from("one_time_link", "user_id")
                .to("user_account", "id")
                .on_delete(ForeignKeyAction::Cascade),
        );
    table
}

/// Entries so far get the name that their actor has now.
fn name_actors(kind: &'static str, table: &'static str, name: &'static str) -> UpdateStatement {
    let mut names = Query::select();
    names.column(name).from(table).and_where(Expr::col((table, "id")).equals(("audit", "actor_id")));
    let mut update = Query::update();
    update.table("audit").value("actor_name", names).and_where(Expr::col("actor_kind").eq(kind));
    update
}
