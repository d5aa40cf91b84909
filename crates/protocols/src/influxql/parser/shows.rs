//! `SHOW`.

use super::super::ast::{BinaryOperator, Statement};
use super::super::error::ParseError;
use super::super::shows::{Counted, ShowCardinality, ShowMeasurements, ShowSchema, ShowTagValues, TagKeys};
use super::super::token::{Keyword, Token};
use super::Parser;

impl Parser<'_> {
    /// A `SHOW`, behind that word.
    pub(super) fn show(&mut self) -> Result<Statement, ParseError> {
        let next = self.next();
        match next.token {
            Token::Word(Keyword::Continuous) => {
                self.expect_words(&[Keyword::Queries])?;
                Ok(Statement::ShowContinuousQueries)
            }
            Token::Word(Keyword::Databases) => Ok(Statement::ShowDatabases),
            Token::Word(Keyword::Diagnostics) => Ok(Statement::ShowDiagnostics { module: self.module()? }),
            Token::Word(Keyword::Field) => self.show_field(),
            Token::Word(Keyword::Grants) => {
                self.expect_words(&[Keyword::For])?;
                Ok(Statement::ShowGrants { user: self.identifier()? })
            }
            Token::Word(Keyword::Measurement) => self.show_measurement_cardinality(),
            Token::Word(Keyword::Measurements) => self.show_measurements(),
            Token::Word(Keyword::Queries) => Ok(Statement::ShowQueries),
            Token::Word(Keyword::Retention) => {
                self.expect_words(&[Keyword::Policies])?;
                Ok(Statement::ShowRetentionPolicies { database: self.optional_database()? })
            }
            Token::Word(Keyword::Series) => self.show_series(),
            Token::Word(Keyword::Shard) => {
                self.expect_words(&[Keyword::Groups])?;
                Ok(Statement::ShowShardGroups)
            }
            Token::Word(Keyword::Shards) => Ok(Statement::ShowShards),
            Token::Word(Keyword::Stats) => Ok(Statement::ShowStats { module: self.module()? }),
            Token::Word(Keyword::Subscriptions) => Ok(Statement::ShowSubscriptions),
            Token::Word(Keyword::Tag) => self.show_tag(),
            Token::Word(Keyword::Users) => Ok(Statement::ShowUsers),
            _ => Err(self.found(
                &next,
                &[
                    "CONTINUOUS",
                    "DATABASES",
                    "DIAGNOSTICS",
                    "FIELD",
                    "GRANTS",
                    "MEASUREMENT",
                    "MEASUREMENTS",
                    "QUERIES",
                    "RETENTION",
                    "SERIES",
                    "SHARD",
                    "SHARDS",
                    "STATS",
                    "SUBSCRIPTIONS",
                    "TAG",
                    "USERS",
                ],
            )),
        }
    }

    /// `FOR 'module'`, when it is there.
    fn module(&mut self) -> Result<Option<String>, ParseError> {
        if self.take_word(Keyword::For) { self.text().map(Some) } else { Ok(None) }
    }

    fn show_field(&mut self) -> Result<Statement, ParseError> {
        let next = self.next();
        match next.token {
            Token::Word(Keyword::Key) => self.key_cardinality(Counted::FieldKeys),
            Token::Word(Keyword::Keys) => {
                let database = self.optional_database()?;
                let sources = self.optional_measurements()?;
                let ascending = self.optional_order()?;
                let limit = self.optional_count(Keyword::Limit)?;
                let offset = self.optional_count(Keyword::Offset)?;
                let (condition, series_limit, series_offset) = (None, 0, 0);
                let of =
                    ShowSchema { database, sources, condition, ascending, limit, offset, series_limit, series_offset };
                Ok(Statement::ShowFieldKeys(Box::new(of)))
            }
            _ => Err(self.found(&next, &["KEY", "KEYS"])),
        }
    }

    fn show_tag(&mut self) -> Result<Statement, ParseError> {
        let next = self.next();
        match next.token {
            Token::Word(Keyword::Key) => self.key_cardinality(Counted::TagKeys),
            Token::Word(Keyword::Keys) => {
                let mut of = self.schema(|_| Ok(()))?.0;
                of.series_limit = self.optional_count(Keyword::Slimit)?;
                of.series_offset = self.optional_count(Keyword::Soffset)?;
                Ok(Statement::ShowTagKeys(Box::new(of)))
            }
            Token::Word(Keyword::Values) => self.show_tag_values(),
            _ => Err(self.found(&next, &["KEY", "KEYS", "VALUES"])),
        }
    }

    fn show_tag_values(&mut self) -> Result<Statement, ParseError> {
        if self.take_word(Keyword::Exact) {
            self.expect_words(&[Keyword::Cardinality])?;
            return self.tag_values_cardinality(true);
        }
        if self.take_word(Keyword::Cardinality) {
            return self.tag_values_cardinality(false);
        }
        let (of, keys) = self.schema(Self::tag_keys)?;
        Ok(Statement::ShowTagValues(Box::new(ShowTagValues { keys, of })))
    }

    fn show_series(&mut self) -> Result<Statement, ParseError> {
        let is_exact = self.take_word(Keyword::Exact);
        if self.take_word(Keyword::Cardinality) {
            return self.cardinality(is_exact, |_| Ok(Counted::Series));
        }
        Ok(Statement::ShowSeries(Box::new(self.schema(|_| Ok(()))?.0)))
    }

    /// What most of them have, with something of their own before the condition.
    fn schema<T>(
        &mut self,
        before_condition: impl FnOnce(&mut Self) -> Result<T, ParseError>,
    ) -> Result<(ShowSchema, T), ParseError> {
        let database = self.optional_database()?;
        let sources = self.optional_measurements()?;
        let own = before_condition(self)?;
        let condition = self.optional_condition()?;
        let ascending = self.optional_order()?;
        let limit = self.optional_count(Keyword::Limit)?;
        let offset = self.optional_count(Keyword::Offset)?;
        let (series_limit, series_offset) = (0, 0);
        let of = ShowSchema { database, sources, condition, ascending, limit, offset, series_limit, series_offset };
        Ok((of, own))
    }

    fn show_measurements(&mut self) -> Result<Statement, ParseError> {
        let database = self.optional_database()?;
        let with = if self.take_word(Keyword::With) {
            self.expect_words(&[Keyword::Measurement])?;
            let next = self.next();
            match next.token {
                Token::Operator(BinaryOperator::Equal | BinaryOperator::Matches) => Some(self.measurement()?),
                _ => return Err(self.found(&next, &["=", "=~"])),
            }
        } else {
            None
        };
        let condition = self.optional_condition()?;
        let ascending = self.optional_order()?;
        let limit = self.optional_count(Keyword::Limit)?;
        let offset = self.optional_count(Keyword::Offset)?;
        let of = ShowMeasurements { database, with, condition, ascending, limit, offset };
        Ok(Statement::ShowMeasurements(Box::new(of)))
    }

    fn show_measurement_cardinality(&mut self) -> Result<Statement, ParseError> {
        let next = self.next();
        let is_exact = match next.token {
            Token::Word(Keyword::Exact) => {
                self.expect_words(&[Keyword::Cardinality])?;
                true
            }
            Token::Word(Keyword::Cardinality) => false,
            _ => return Err(self.found(&next, &["EXACT", "CARDINALITY"])),
        };
        self.cardinality(is_exact, |_| Ok(Counted::Measurements))
    }

    /// `[EXACT] CARDINALITY …` of keys.
    fn key_cardinality(&mut self, counted: Counted) -> Result<Statement, ParseError> {
        let is_exact = self.take_word(Keyword::Exact);
        let next = self.next();
        match next.token {
            Token::Word(Keyword::Cardinality) => self.cardinality(is_exact, |_| Ok(counted)),
            _ if is_exact => Err(self.found(&next, &["CARDINALITY"])),
            _ => Err(self.found(&next, &["EXACT", "CARDINALITY"])),
        }
    }

    fn tag_values_cardinality(&mut self, is_exact: bool) -> Result<Statement, ParseError> {
        self.cardinality(is_exact, |parser| parser.tag_keys().map(Counted::TagValues))
    }

    /// What stands behind `CARDINALITY`.
    fn cardinality(
        &mut self,
        is_exact: bool,
        counted: impl FnOnce(&mut Self) -> Result<Counted, ParseError>,
    ) -> Result<Statement, ParseError> {
        let database = self.optional_database()?;
        let sources = self.optional_measurements()?;
        let counted = counted(self)?;
        let condition = self.optional_condition()?;
        let dimensions = self.optional_dimensions()?;
        let limit = self.optional_count(Keyword::Limit)?;
        let offset = self.optional_count(Keyword::Offset)?;
        let of = ShowCardinality { counted, is_exact, database, sources, condition, dimensions, limit, offset };
        Ok(Statement::ShowCardinality(Box::new(of)))
    }

    /// `WITH KEY …`
    fn tag_keys(&mut self) -> Result<TagKeys, ParseError> {
        self.expect_words(&[Keyword::With, Keyword::Key])?;
        let next = self.next();
        match next.token {
            Token::Word(Keyword::In) => {
                self.expect(Token::LeftParen)?;
                let keys = self.identifiers()?;
                self.expect(Token::RightParen)?;
                Ok(TagKeys::In(keys))
            }
            Token::Operator(BinaryOperator::Equal) => self.identifier().map(TagKeys::Equal),
            Token::Operator(BinaryOperator::NotEqual) => self.identifier().map(TagKeys::NotEqual),
            Token::Operator(BinaryOperator::Matches) => self.key_pattern().map(TagKeys::Matches),
            Token::Operator(BinaryOperator::MatchesNot) => self.key_pattern().map(TagKeys::MatchesNot),
            _ => Err(self.found(&next, &["IN", "=", "=~"])),
        }
    }

    fn key_pattern(&mut self) -> Result<String, ParseError> {
        match self.optional_regex()? {
            Some(pattern) => Ok(pattern),
            None => {
                let next = self.next();
                Err(self.found(&next, &["regex"]))
            }
        }
    }
}
