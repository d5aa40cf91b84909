//! The simple protocol: a text with statements, each answered with its rows as text.

use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::response::EmptyQueryResponse;

use super::Session;
use crate::scan;
use crate::statement::Statement;
use crate::values;
use crate::wire::Gone;

impl Session {
    pub(super) async fn simple(&mut self, text: &str) -> Result<(), Gone> {
        self.portals.remove("");
        self.look_again().await?;
        let pieces = scan::statements(text);
        if pieces.is_empty() {
            self.wire.put(&PgWireBackendMessage::EmptyQueryResponse(EmptyQueryResponse::new()))?;
        }
        for piece in pieces {
            // Each may take as long as a query may.
            self.look_again().await?;
            let statement = Statement::read(piece.text)?;
            self.must_not_have_failed(&statement)?;
            let Statement::Query(sql) = &statement else {
                self.acknowledge(&statement)?;
                continue;
            };
            let mut answer = self.open(sql, Vec::new(), (text, piece.begins)).await?;
            let description = values::description(&answer.stream.schema(), &[]);
            self.wire.put(&PgWireBackendMessage::RowDescription(description))?;
            let sent = self.send(&mut answer, &[], 0, (text, piece.begins)).await?;
            self.complete(format!("SELECT {}", sent.rows))?;
        }
        Ok(())
    }
}
