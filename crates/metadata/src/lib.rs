//! Organisations, users, sessions, tokens and audit, in SQLite through SeaORM
