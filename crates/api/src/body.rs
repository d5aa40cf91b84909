//! Reading request bodies within their limits.
