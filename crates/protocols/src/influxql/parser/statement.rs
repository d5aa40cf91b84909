//! Which statement it is.

use super::super::ast::{Explain, Statement};
use super::super::error::ParseError;
use super::super::token::{Keyword, Token};
use super::Parser;
use super::select::Target;

impl Parser<'_> {
    pub(super) fn statement(&mut self) -> Result<Statement, ParseError> {
        let next = self.next();
        match next.token {
            Token::Word(Keyword::Select) => Ok(Statement::Select(Box::new(self.select(Target::Optional)?))),
            Token::Word(Keyword::Delete) => Ok(Statement::Delete(Box::new(self.deletion()?))),
            Token::Word(Keyword::Show) => self.show(),
            Token::Word(Keyword::Create) => self.create(),
            Token::Word(Keyword::Drop) => self.drop(),
            Token::Word(Keyword::Explain) => {
                let analyze = self.take_word(Keyword::Analyze);
                self.expect_words(&[Keyword::Select])?;
                let select = self.select(Target::Optional)?;
                Ok(Statement::Explain(Box::new(Explain { select, analyze })))
            }
            Token::Word(Keyword::Grant) => self.grant(Keyword::To).map(Statement::Grant),
            Token::Word(Keyword::Revoke) => self.grant(Keyword::From).map(Statement::Revoke),
            Token::Word(Keyword::Alter) => {
                self.expect_words(&[Keyword::Retention, Keyword::Policy])?;
                self.alter_retention_policy()
            }
            Token::Word(Keyword::Set) => {
                self.expect_words(&[Keyword::Password, Keyword::For])?;
                self.set_password()
            }
            Token::Word(Keyword::Kill) => {
                self.expect_words(&[Keyword::Query])?;
                Ok(Statement::KillQuery { id: self.id()?, host: self.optional_database()? })
            }
            _ => Err(self.found(
                &next,
                &["SELECT", "DELETE", "SHOW", "CREATE", "DROP", "EXPLAIN", "GRANT", "REVOKE", "ALTER", "SET", "KILL"],
            )),
        }
    }
}
