//! The third form: second factors with their recovery codes, and Wi-Fi networks.

use sea_orm::sea_query::{ColumnDef, ForeignKey, ForeignKeyAction, ForeignKeyCreateStatement, TableCreateStatement};

use super::v1::{id, optional_text, owned, text, time};
use super::{Step, index};

pub(super) fn step() -> Step {
    let mut names = index("wifi_network_by_name", "wifi_network", &["org_id", "name"]);
    names.unique();
    Step {
        tables: vec![second_factor(), recovery_code(), wifi_network()],
        indexes: vec![names, index("recovery_code_by_user", "recovery_code", &["user_id"])],
        ..Step::default()
    }
}

fn of_user(table: &'static str) -> ForeignKeyCreateStatement {
    let mut key = ForeignKey::create();
    key.from(table, "user_id").to("user_account", "id").on_delete(ForeignKeyAction::Cascade);
    key
}

fn second_factor() -> TableCreateStatement {
    let mut table = owned("second_factor");
    table
        .col(id("user_id").unique_key())
        .col(text("secret", 255))
        .col(time("created_at_ms"))
        .col(ColumnDef::new("confirmed_at_ms").big_integer().null())
        .col(time("last_step"))
        .foreign_key(&mut of_user("second_factor"));
    table
}

fn recovery_code() -> TableCreateStatement {
    let mut table = owned("recovery_code");
    table.col(id("user_id")).col(text("secret", 64)).foreign_key(&mut of_user("recovery_code"));
    table
}

fn wifi_network() -> TableCreateStatement {
    let mut table = owned("wifi_network");
    table
        .col(text("name", 100))
        .col(text("ssid", 32))
        .col(optional_text("password", 255))
        .col(time("created_at_ms"))
        .col(time("version"));
    table
}
