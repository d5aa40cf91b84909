//! The first form: organisations, users, sessions, tokens, the set-up code and the audit table.

use sea_orm::sea_query::{ColumnDef, ForeignKey, ForeignKeyAction, Table, TableCreateStatement};

use super::{Step, index};

/// The table of versions itself, which must exist before anything else can be asked.
pub(super) fn versions() -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table("schema_version")
        .if_not_exists()
        .col(ColumnDef::new("version").integer().not_null().primary_key())
        .col(time("applied_at_ms"));
    table
}

pub(super) fn step() -> Step {
    Step {
        tables: vec![organisation(), user(), session(), api_token(), setup(), audit()],
        indexes: vec![
            index("user_account_by_org", "user_account", &["org_id"]),
            index("session_by_user", "session", &["user_id"]),
            index("session_by_previous", "session", &["previous"]),
            index("session_by_expiry", "session", &["expires_at_ms"]),
            index("api_token_by_org", "api_token", &["org_id"]),
            index("audit_by_org_and_time", "audit", &["org_id", "at_ms"]),
        ],
        ..Step::default()
    }
}

pub(super) fn id(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.uuid().not_null();
    column
}

pub(super) fn text(name: &'static str, length: u32) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.string_len(length).not_null();
    column
}

pub(super) fn optional_text(name: &'static str, length: u32) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.string_len(length).null();
    column
}

pub(super) fn truth(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.boolean().not_null();
    column
}

pub(super) fn time(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.big_integer().not_null();
    column
}

pub(super) fn optional_time(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.big_integer().null();
    column
}

/// A table whose rows belong to an organisation and go with it.
pub(super) fn owned(name: &'static str) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name).col(id("id").primary_key()).col(id("org_id")).foreign_key(
        ForeignKey::create().from(name, "org_id").to("organisation", "id").on_delete(ForeignKeyAction::Cascade),
    );
    table
}

fn organisation() -> TableCreateStatement {
    let mut table = Table::create();
    table.table("organisation").col(id("id").primary_key()).col(text("name", 100)).col(time("created_at_ms"));
    table
}

fn user() -> TableCreateStatement {
    let mut table = owned("user_account");
    table
        .col(text("login", 64))
        .col(text("login_key", 64).unique_key())
        .col(text("role", 16))
        .col(text("status", 16))
        .col(text("password", 255))
        .col(time("created_at_ms"));
    table
}

fn session() -> TableCreateStatement {
    let mut table = owned("session");
    table
        .col(id("user_id"))
        .col(text("secret", 64).unique_key())
        .col(optional_text("previous", 64))
        .col(time("previous_until_ms"))
        .col(time("rotated_at_ms"))
        .col(truth("confirmed"))
        .col(time("created_at_ms"))
        .col(time("last_seen_ms"))
        .col(time("expires_at_ms"))
        .foreign_key(
            ForeignKey::create()
                .from("session", "user_id")
                .to("user_account", "id")
                .on_delete(ForeignKeyAction::Cascade),
        );
    table
}

fn api_token() -> TableCreateStatement {
    let mut table = owned("api_token");
    table
        .col(text("name", 100))
        .col(text("secret", 64).unique_key())
        .col(text("hint", 16))
        .col(optional_text("database_name", 64))
        .col(truth("can_read"))
        .col(truth("can_write"))
        .col(text("role", 16))
        .col(ColumnDef::new("created_by").uuid().null())
        .col(optional_text("created_by_name", 64))
        .col(time("created_at_ms"))
        .col(optional_time("last_used_at_ms"))
        .col(optional_time("revoked_at_ms"));
    table
}

fn setup() -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table("setup")
        .col(ColumnDef::new("id").integer().not_null().primary_key())
        .col(text("code", 64))
        .col(time("created_at_ms"));
    table
}

fn audit() -> TableCreateStatement {
    let mut table = owned("audit");
    table
        .col(time("at_ms"))
        .col(text("actor_kind", 16))
        .col(ColumnDef::new("actor_id").uuid().null())
        .col(text("action", 32))
        .col(text("subject", 32))
        .col(text("subject_name", 255))
        .col(ColumnDef::new("before").text().null())
        .col(ColumnDef::new("after").text().null());
    table
}
