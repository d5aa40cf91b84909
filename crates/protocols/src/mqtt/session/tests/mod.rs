//! Tests of connections and sessions.
