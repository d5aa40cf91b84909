//! The extended protocol: statements are prepared, bound to values, described, and executed a part at a time.

use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::data::{NoData, ParameterDescription};
use pgwire::messages::extendedquery::{BindComplete, CloseComplete, ParseComplete, PortalSuspended};
use pgwire::messages::response::EmptyQueryResponse;

use super::{Session, no_such_statement};
use crate::failure::{Failure, code};
use crate::frontend::{Bind, Message, Target};
use crate::portal::{Portal, Prepared};
use crate::scan;
use crate::statement::Statement;
use crate::values;
use crate::wire::Gone;

/// Messages whose statements and parameters a connection may keep, of the largest size each.
const KEPT_MESSAGES: usize = 16;

impl Session {
    /// Answers a message of the extended protocol.
    pub(super) async fn extended(&mut self, message: Message) -> Result<(), Gone> {
        match message {
            Message::Parse { name, sql, types } => Ok(self.parse(name, sql, types)?),
            Message::Bind(bind) => self.bind(bind).await,
            Message::Describe(Target::Statement, name) => self.describe_statement(&name).await,
            Message::Describe(Target::Portal, name) => self.describe_portal(&name).await,
            Message::Execute { portal, rows } => self.execute(&portal, rows).await,
            Message::Close(target, name) => {
                match target {
                    Target::Statement => drop(self.statements.remove(&name)),
                    Target::Portal => drop(self.portals.remove(&name)),
                }
                Ok(self.wire.put(&PgWireBackendMessage::CloseComplete(CloseComplete::new()))?)
            }
            // The others are answered before.
            _ => Ok(()),
        }
    }

    fn parse(&mut self, name: String, text: String, types: Vec<u32>) -> Result<(), Failure> {
        let pieces = scan::statements(&text);
        if pieces.len() > 1 {
            let sentence = format!("A prepared statement is one statement; this text holds {}.", pieces.len());
            return Err(Failure::new(code::SYNTAX, sentence));
        }
        let begins = pieces.first().map_or(0, |piece| piece.begins);
        let statement = pieces.first().map(|piece| Statement::read(piece.text)).transpose()?;
        if let Some(statement) = &statement {
            self.must_not_have_failed(statement)?;
        }
        if !name.is_empty() && self.statements.contains_key(&name) {
            return Err(Failure::new("42P05", format!("There is a prepared statement {name:?} already.")));
        }
        if name.is_empty() {
            // The next one takes the place of that without a name.
            self.statements.remove("");
        }
        self.must_have_room(self.statements.len(), "prepared statements", text.len())?;
        self.statements.insert(name, Prepared { text, begins, statement, types, described: None });
        self.wire.put(&PgWireBackendMessage::ParseComplete(ParseComplete::new()))
    }

    /// Fails if there are as many statements or portals as may be, or no room for the bytes of one more.
    fn must_have_room(&self, count: usize, what: &str, bytes: usize) -> Result<(), Failure> {
        let limit = self.shared.config.statements;
        if count >= limit {
            let sentence = format!("The connection has {limit} {what}, as many as postgres.statements allows.");
            return Err(Failure::new(code::LIMIT, sentence));
        }
        let statements = self.statements.values().map(|prepared| prepared.text.len());
        let kept: usize = statements.chain(self.portals.values().map(|portal| portal.bytes)).sum();
        if kept.saturating_add(bytes) > self.shared.config.message_bytes.saturating_mul(KEPT_MESSAGES) {
            let sentence = format!(
                "The connection keeps {kept} bytes of statements and parameters; {KEPT_MESSAGES} times postgres.message_bytes is the \
                 most. Close some."
            );
            return Err(Failure::new(code::LIMIT, sentence));
        }
        Ok(())
    }

    /// Takes a statement and asks the query engine about it, if it is a question and nobody has asked.
    async fn described(&mut self, name: &str) -> Result<(), Gone> {
        let prepared = self.statements.get(name).ok_or_else(|| no_such_statement(name))?;
        let Some(Statement::Query(sql)) = prepared.statement.clone().filter(|_| prepared.described.is_none()) else {
            return Ok(());
        };
        let (text, begins) = (prepared.text.clone(), prepared.begins);
        self.look_again().await?;
        let described = self.ask_description(&sql, (&text, begins)).await?;
        if let Some(prepared) = self.statements.get_mut(name) {
            prepared.described = Some(described);
        }
        Ok(())
    }

