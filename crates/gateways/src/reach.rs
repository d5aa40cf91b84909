//! Where a principal's readings go, whatever protocol it speaks.

use sensorium_model::{Action, DatabaseName, DatabaseScope, Principal};

/// The database that a principal's readings go to: the only one that it has, or else the usual one.
pub(crate) fn database_of(principal: &Principal, usual: &DatabaseName) -> DatabaseName {
    match &principal.databases {
        DatabaseScope::One(only) => only.clone(),
        DatabaseScope::All => usual.clone(),
    }
}

/// Whether a principal may write readings there, its own or those of devices that they name.
pub(crate) fn may_write(principal: &Principal, database: &DatabaseName) -> bool {
    principal.allows(match principal.for_devices {
        true => Action::WriteForDevices(database),
        false => Action::Write(database),
    })
}
