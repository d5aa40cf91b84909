//! Carries statements out: those that ask go to the engine, those that change something go over the same ways as the REST
//! addresses, with the same checks and the same record of changes.

mod continuous;
mod databases;
mod deletion;
mod into;
mod users;

use std::net::IpAddr;
use std::sync::Arc;

use sensorium_model::{Action, DatabaseKey, DatabaseName};
use sensorium_protocols::influxql::Statement;
use sensorium_query::Asker;
use sensorium_query::influxql::{Cell, InfluxqlRequest, Series, SeriesStream};

use crate::auth::Caller;
use crate::error::{ApiError, ApiResult};
use crate::routes::queries;
use crate::state::AppState;

/// Who asks for a change, and of what.
pub(super) struct Changing<'a> {
    pub(super) state: &'a AppState,
    pub(super) caller: &'a Caller,
    pub(super) peer: IpAddr,
    /// The database of the request.
    pub(super) database: Option<&'a DatabaseName>,
    /// As it was written.
    pub(super) database_text: &'a str,
    /// What `now()` means.
    pub(super) now_ns: i64,
    /// Rows of a chunk.
    pub(super) chunk: Option<usize>,
}

/// What came of a statement.
pub(super) enum Done {
    /// Nothing to tell.
    Nothing,
    /// Nothing but a remark.
    Warning(String),
    /// Rows that are here.
    Series(Vec<Series>),
    /// Rows that come.
    Stream(SeriesStream),
}

impl Changing<'_> {
    /// The database of the request, which exists.
    fn database(&self) -> Result<DatabaseKey, String> {
        match self.database_text {
            "" => Err("database name required".to_owned()),
            named => self.named(named),
        }
    }

    /// A database that exists.
    fn named(&self, name: &str) -> Result<DatabaseKey, String> {
        let unknown = || format!("database not found: {name}");
        let key = DatabaseKey::new(self.caller.0.org, DatabaseName::new(name).map_err(|_| unknown())?);
        if self.state.store.schema(&key).is_some() { Ok(key) } else { Err(unknown()) }
    }

    /// Asks the engine.
    async fn ask(&self, statement: &Statement) -> Result<SeriesStream, String> {
        let principal = &self.caller.0;
        let manages_queries = principal.allows(Action::ManageQueries);
        let names = match statement {
            Statement::ShowQueries if manages_queries => {
                let running = self.state.query.queries(principal.org);
                queries::names(self.state, principal, &running).await.map_err(|error| told(&error))?
            }
            _ => Default::default(),
        };
        // A name that breaks the rules cannot exist.
        if self.database.is_none() && !self.database_text.is_empty() {
            return Err(format!("database not found: {}", self.database_text));
        }
        let request = InfluxqlRequest {
            org: principal.org,
            database: self.database.cloned(),
            scope: principal.databases.clone(),
            asker: Asker { subject: principal.subject, manages_queries, names },
            now_ns: self.now_ns,
            chunk: self.chunk,
        };
        self.state.query.influxql(request, statement).await.map_err(|error| error.to_string())
    }
}

/// Carries a statement out that the caller may; an error is a sentence.
pub(super) async fn carry_out(changing: &Changing<'_>, statement: &Statement) -> Result<Done, String> {
    match statement {
        Statement::Select(select) => match &select.target {
            Some(target) => into::select(changing, select, target).await,
            None => changing.ask(statement).await.map(Done::Stream),
        },
        Statement::CreateDatabase(create) => databases::create(changing, create).await,
        Statement::DropDatabase { name } => databases::drop_database(changing, name),
        Statement::CreateRetentionPolicy(create) => databases::create_policy(changing, create).await,
        Statement::AlterRetentionPolicy(alter) => databases::alter_policy(changing, alter).await,
        Statement::DropRetentionPolicy { name, database } => databases::drop_policy(changing, name, database),
        Statement::DropMeasurement { name } => deletion::drop_measurement(changing, name).await,
        Statement::DropSeries(deletion) => deletion::delete(changing, deletion, true).await,
        Statement::Delete(deletion) => deletion::delete(changing, deletion, false).await,
        Statement::CreateContinuousQuery(create) => continuous::create(changing, create).await,
        Statement::DropContinuousQuery { name, database } => continuous::drop_query(changing, name, database).await,
        Statement::ShowContinuousQueries => continuous::show(changing).await,
        Statement::ShowUsers => users::show(changing).await,
        Statement::ShowGrants { user } => users::grants(changing, user).await,
        Statement::DropUser { name } => users::drop_user(changing, name).await,
        Statement::CreateUser { .. } | Statement::SetPassword { .. } | Statement::Grant(_) | Statement::Revoke(_) => {
            Err(users::REFUSED.to_owned())
        }
        Statement::ShowSubscriptions => Ok(Done::Nothing),
        Statement::CreateSubscription(_) => {
            Err("there are no subscriptions; watch readings as they arrive with /api/v1/live, or over MQTT".to_owned())
        }
        Statement::DropSubscription { .. } => Err("subscription not found".to_owned()),
        Statement::DropShard { .. } => Err("there are no shards; delete a span of time with DELETE".to_owned()),
        Statement::KillQuery { id, .. } => kill(changing, *id).await,
        _ => changing.ask(statement).await.map(Done::Stream),
    }
}

async fn kill(changing: &Changing<'_>, number: u64) -> Result<Done, String> {
    let principal = &changing.caller.0;
    let running = changing.state.query.queries(principal.org);
    let found = running.iter().find(|query| query.id.number() == number);
    let found = found.filter(|query| changing.state.query.kill(principal.org, query.id));
    let query = found.ok_or_else(|| format!("no such query id: {number}"))?;
    queries::record_end(changing.state, principal, query.id).await.map_err(|error| told(&error))?;
    Ok(Done::Nothing)
}

/// Rows under these columns.
fn table(name: &str, columns: &[&str], rows: Vec<Vec<Cell>>) -> Series {
    Series {
        name: name.into(),
        tags: Vec::new(),
        columns: columns.iter().map(|column| Arc::from(*column)).collect(),
        rows,
        is_partial: false,
    }
}

/// An error of another part as a sentence.
fn told(error: &ApiError) -> String {
    error.message().to_owned()
}

/// What another part did, for a statement.
fn done<T>(result: ApiResult<T>) -> Result<Done, String> {
    result.map(|_| Done::Nothing).map_err(|error| told(&error))
}
