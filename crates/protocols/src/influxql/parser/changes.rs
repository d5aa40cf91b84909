//! Statements that change something.

use super::super::ast::{BinaryOperator, Expr, Select, Statement};
use super::super::changes::{
    AlterRetentionPolicy, CreateContinuousQuery, CreateDatabase, CreateRetentionPolicy, CreateSubscription, Deletion,
    Grant, NewPolicy, Privilege,
};
use super::super::display::Duration;
use super::super::error::ParseError;
use super::super::lexer::Scanned;
use super::super::token::{Keyword, Token};
use super::select::Target;
use super::{Parser, START};

impl Parser<'_> {
    /// A `CREATE`, behind that word.
    pub(super) fn create(&mut self) -> Result<Statement, ParseError> {
        let next = self.next();
        match next.token {
            Token::Word(Keyword::Continuous) => {
                self.expect_words(&[Keyword::Query])?;
                self.create_continuous_query()
            }
            Token::Word(Keyword::Database) => self.create_database(),
            Token::Word(Keyword::User) => self.create_user(),
            Token::Word(Keyword::Retention) => {
                self.expect_words(&[Keyword::Policy])?;
                self.create_retention_policy()
            }
            Token::Word(Keyword::Subscription) => self.create_subscription(),
            _ => Err(self.found(&next, &["CONTINUOUS", "DATABASE", "USER", "RETENTION", "SUBSCRIPTION"])),
        }
    }

    /// A `DROP`, behind that word.
    pub(super) fn drop(&mut self) -> Result<Statement, ParseError> {
        let next = self.next();
        match next.token {
            Token::Word(Keyword::Continuous) => {
                self.expect_words(&[Keyword::Query])?;
                Ok(Statement::DropContinuousQuery { name: self.identifier()?, database: self.on_database()? })
            }
            Token::Word(Keyword::Database) => Ok(Statement::DropDatabase { name: self.identifier()? }),
            Token::Word(Keyword::Measurement) => Ok(Statement::DropMeasurement { name: self.identifier()? }),
            Token::Word(Keyword::Retention) => {
                self.expect_words(&[Keyword::Policy])?;
                Ok(Statement::DropRetentionPolicy { name: self.identifier()?, database: self.on_database()? })
            }
            Token::Word(Keyword::Series) => Ok(Statement::DropSeries(Box::new(self.deletion()?))),
            Token::Word(Keyword::Shard) => Ok(Statement::DropShard { id: self.id()? }),
            Token::Word(Keyword::Subscription) => {
                let (name, database, retention_policy) = self.subscription()?;
                Ok(Statement::DropSubscription { name, database, retention_policy })
            }
            Token::Word(Keyword::User) => Ok(Statement::DropUser { name: self.identifier()? }),
            _ => Err(self.found(
                &next,
                &["CONTINUOUS", "DATABASE", "MEASUREMENT", "RETENTION", "SERIES", "SHARD", "SUBSCRIPTION", "USER"],
            )),
        }
    }

    /// `[FROM …] [WHERE …]` of `DELETE` and `DROP SERIES`.
    pub(super) fn deletion(&mut self) -> Result<Deletion, ParseError> {
        let next = self.look();
        let sources = self.optional_measurements()?;
        if sources.iter().any(|source| source.retention_policy.is_some()) {
            return Err(ParseError::at(START, "retention policy not supported"));
        }
        if sources.iter().any(|source| source.database.is_some()) {
            return Err(ParseError::at(START, "database not supported"));
        }
        let condition = self.optional_condition()?;
        if sources.is_empty() && condition.is_none() {
            return Err(self.found(&next, &["FROM", "WHERE"]));
        }
        Ok(Deletion { sources, condition })
    }

    fn create_database(&mut self) -> Result<Statement, ParseError> {
        let name = self.identifier()?;
        if !self.take_word(Keyword::With) {
            return Ok(Statement::CreateDatabase(Box::new(CreateDatabase { name, policy: None })));
        }
        let next = self.look();
        let begins = [Keyword::Duration, Keyword::Name, Keyword::Replication, Keyword::Shard];
        if !begins.iter().any(|word| next.token == Token::Word(*word)) {
            return Err(self.found(&next, &["DURATION", "NAME", "REPLICATION", "SHARD"]));
        }
        let mut policy = NewPolicy::default();
        if self.take_word(Keyword::Duration) {
            policy.duration_ns = Some(self.duration_or_inf()?);
        }
        if self.take_word(Keyword::Replication) {
            policy.replication = Some(self.replication()?);
        }
        if self.take_word(Keyword::Shard) {
            self.expect_words(&[Keyword::Duration])?;
            policy.shard_duration_ns = Some(self.duration_or_inf()?);
        }
        if self.take_word(Keyword::Name) {
            policy.name = Some(self.identifier()?);
        }
        Ok(Statement::CreateDatabase(Box::new(CreateDatabase { name, policy: Some(policy) })))
    }

    fn create_retention_policy(&mut self) -> Result<Statement, ParseError> {
        let name = self.identifier()?;
        let database = self.on_database()?;
        self.expect_words(&[Keyword::Duration])?;
        let duration_ns = self.duration_or_inf()?;
        self.expect_words(&[Keyword::Replication])?;
        let replication = self.replication()?;
        let shard_duration_ns = if self.take_word(Keyword::Shard) { Some(self.shard_duration()?) } else { None };
        let is_default = self.take_word(Keyword::Default);
        Ok(Statement::CreateRetentionPolicy(Box::new(CreateRetentionPolicy {
            name,
            database,
            duration_ns,
            replication,
            shard_duration_ns,
            is_default,
        })))
    }

    /// `ALTER RETENTION POLICY`, behind these words.
    pub(super) fn alter_retention_policy(&mut self) -> Result<Statement, ParseError> {
        let name = if self.take_word(Keyword::Default) { "default".to_owned() } else { self.identifier()? };
        let database = self.on_database()?;
        let mut policy = AlterRetentionPolicy {
            name,
            database,
            duration_ns: None,
            replication: None,
            shard_duration_ns: None,
            is_default: false,
        };
        loop {
            let before = self.lexer.offset();
            let next = self.next();
            let is_repeated = match next.token {
                Token::Word(Keyword::Duration) => policy.duration_ns.is_some(),
                Token::Word(Keyword::Replication) => policy.replication.is_some(),
                Token::Word(Keyword::Shard) => policy.shard_duration_ns.is_some(),
                Token::Word(Keyword::Default) => policy.is_default,
                _ => false,
            };
            if is_repeated {
                return Err(self.wrong(&next, format!("found duplicate {} option", next.token.as_str())));
            }
            match next.token {
                Token::Word(Keyword::Duration) => policy.duration_ns = Some(self.duration_or_inf()?),
                Token::Word(Keyword::Replication) => policy.replication = Some(self.replication()?),
                Token::Word(Keyword::Shard) => policy.shard_duration_ns = Some(self.shard_duration()?),
                Token::Word(Keyword::Default) => policy.is_default = true,
                _ => {
                    let AlterRetentionPolicy { duration_ns, replication, shard_duration_ns, is_default, .. } = &policy;
                    if duration_ns.or(*shard_duration_ns).is_none() && replication.is_none() && !is_default {
                        return Err(self.found(&next, &["DURATION", "REPLICATION", "SHARD", "DEFAULT"]));
                    }
                    self.lexer.go_back(before);
                    return Ok(Statement::AlterRetentionPolicy(Box::new(policy)));
                }
            }
        }
    }

    fn create_continuous_query(&mut self) -> Result<Statement, ParseError> {
        let name = self.identifier()?;
        let database = self.on_database()?;
        let (resample_every_ns, resample_for_ns) =
            if self.take_word(Keyword::Resample) { self.resample()? } else { (None, None) };
        self.expect_words(&[Keyword::Begin, Keyword::Select])?;
        let start = self.lexer.offset();
        let select = self.select(Target::Required)?;
        let interval = group_by_interval(&select);
        if !is_raw(&select) && !matches!(interval, Ok(1..)) {
            let mut expected = vec!["GROUP BY time(...)"];
            expected.extend(interval.err());
            return Err(self.last_since(start).map_or_else(
                || ParseError::at(START, "expected GROUP BY time(...)"),
                |last| self.found(&last, &expected),
            ));
        }
        let next = self.next();
        if next.token != Token::Word(Keyword::End) {
            return Err(self.found(&next, &["END"]));
        }
        let interval = interval.map_err(ParseError::new)?.max(resample_every_ns.unwrap_or(0));
        match resample_for_ns {
            Some(length) if interval > length => Err(ParseError::new(format!(
                "FOR duration must be >= GROUP BY time duration: must be a minimum of {}, got {}",
                Duration(interval),
                Duration(length)
            ))),
            _ => Ok(Statement::CreateContinuousQuery(Box::new(CreateContinuousQuery {
                name,
                database,
                resample_every_ns,
                resample_for_ns,
                select,
            }))),
        }
    }

    /// The last token that was taken since then.
    fn last_since(&self, start: usize) -> Option<Scanned<'_>> {
        let end = self.lexer.offset();
        let mut lexer = self.lexer.clone();
        lexer.go_back(start);
        let mut last = None;
        while lexer.offset() < end {
            let next = lexer.scan();
            if !matches!(next.token, Token::Space | Token::Comment) {
                last = Some(next);
            }
        }
        last
    }

    fn resample(&mut self) -> Result<(Option<i64>, Option<i64>), ParseError> {
        let every = if self.take_word(Keyword::Every) { Some(self.duration()?) } else { None };
        let length = if self.take_word(Keyword::For) { Some(self.duration()?) } else { None };
        let (every, length) = (every.filter(|every| *every != 0), length.filter(|length| *length != 0));
        if every.is_none() && length.is_none() {
            let next = self.next();
            return Err(self.found(&next, &["EVERY", "FOR"]));
        }
        Ok((every, length))
    }

    fn create_user(&mut self) -> Result<Statement, ParseError> {
        let name = self.identifier()?;
        self.expect_words(&[Keyword::With, Keyword::Password])?;
        let password = self.text()?;
        let is_admin = self.take_word(Keyword::With);
        if is_admin {
            self.expect_words(&[Keyword::All, Keyword::Privileges])?;
        }
        Ok(Statement::CreateUser { name, password, is_admin })
    }

    /// `SET PASSWORD FOR`, behind these words.
    pub(super) fn set_password(&mut self) -> Result<Statement, ParseError> {
        let user = self.identifier()?;
        self.expect(Token::Operator(BinaryOperator::Equal))?;
        Ok(Statement::SetPassword { user, password: self.text()? })
    }

    /// `GRANT … TO` or `REVOKE … FROM`, behind the first word.
    pub(super) fn grant(&mut self, direction: Keyword) -> Result<Grant, ParseError> {
        let next = self.next();
        let privilege = match next.token {
            Token::Word(Keyword::Read) => Privilege::Read,
            Token::Word(Keyword::Write) => Privilege::Write,
            Token::Word(Keyword::All) => {
                self.take_word(Keyword::Privileges);
                Privilege::All
            }
            _ => return Err(self.found(&next, &["READ", "WRITE", "ALL [PRIVILEGES]"])),
        };
        let next = self.next();
        match next.token {
            Token::Word(Keyword::On) => {
                let database = Some(self.identifier()?);
                self.expect_words(&[direction])?;
                Ok(Grant { privilege, database, user: self.identifier()? })
            }
            token if token == Token::Word(direction) && privilege == Privilege::All => {
                Ok(Grant { privilege, database: None, user: self.identifier()? })
            }
            _ if privilege == Privilege::All => Err(self.found(&next, &["ON", direction.as_str()])),
            _ => Err(self.found(&next, &["ON"])),
        }
    }

    fn create_subscription(&mut self) -> Result<Statement, ParseError> {
        let (name, database, retention_policy) = self.subscription()?;
        self.expect_words(&[Keyword::Destinations])?;
        let next = self.next();
        let is_all = match next.token {
            Token::Word(Keyword::All) => true,
            Token::Word(Keyword::Any) => false,
            _ => return Err(self.found(&next, &["ALL", "ANY"])),
        };
        let mut destinations = vec![self.text()?];
        while self.take(Token::Comma) {
            destinations.push(self.text()?);
        }
        Ok(Statement::CreateSubscription(Box::new(CreateSubscription {
            name,
            database,
            retention_policy,
            is_all,
            destinations,
        })))
    }

    /// `name ON database.policy`
    fn subscription(&mut self) -> Result<(String, String, String), ParseError> {
        let name = self.identifier()?;
        let database = self.on_database()?;
        let next = self.scan();
        if next.token != Token::Dot {
            return Err(self.found(&next, &["."]));
        }
        Ok((name, database, self.identifier()?))
    }
}

/// Whether a `SELECT` reads values as they are.
fn is_raw(select: &Select) -> bool {
    let mut is_raw = true;
    for field in &select.fields {
        field.expr.walk(&mut |expr| is_raw &= !matches!(expr, Expr::Call(_)));
    }
    is_raw
}

/// The length of `GROUP BY time(…)` in nanoseconds; 0 without it.
fn group_by_interval(select: &Select) -> Result<i64, &'static str> {
    let calls = select.dimensions.iter().filter_map(|dimension| match &dimension.expr {
        Expr::Call(call) if call.name == "time" => Some(call),
        _ => None,
    });
    match calls.map(|call| &call.args[..]).next() {
        None => Ok(0),
        Some([Expr::Duration(length)] | [Expr::Duration(length), _]) => Ok(*length),
        Some([_] | [_, _]) => Err("time dimension must have duration argument"),
        Some(_) => Err("time dimension expected 1 or 2 arguments"),
    }
}