    async fn bind(&mut self, bind: Bind) -> Result<(), Gone> {
        let prepared = self.statements.get(&bind.statement).ok_or_else(|| no_such_statement(&bind.statement))?;
        if prepared.needs_types(&bind) {
            self.described(&bind.statement).await?;
        }
        let prepared = self.statements.get(&bind.statement).ok_or_else(|| no_such_statement(&bind.statement))?;
        let portal = Portal {
            text: prepared.text.clone(),
            begins: prepared.begins,
            statement: prepared.statement.clone(),
            parameters: prepared.values(&bind)?,
            bytes: prepared.text.len() + bind.values.iter().flatten().map(|value| value.len()).sum::<usize>(),
            formats: bind.results,
            answer: None,
        };
        if !bind.portal.is_empty() && self.portals.contains_key(&bind.portal) {
            return Err(Failure::new("42P03", format!("There is a portal {:?} already.", bind.portal)).into());
        }
        if bind.portal.is_empty() {
            self.portals.remove("");
        }
        self.must_have_room(self.portals.len(), "portals", portal.bytes)?;
        self.portals.insert(bind.portal, portal);
        Ok(self.wire.put(&PgWireBackendMessage::BindComplete(BindComplete::new()))?)
    }

    async fn describe_statement(&mut self, name: &str) -> Result<(), Gone> {
        self.described(name).await?;
        let prepared = self.statements.get(name).ok_or_else(|| no_such_statement(name))?;
        let types = ParameterDescription::new(prepared.parameter_types());
        let columns = match &prepared.described {
            Some(described) => PgWireBackendMessage::RowDescription(values::description(&described.columns, &[])),
            None => PgWireBackendMessage::NoData(NoData::new()),
        };
        self.wire.put(&PgWireBackendMessage::ParameterDescription(types))?;
        Ok(self.wire.put(&columns)?)
    }

    /// The portal of a name, with its rows on their way if it is a question. It is put back by whoever takes it.
    async fn started(&mut self, name: &str) -> Result<Portal, Gone> {
        let mut portal = self
            .portals
            .remove(name)
            .ok_or_else(|| Failure::new(code::NO_SUCH_PORTAL, format!("There is no portal {name:?}.")))?;
        if let Some(statement) = &portal.statement {
            self.must_not_have_failed(statement)?;
        }
        let is_new = portal.answer.is_none();
        if let Some(Statement::Query(sql)) = &portal.statement
            && is_new
        {
            self.look_again().await?;
            let parameters = portal.parameters.clone();
            portal.answer = Some(self.open(sql, parameters, (&portal.text, portal.begins)).await?);
        }
        Ok(portal)
    }

    async fn describe_portal(&mut self, name: &str) -> Result<(), Gone> {
        let portal = self.started(name).await?;
        let columns = match &portal.answer {
            Some(answer) => {
                let description = values::description(&answer.stream.schema(), &portal.formats);
                PgWireBackendMessage::RowDescription(description)
            }
            None => PgWireBackendMessage::NoData(NoData::new()),
        };
        self.wire.put(&columns)?;
        self.portals.insert(name.to_owned(), portal);
        Ok(())
    }

    async fn execute(&mut self, name: &str, at_most: u32) -> Result<(), Gone> {
        let mut portal = self.started(name).await?;
        match (&portal.statement, &mut portal.answer) {
            (Some(_), Some(answer)) => {
                let sent = self.send(answer, &portal.formats, at_most, (&portal.text, portal.begins)).await?;
                match sent.is_suspended {
                    true => self.wire.put(&PgWireBackendMessage::PortalSuspended(PortalSuspended::new()))?,
                    false => self.complete(format!("SELECT {}", sent.rows))?,
                }
            }
            (Some(statement), None) => self.acknowledge(statement)?,
            (None, _) => self.wire.put(&PgWireBackendMessage::EmptyQueryResponse(EmptyQueryResponse::new()))?,
        }
        self.portals.insert(name.to_owned(), portal);
        Ok(())
    }
}
