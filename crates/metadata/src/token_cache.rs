//! Tokens that were used lately, so that a request costs no statement.
//!
//! Invariant: an entry is only made from a row that was read after the last revocation that this process knows of
//! ([`TokenCache::generation`]); so a revocation that runs beside a look-up cannot be undone by it. An entry is read
//! again from the table after [`FRESH`], for the sake of revocations by other processes.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use parking_lot::Mutex;
use sensorium_model::{DeviceId, OrgId, Principal, TokenId};

use crate::config::millis;
use crate::secrets::Fingerprint;

/// The most tokens that are remembered.
pub const MAX_TOKENS: usize = 10_000;
/// How long an entry is believed.
pub const FRESH: Duration = Duration::from_secs(30);

/// Tokens by the fingerprint of their secret.
#[derive(Default)]
pub(crate) struct TokenCache(Mutex<State>);

#[derive(Default)]
struct State {
    known: HashMap<Fingerprint, Known>,
    /// Tokens of this process alone, which are in no table.
    local: HashMap<Fingerprint, OrgId>,
    generation: u64,
}

struct Known {
    token: TokenId,
    principal: Principal,
    read_ms: i64,
    expires_at_ms: Option<i64>,
}

/// A token as its row says.
pub(crate) struct Found {
    pub(crate) token: TokenId,
    pub(crate) principal: Principal,
    /// Refused from then on.
    pub(crate) expires_at_ms: Option<i64>,
}

impl TokenCache {
    /// Who a token belongs to, if it is known.
    pub(crate) fn find(&self, secret: &Fingerprint, now_ms: i64) -> Option<Principal> {
        let state = self.0.lock();
        if let Some(org) = state.local.get(secret) {
            return Some(Principal::system(*org));
        }
        let known = state.known.get(secret)?;
        let is_good = known.expires_at_ms.is_none_or(|expires| now_ms < expires);
        (is_good && (0..millis(FRESH)).contains(&(now_ms - known.read_ms))).then(|| known.principal.clone())
    }

    /// The number of revocations so far; to be asked before the table is read.
    pub(crate) fn generation(&self) -> u64 {
        self.0.lock().generation
    }

    /// Remembers a row that was read since `generation`.
    pub(crate) fn remember(
        &self,
        generation: u64,
        secret: Fingerprint,
        Found { token, principal, expires_at_ms }: Found,
        now_ms: i64,
    ) {
        let mut state = self.0.lock();
        if state.generation != generation {
            return;
        }
        if state.known.len() >= MAX_TOKENS && !state.known.contains_key(&secret) {
            // Everything that is still in use comes back with its next request.
            state.known.clear();
        }
        state.known.insert(secret, Known { token, principal, read_ms: now_ms, expires_at_ms });
    }

    /// Forgets tokens that were revoked.
    pub(crate) fn revoke(&self, tokens: &[TokenId]) {
        let revoked: HashSet<TokenId> = tokens.iter().copied().collect();
        let mut state = self.0.lock();
        state.generation += 1;
        state.known.retain(|_, known| !revoked.contains(&known.token));
    }

    /// Forgets the tokens of devices that changed.
    pub(crate) fn forget_devices(&self, devices: &[DeviceId]) {
        let changed: HashSet<DeviceId> = devices.iter().copied().collect();
        let mut state = self.0.lock();
        state.generation += 1;
        state.known.retain(|_, known| !known.principal.device.as_ref().is_some_and(|own| changed.contains(&own.id)));
    }

    /// Accepts a token for as long as this process runs.
    pub(crate) fn accept_local(&self, secret: Fingerprint, org: OrgId) {
        self.0.lock().local.insert(secret, org);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sensorium_model::ActingDevice;
    use uuid::Uuid;

    use super::*;

    fn found(token: TokenId, principal: &Principal) -> Found {
        Found { token, principal: principal.clone(), expires_at_ms: None }
    }

    #[test]
    fn a_look_up_beside_a_revocation_is_not_remembered() {
        let cache = TokenCache::default();
        let (secret, token) = ([1; 32], TokenId::from_uuid(Uuid::nil()));
        let principal = Principal::system(OrgId::from_uuid(Uuid::nil()));
        let before = cache.generation();
        cache.revoke(&[token]);
        cache.remember(before, secret, found(token, &principal), 0);
        assert!(cache.find(&secret, 0).is_none());
        cache.remember(cache.generation(), secret, found(token, &principal), 0);
        assert!(cache.find(&secret, 0).is_some());
        assert!(cache.find(&secret, millis(FRESH)).is_none());
        cache.revoke(&[token]);
        assert!(cache.find(&secret, 0).is_none());
    }

    #[test]
    fn a_token_is_forgotten_when_it_expires_or_its_device_changes() {
        let cache = TokenCache::default();
        let (secret, token) = ([1; 32], TokenId::from_uuid(Uuid::nil()));
        let own = ActingDevice { id: DeviceId::from_uuid(Uuid::from_u128(7)), name: "attic".into() };
        let device = own.id;
        let principal = Principal { device: Some(Arc::new(own)), ..Principal::system(OrgId::from_uuid(Uuid::nil())) };
        let expiring = Found { expires_at_ms: Some(1_000), ..found(token, &principal) };
        cache.remember(cache.generation(), secret, expiring, 0);
        assert!(cache.find(&secret, 999).is_some());
        assert!(cache.find(&secret, 1_000).is_none());
        let before = cache.generation();
        cache.forget_devices(&[DeviceId::from_uuid(Uuid::from_u128(8))]);
        assert!(cache.find(&secret, 999).is_some(), "another device");
        cache.forget_devices(&[device]);
        assert!(cache.find(&secret, 999).is_none());
        cache.remember(before, secret, found(token, &principal), 0);
        assert!(cache.find(&secret, 0).is_none(), "it was looked up before the change");
    }

    #[test]
    fn memory_stays_bounded() {
        let cache = TokenCache::default();
        let principal = Principal::system(OrgId::from_uuid(Uuid::nil()));
        for number in 0..=MAX_TOKENS {
            let mut secret = [0; 32];
            secret[..8].copy_from_slice(&number.to_le_bytes());
            cache.remember(0, secret, found(TokenId::from_uuid(Uuid::nil()), &principal), 0);
        }
        assert_eq!(cache.0.lock().known.len(), 1);
    }
}
