//! The HTTP face: REST, line protocol ingest, live WebSocket and the embedded web page
