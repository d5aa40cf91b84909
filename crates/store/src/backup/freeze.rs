//! A moment of the store, held still while it is copied.

use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::error::WriteError;
use crate::folder::sync_parent;
use crate::store::Store;

/// How the folders of held moments begin, below `tmp/`.
const PREFIX: &str = "frozen-";

/// A folder in which the files of a moment stay as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// Names it to [`Store::thaw`].
    pub id: Uuid,
    /// Its folder, below that of the store.
    pub folder: PathBuf,
}

impl Store {
    /// Links all data files that there are now into a folder of its own, where merging and retention do not reach it; the
    /// rows in memory are not in it, so flush before. Blocks for as long as the links take; writers and readers go on.
    ///
    /// There is one at a time: an older one ends with this, so that one that nobody ended does not keep files for ever.
    pub fn freeze(&self) -> Result<Frozen, WriteError> {
        let failed = |source| WriteError::io("link the files for a backup", source);
        let shared = &self.shared;
        shared.check_open()?;
        // While it is held, no file of the manifest is replaced.
        let manifest = shared.manifest.lock();
        remove_all(&shared.layout.scratch, |_| true).map_err(failed)?;
        let id = Uuid::now_v7();
        let folder = folder(&shared.layout.scratch, id);
        let state = manifest.state();
        for file in state.tables.values().flat_map(|table| &table.files) {
            let link = folder.join(&file.path);
            std::fs::create_dir_all(link.parent().unwrap_or(&folder)).map_err(failed)?;
            std::fs::hard_link(shared.layout.root.join(&file.path), link).map_err(failed)?;
        }
        let copy = folder.join("manifest");
        std::fs::create_dir_all(&copy).map_err(failed)?;
        manifest.write_copy(&copy).map_err(failed)?;
        sync_parent(&copy).map_err(failed)?;
        Ok(Frozen { id, folder })
    }

    /// Lets go of a moment; false if it is not held any more.
    pub fn thaw(&self, id: Uuid) -> Result<bool, WriteError> {
        let scratch = &self.shared.layout.scratch;
        let wanted = folder(scratch, id);
        let removed = remove_all(scratch, |path| path == wanted);
        removed.map_err(|source| WriteError::io("remove the links of a backup", source))
    }
}

fn folder(scratch: &Path, id: Uuid) -> PathBuf {
    scratch.join(format!("{PREFIX}{id}"))
}

/// Removes held moments; true if there were any.
fn remove_all(scratch: &Path, wanted: impl Fn(&Path) -> bool) -> io::Result<bool> {
    let mut removed = false;
    for entry in std::fs::read_dir(scratch)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) && wanted(&entry.path()) {
            std::fs::remove_dir_all(entry.path())?;
            removed = true;
        }
    }
    Ok(removed)
}
