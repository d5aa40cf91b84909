//! A copy of the metadata, for a backup.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::config::MetadataConfig;
use crate::engine::{Engine, connect};
use crate::error::MetadataError;
use crate::metadata::Metadata;

impl Metadata {
    /// Copies the file as it is at this moment, also while another process uses it; false if there is none, as on PostgreSQL. The
    /// copy must not exist, and is readable by its owner only.
    pub async fn copy(config: &MetadataConfig, to: &Path) -> Result<bool, MetadataError> {
        if !matches!(&config.engine, Engine::File(path) if path.exists()) {
            return Ok(false);
        }
        // SQLite fills an empty file, and leaves the rights that it has.
        let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
        created.map_err(|source| MetadataError::Create { path: to.to_owned(), source })?;
        let db = connect(config).await?;
        let to = to.to_string_lossy().into_owned();
        let copied =
            db.execute_raw(Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO ?", [to.into()])).await;
        db.close().await?;
        copied?;
        Ok(true)
    }
}
