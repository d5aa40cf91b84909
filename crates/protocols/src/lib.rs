//! Decoders of what devices send: line protocol, JSON readings, CSV
