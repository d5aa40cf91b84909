//! The PostgreSQL wire protocol, read-only.
