//! Databases and their retention policies. A database has one policy, `autogen`: for how long it keeps readings.

use std::time::Duration;

use sensorium_model::{Action, DatabaseKey, DatabaseName};
use sensorium_protocols::influxql::changes::{AlterRetentionPolicy, CreateDatabase, CreateRetentionPolicy};

use super::{Changing, Done, done, told};
use crate::routes::{databases, keeping};

/// The policy of every database.
const POLICY: &str = "autogen";
const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// Creates a database. For one that exists nothing is read but memory: clients send this before every write.
pub(super) async fn create(changing: &Changing<'_>, create: &CreateDatabase) -> Result<Done, String> {
    let name = DatabaseName::new(&create.name).map_err(|error| error.to_string())?;
    let key = DatabaseKey::new(changing.caller.0.org, name);
    let wanted = create.policy.as_ref().and_then(|policy| policy.duration_ns);
    let exists = changing.state.store.schema(&key).is_some();
    if wanted.is_some() && !exists && !changing.caller.0.allows(Action::ManageDatabase(&key.name)) {
        return Err("a duration needs an administrator of the organisation; leave WITH out".to_owned());
    }
    let created =
        !exists && databases::create(changing.state, changing.caller, &key.name).await.map_err(|error| told(&error))?;
    let Some(wanted) = wanted else { return Ok(Done::Nothing) };
    let wanted = seconds(wanted)?;
    let kept = changing.state.store.retention(&key, None).map(|keep| keep.as_secs());
    match (wanted == kept, created) {
        (true, _) => Ok(Done::Nothing),
        (false, true) => keep(changing, &key, wanted).await,
        (false, false) => Err("retention policy conflicts with an existing policy".to_owned()),
    }
}

pub(super) fn drop_database(changing: &Changing<'_>, name: &str) -> Result<Done, String> {
    match changing.named(name) {
        Err(_) => Ok(Done::Nothing),
        Ok(_) => {
            Err("a database stays once it is made; empty it with DROP SERIES FROM /.*/, or have it forget with ALTER \
                      RETENTION POLICY autogen"
                .to_owned())
        }
    }
}

/// Sets the policy of a database to one that is to be its default.
pub(super) async fn create_policy(changing: &Changing<'_>, create: &CreateRetentionPolicy) -> Result<Done, String> {
    let key = changing.named(&create.database)?;
    if !create.is_default && create.name != POLICY {
        return Err("a database has one retention policy, autogen; add DEFAULT to set for how long it keeps readings, and keep \
                    means for longer with a rollup"
            .to_owned());
    }
    let done = keep(changing, &key, seconds(create.duration_ns)?).await?;
    Ok(if create.name == POLICY { done } else { Done::Warning("the retention policy is called autogen".to_owned()) })
}

pub(super) async fn alter_policy(changing: &Changing<'_>, alter: &AlterRetentionPolicy) -> Result<Done, String> {
    let key = changing.named(&alter.database)?;
    if alter.name != POLICY {
        return Err(format!("retention policy not found: {}", alter.name));
    }
    match alter.duration_ns {
        Some(duration) => keep(changing, &key, seconds(duration)?).await,
        // Replication and shards are nothing that is set here.
        None => Ok(Done::Nothing),
    }
}

pub(super) fn drop_policy(changing: &Changing<'_>, name: &str, database: &str) -> Result<Done, String> {
    changing.named(database)?;
    if name != POLICY {
        return Ok(Done::Nothing);
    }
    Err("a database has one retention policy; ALTER RETENTION POLICY autogen … DURATION INF keeps readings for ever"
        .to_owned())
}

async fn keep(changing: &Changing<'_>, key: &DatabaseKey, seconds: Option<u64>) -> Result<Done, String> {
    let managed = keeping::managed(changing.state, changing.caller, key.name.as_str());
    let (key, _) = managed.map_err(|error| told(&error))?;
    done(keeping::set(changing.state, changing.caller, key, None, seconds).await)
}

/// A duration in seconds; none is for ever.
fn seconds(duration_ns: i64) -> Result<Option<u64>, String> {
    let keep = Duration::from_secs(u64::try_from(duration_ns / NANOS_PER_SECOND).unwrap_or_default());
    match (duration_ns, keep.as_secs()) {
        (0, _) => Ok(None),
        (_, seconds) if seconds < keeping::LEAST_SECONDS => {
            Err(format!("retention policy duration must be at least {} s", keeping::LEAST_SECONDS))
        }
        (_, seconds) => Ok(Some(seconds)),
    }
}
