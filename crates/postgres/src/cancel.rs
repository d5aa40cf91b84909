//! Requests to cancel: another connection that knows the number and the key of one ends what that one does.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The connections whose statements can be cancelled.
#[derive(Clone, Default)]
pub(crate) struct Cancellations(Arc<Known>);

#[derive(Default)]
struct Known {
    next: AtomicI32,
    connections: Mutex<HashMap<i32, Connection>>,
}

struct Connection {
    key: i32,
    running: Option<CancellationToken>,
}

/// A connection in the list, until it is dropped.
pub(crate) struct Cancellable {
    list: Cancellations,
    /// Names the connection to clients.
    pub(crate) number: i32,
    /// Only its client knows it.
    pub(crate) key: i32,
}

impl Cancellations {
    /// Lists a connection.
    pub(crate) fn add(&self) -> Cancellable {
        let mut connections = self.0.connections.lock();
        let number = loop {
            let number = self.0.next.fetch_add(1, Ordering::Relaxed) & i32::MAX;
            if number != 0 && !connections.contains_key(&number) {
                break number;
            }
        };
        // 32 of its 122 random bits.
        let [a, b, c, d, ..] = Uuid::new_v4().into_bytes();
        let key = i32::from_be_bytes([a, b, c, d]);
        connections.insert(number, Connection { key, running: None });
        Cancellable { list: self.clone(), number, key }
    }

    /// Ends what a connection does now, if the key is right.
    pub(crate) fn cancel(&self, number: i32, key: i32) {
        let connections = self.0.connections.lock();
        if let Some(connection) = connections.get(&number).filter(|connection| connection.key == key)
            && let Some(running) = &connection.running
        {
            running.cancel();
        }
    }
}

impl Cancellable {
    /// Something begins that can be cancelled.
    pub(crate) fn begin(&self) -> CancellationToken {
        let token = CancellationToken::new();
        if let Some(connection) = self.list.0.connections.lock().get_mut(&self.number) {
            connection.running = Some(token.clone());
        }
        token
    }

    /// It is over: who cancels from now on is too late.
    pub(crate) fn end(&self) {
        if let Some(connection) = self.list.0.connections.lock().get_mut(&self.number) {
            connection.running = None;
        }
    }
}

impl Drop for Cancellable {
    fn drop(&mut self) {
        self.list.0.connections.lock().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_key_cancels_and_only_what_runs() {
        let list = Cancellations::default();
        let (one, other) = (list.add(), list.add());
        assert_ne!(one.number, other.number);
        let running = one.begin();
        list.cancel(one.number, one.key.wrapping_add(1));
        list.cancel(other.number, other.key);
        assert!(!running.is_cancelled());
        list.cancel(one.number, one.key);
        assert!(running.is_cancelled());
        one.end();
        list.cancel(one.number, one.key);
        assert!(!one.begin().is_cancelled(), "a request that came between two statements is forgotten");
    }
}
