//! The fifteenth form: pre-shared keys and client certificates of devices.

use sea_orm::sea_query::{
    ColumnDef, ConditionalStatement, Expr, ExprTrait, ForeignKey, ForeignKeyAction, TableCreateStatement,
};

use super::v1::{id, optional_text, optional_time, owned, text, time};
use super::{Step, index};

pub(super) fn step() -> Step {
    // What is revoked frees its identity.
    let mut identities = index("device_credential_by_identity", "device_credential", &["kind", "identity"]);
    identities.unique().and_where(Expr::col("revoked_at_ms").is_null());
    Step {
        tables: vec![credential()],
        indexes: vec![identities, index("device_credential_by_device", "device_credential", &["device_id", "kind"])],
        ..Step::default()
    }
}

fn credential() -> TableCreateStatement {
    let mut secret = ColumnDef::new("secret");
    secret.text().null();
    let mut table = owned("device_credential");
    table
        .col(id("device_id"))
        .col(text("kind", 8))
        .col(text("identity", 128))
        .col(secret)
        .col(optional_text("subject", 256))
        .col(optional_time("not_after_ms"))
        .col(text("label", 100))
        .col(time("created_at_ms"))
        .col(optional_text("created_by_name", 64))
        .col(optional_time("expires_at_ms"))
        .col(optional_time("last_used_at_ms"))
        .col(optional_time("revoked_at_ms"))
        .foreign_key(
            ForeignKey::create()
                .from("device_credential", "device_id")
                .to("device", "id")
                .on_delete(ForeignKeyAction::Cascade),
        );
    table
}
