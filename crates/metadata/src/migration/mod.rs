//! Brings the tables to the form that this version knows, one numbered step at a time, each in its own transaction.
//!
//! A step, once released, is never edited: what a later version needs is another step.

mod v1;
mod v2;
mod v3;

use sea_orm::sea_query::{Index, IndexCreateStatement, TableAlterStatement, TableCreateStatement, UpdateStatement};
use sea_orm::{ConnectionTrait, DatabaseConnection, EntityTrait, QueryOrder, Set, TransactionTrait};

use crate::config::MetadataConfig;
use crate::entity::schema_version;
use crate::error::MetadataError;

/// The newest version that this code knows.
const NEWEST: i32 = 3;

/// A step: new tables, new columns, what they are filled with, then indexes.
#[derive(Default)]
struct Step {
    tables: Vec<TableCreateStatement>,
    columns: Vec<TableAlterStatement>,
    updates: Vec<UpdateStatement>,
    indexes: Vec<IndexCreateStatement>,
}

/// Applies what is missing.
pub(crate) async fn migrate(db: &DatabaseConnection, config: &MetadataConfig) -> Result<(), MetadataError> {
    let open = |source| MetadataError::opening(&config.path, source);
    db.execute(&v1::versions()).await.map_err(open)?;
    let newest = schema_version::Entity::find()
        .order_by_desc(schema_version::Column::Version)
        .one(db)
        .await
        .map_err(open)?
        .map_or(0, |row| row.version);
    if newest > NEWEST {
        return Err(MetadataError::TooNew { path: config.path.clone(), found: newest, known: NEWEST });
    }
    for version in newest + 1..=NEWEST {
        let step = match version {
            1 => v1::step(),
            2 => v2::step(),
            3 => v3::step(),
            _ => continue,
        };
        let transaction = db.begin().await?;
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
        let row = schema_version::ActiveModel { version: Set(version), applied_at_ms: Set(config.clock.now_ms()) };
        schema_version::Entity::insert(row).exec_without_returning(&transaction).await?;
        transaction.commit().await?;
    }
    Ok(())
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
