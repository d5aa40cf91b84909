//! The thirteenth form: types of devices are submitted for review as templates are.

use sea_orm::sea_query::{ColumnDef, Table, TableAlterStatement, TableRenameStatement};

use super::Step;
use super::v1::{optional_time, text};
use super::v2::add;

pub(super) fn step() -> Step {
    let mut base = ColumnDef::new("base");
    base.text().null();
    Step {
        renames: vec![rename("template_submission", "submission"), rename("template_comment", "submission_comment")],
        columns: vec![
            subject(),
            add("submission", text("kind", 16).default("template")),
            add("submission", &mut optional_time("base_version")),
            add("submission", &mut base),
        ],
        ..Step::default()
    }
}

fn rename(from: &'static str, to: &'static str) -> TableRenameStatement {
    let mut statement = Table::rename();
    statement.table(from, to);
    statement
}

/// Ids of templates begin with a letter and those of types with a digit, so that the two never share their numbers.
fn subject() -> TableAlterStatement {
    let mut statement = Table::alter();
    statement.table("submission").rename_column("template", "subject");
    statement
}
