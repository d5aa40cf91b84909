//! Limits of the hub.

use std::time::Duration;

/// How much the hub and its clients may hold.
#[derive(Debug, Clone)]
pub struct HubConfig {
    /// How long a batch stays in the ring for clients that resume. Default: 60 s.
    pub ring_window: Duration,
    /// Bytes of the batches in the ring of one organisation. Default: 32 MiB.
    pub ring_bytes: usize,
    /// Clients connected at the same time, of all organisations (setting `http.live_clients`). Default: 1024.
    pub clients: usize,
    /// Subscriptions of one client. Default: 256.
    pub subscriptions_per_client: usize,
    /// Tag filters of one subscription. Default: 32.
    pub tags_per_subscription: usize,
    /// Fields named by one subscription. Default: 256.
    pub fields_per_subscription: usize,
    /// Points that may wait for one client. Default: 16,384.
    pub queue_points: usize,
    /// Bytes of text values that may wait for one client. Default: 1 MiB.
    pub queue_text_bytes: usize,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            ring_window: Duration::from_secs(60),
            ring_bytes: 32 << 20,
            clients: 1_024,
            subscriptions_per_client: 256,
            tags_per_subscription: 32,
            fields_per_subscription: 256,
            queue_points: 16_384,
            queue_text_bytes: 1 << 20,
        }
    }
}
