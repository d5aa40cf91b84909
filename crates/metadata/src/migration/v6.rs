//! The sixth form: templates of code that people submit, with their reviews and comments.

use sea_orm::sea_query::{ColumnDef, ForeignKey, ForeignKeyAction, TableCreateStatement};

use super::v1::{id, optional_text, optional_time, owned, text, time};
use super::{Step, index};

pub(super) fn step() -> Step {
    let mut numbers = index("template_submission_by_number", "template_submission", &["org_id", "template", "number"]);
    numbers.unique();
    Step {
        tables: vec![submission(), comment()],
        indexes: vec![
            numbers,
            index("template_submission_by_time", "template_submission", &["org_id", "submitted_at_ms", "id"]),
            index("template_comment_by_submission", "template_comment", &["submission_id", "at_ms", "id"]),
        ],
        ..Step::default()
    }
}

fn submission() -> TableCreateStatement {
    let mut table = owned("template_submission");
    table
        .col(text("template", 40))
        .col(ColumnDef::new("number").integer().not_null())
        .col(text("title", 100))
        .col(ColumnDef::new("definition").text().not_null())
        .col(text("status", 16))
        .col(ColumnDef::new("author_id").uuid().null())
        .col(optional_text("author_name", 64))
        .col(time("submitted_at_ms"))
        .col(optional_text("reviewer_name", 64))
        .col(optional_time("reviewed_at_ms"))
        .col(optional_text("reason", 2_000));
    table
}

fn comment() -> TableCreateStatement {
    let mut table = owned("template_comment");
    table
        .col(id("submission_id"))
        .col(optional_text("author_name", 64))
        .col(time("at_ms"))
        .col(text("body", 2_000))
        .foreign_key(
            ForeignKey::create()
                .from("template_comment", "submission_id")
                .to("template_submission", "id")
                .on_delete(ForeignKeyAction::Cascade),
        );
    table
}
