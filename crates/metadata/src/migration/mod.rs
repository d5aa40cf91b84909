//! Brings the tables to the form that this version knows, one numbered step at a time, each in its own transaction.
//!
//! A step, once released, is never edited: what a later version needs is another step.

mod v1;
mod v10;
mod v11;
mod v12;
mod v13;
mod v14;
mod v15;
mod v16;
mod v2;
mod v3;
mod v4;
mod v5;
mod v6;
mod v7;
mod v8;
mod v9;

use sea_orm::sea_query::{
    Index, IndexCreateStatement, TableAlterStatement, TableCreateStatement, TableRenameStatement, UpdateStatement,
};
use sea_orm::{ConnectionTrait, DatabaseConnection, EntityTrait, QueryOrder, Set};

use crate::config::MetadataConfig;
use crate::engine::{begin, opening};
use crate::entity::schema_version;
use crate::error::MetadataError;

/// The newest version that this code knows.
const NEWEST: i32 = 16;

/// A step: other names of tables, new tables, new columns, what they are filled with, then indexes.
#[derive(Default)]
struct Step {
    renames: Vec<TableRenameStatement>,
    tables: Vec<TableCreateStatement>,
    columns: Vec<TableAlterStatement>,
    updates: Vec<UpdateStatement>,
    indexes: Vec<IndexCreateStatement>,
}

/// Applies what is missing.
pub(crate) async fn migrate(db: &DatabaseConnection, config: &MetadataConfig) -> Result<(), MetadataError> {
    let open = |source| opening(config, source);
    loop {
        // Asked anew in each transaction: of two servers that start at the same time, the second finds the work done.
        let transaction = begin(db).await.map_err(open)?;
        transaction.execute(&v1::versions()).await.map_err(open)?;
        let newest = schema_version::Entity::find()
            .order_by_desc(schema_version::Column::Version)
            .one(&transaction)
            .await
            .map_err(open)?
            .map_or(0, |row| row.version);
        if newest > NEWEST {
            return Err(MetadataError::TooNew { engine: config.engine.clone(), found: newest, known: NEWEST });
        }
        let step = match newest {
            0 => v1::step(),
            1 => v2::step(),
            2 => v3::step(),
            3 => v4::step(),
            4 => v5::step(),
            5 => v6::step(),
            6 => v7::step(),
            7 => v8::step(),
            8 => v9::step(),
            9 => v10::step(),
            10 => v11::step(),
            11 => v12::step(),
            12 => v13::step(),
            13 => v14::step(),
            14 => v15::step(),
            15 => v16::step(),
            _ => return transaction.commit().await.map_err(open),
        };
        for rename in &step.renames {
            transaction.execute(rename).await?;
        }
        for table in &step.tables {
            transaction.execute(table).await?;
        }
        for column in &step.columns {
            transaction.execute(column).await?;
        }
        for update in &step.updates {
            transaction.execute(update).await?;
        }
        for index in &step.indexes {
            transaction.execute(index).await?;
        }
        let row = schema_version::ActiveModel { version: Set(newest + 1), applied_at_ms: Set(config.clock.now_ms()) };
        schema_version::Entity::insert(row).exec_without_returning(&transaction).await?;
        transaction.commit().await?;
    }
}

/// An index over columns of a table.
fn index(name: &'static str, table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(table);
    for column in columns {
        index.col(*column);
    }
    index
}
