//! Statements that were prepared, and portals: statements with their parameters, whose rows are sent a part at a time.

use arrow::error::ArrowError;
use bytes::BytesMut;
use futures::StreamExt;
use sensorium_query::{Described, Parameter, QueryError, QueryStream, postgres_type};

use crate::failure::Failure;
use crate::frontend::{Bind, Format, format_of};
use crate::parameter;
use crate::statement::Statement;
use crate::values::Rows;

/// The type of a parameter whose type is not known.
const TEXT: u32 = 25;

/// A prepared statement.
pub(crate) struct Prepared {
    /// What the client sent.
    pub(crate) text: String,
    /// The byte of it at which the statement begins.
    pub(crate) begins: usize,
    /// None if there is nothing but blanks and comments.
    pub(crate) statement: Option<Statement>,
    /// What the client says of its parameters; 0 for what it does not know.
    pub(crate) types: Vec<u32>,
    /// What the query engine says, once it was asked.
    pub(crate) described: Option<Described>,
}

impl Prepared {
    /// The types of the parameters, as far as they are known: those that the client tells outrank those that follow from the
    /// statement.
    fn type_of(&self, index: usize) -> Option<u32> {
        let told = self.types.get(index).copied().filter(|oid| *oid != 0);
        let inferred = || Some(postgres_type(self.described.as_ref()?.parameters.get(index)?.as_ref()?));
        told.or_else(inferred)
    }

    /// The types that the client is told.
    pub(crate) fn parameter_types(&self) -> Vec<u32> {
        let inferred = self.described.as_ref().map_or(0, |described| described.parameters.len());
        (0..self.types.len().max(inferred)).map(|index| self.type_of(index).unwrap_or(TEXT)).collect()
    }

    /// Whether values cannot be read before the query engine is asked for the types of parameters.
    pub(crate) fn needs_types(&self, bind: &Bind) -> bool {
        self.described.is_none()
            && (0..bind.values.len())
                .any(|index| format_of(&bind.formats, index) == Format::Binary && self.type_of(index).is_none())
    }

    /// The values of parameters.
    pub(crate) fn values(&self, bind: &Bind) -> Result<Vec<Parameter>, Failure> {
        let value = |(index, value): (usize, &Option<bytes::Bytes>)| {
            let data_type = self.type_of(index).unwrap_or(TEXT);
            parameter::read(index + 1, data_type, format_of(&bind.formats, index), value.as_ref())
        };
        bind.values.iter().enumerate().map(value).collect()
    }
}

/// A statement that runs, or will.
pub(crate) struct Portal {
    pub(crate) text: String,
    pub(crate) begins: usize,
    pub(crate) statement: Option<Statement>,
    pub(crate) parameters: Vec<Parameter>,
    /// Bytes of its text and of its parameters as they came.
    pub(crate) bytes: usize,
    /// The formats of its columns.
    pub(crate) formats: Vec<Format>,
    /// Its rows, once it was started.
    pub(crate) answer: Option<Answer>,
}

/// The rows of an answer on their way.
pub(crate) struct Answer {
    pub(crate) stream: QueryStream,
    /// The rows that are there, and how many of them were written.
    current: Option<(Rows, usize)>,
    is_over: bool,
}

impl Answer {
    pub(crate) fn new(stream: QueryStream) -> Self {
        Self { stream, current: None, is_over: false }
    }

    /// Appends rows to what is written, until there are so many bytes or rows; how many.
    pub(crate) fn write(&mut self, at_most: u64, bytes: usize, out: &mut BytesMut) -> Result<u64, ArrowError> {
        let Some((rows, at)) = &mut self.current else { return Ok(0) };
        let mut count = 0;
        while *at < rows.count() && count < at_most && out.len() < bytes {
            let place = out.len();
            if let Err(error) = rows.write(*at, out) {
                // Half a row would be read as the beginning of whatever comes next.
                out.truncate(place);
                return Err(error);
            }
            (*at, count) = (*at + 1, count + 1);
        }
        Ok(count)
    }

    /// Whether rows are there that were not written.
    pub(crate) fn has_rows(&self) -> bool {
        self.current.as_ref().is_some_and(|(rows, at)| *at < rows.count())
    }

    /// Waits for rows; false when there are no more.
    pub(crate) async fn more(&mut self, formats: &[Format]) -> Result<bool, QueryError> {
        if self.is_over {
            return Ok(false);
        }
        self.current = None;
        match self.stream.next().await {
            None => {
                self.is_over = true;
                Ok(false)
            }
            Some(batch) => {
                let rows = Rows::new(&batch?, formats);
                let rows = rows.map_err(|error| QueryError::Internal { message: error.to_string() })?;
                self.current = Some((rows, 0));
                Ok(true)
            }
        }
    }
}
