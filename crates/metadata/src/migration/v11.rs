//! The eleventh form: people as a provider of OpenID Connect knows them.

use sea_orm::sea_query::{ForeignKey, ForeignKeyAction, TableCreateStatement};

use super::v1::{id, optional_text, owned, text, time};
use super::{Step, index};

pub(super) fn step() -> Step {
    let mut subjects = index("external_identity_by_subject", "external_identity", &["issuer", "subject"]);
    subjects.unique();
    let mut users = index("external_identity_by_user", "external_identity", &["user_id", "issuer"]);
    users.unique();
    Step { tables: vec![identity()], indexes: vec![subjects, users], ..Step::default() }
}

fn identity() -> TableCreateStatement {
    let mut table = owned("external_identity");
    table
        .col(id("user_id"))
        .col(text("issuer", 255))
        .col(text("subject", 255))
        .col(optional_text("email", 254))
        .col(time("created_at_ms"))
        .foreign_key(
            ForeignKey::create()
                .from("external_identity", "user_id")
                .to("user_account", "id")
                .on_delete(ForeignKeyAction::Cascade),
        );
    table
}
