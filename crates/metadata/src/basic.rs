//! Names and passwords that come with every request, as InfluxDB's clients send them.
//!
//! Hashing a password costs tens of milliseconds, so a pair that was right is remembered for [`REMEMBERED`] under a hash
//! with a key that only this process knows. The password may be an API token; the name is then ignored.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::Mutex;
use sensorium_model::{OrgId, Principal, UserId};
use sha2::{Digest, Sha256};

use crate::config::millis;
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::secrets;

/// How long a right pair is remembered; a user who is disabled meanwhile is known for this long.
pub const REMEMBERED: Duration = Duration::from_secs(60);
/// The most pairs that are remembered.
pub const MAX_LOGINS: usize = 1_000;

/// Pairs of login and password that were right a moment ago.
pub(crate) struct VerifiedLogins {
    key: [u8; 32],
    known: Mutex<HashMap<[u8; 32], (Principal, i64)>>,
}

impl Default for VerifiedLogins {
    fn default() -> Self {
        Self { key: secrets::random(), known: Mutex::new(HashMap::new()) }
    }
}

impl VerifiedLogins {
    fn fingerprint(&self, login: &str, password: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update(login.len().to_le_bytes());
        hash.update(login);
        hash.update(password);
        // Hashed twice, because SHA-256 of key and text can be continued with more text.
        Sha256::digest(hash.finalize()).into()
    }

    fn find(&self, pair: &[u8; 32], now_ms: i64) -> Option<Principal> {
        let known = self.known.lock();
        let (principal, since_ms) = known.get(pair)?;
        (0..millis(REMEMBERED)).contains(&(now_ms - since_ms)).then(|| principal.clone())
    }

    fn remember(&self, pair: [u8; 32], principal: Principal, now_ms: i64) {
        let mut known = self.known.lock();
        if known.len() >= MAX_LOGINS {
            known.retain(|_, (_, since_ms)| (0..millis(REMEMBERED)).contains(&(now_ms - *since_ms)));
        }
        if known.len() >= MAX_LOGINS {
            known.clear();
        }
        known.insert(pair, (principal, now_ms));
    }
}

impl Metadata {
    /// Who a login and a password, or anything and an API token, belong to; none if they are wrong.
    pub async fn authenticate_basic(
        &self,
        login: &str,
        password: &str,
        peer: IpAddr,
    ) -> Result<Option<Principal>, MetadataError> {
        let now_ms = self.now_ms();
        let pair = self.logins().fingerprint(login, password);
        if let Some(principal) = self.logins().find(&pair, now_ms) {
            return Ok(Some(principal));
        }
        if let Some(principal) = self.authenticate_token(password).await? {
            return Ok(Some(principal));
        }
        match self.check_password(login, password, peer).await {
            Ok(user) => {
                let org = OrgId::from_uuid(user.org_id);
                let principal = Principal::user(org, UserId::from_uuid(user.id), None, user.role.into());
                self.logins().remember(pair, principal.clone(), now_ms);
                Ok(Some(principal))
            }
            Err(MetadataError::WrongCredentials) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_pair_is_forgotten_and_memory_is_bounded() {
        let logins = VerifiedLogins::default();
        let principal = Principal::system(OrgId::from_uuid(Uuid::nil()));
        let pair = logins.fingerprint("ada", "secret");
        assert_ne!(pair, logins.fingerprint("adas", "ecret"), "the boundary counts");
        logins.remember(pair, principal.clone(), 0);
        assert!(logins.find(&pair, millis(REMEMBERED) - 1).is_some());
        assert!(logins.find(&pair, millis(REMEMBERED)).is_none());
        assert!(logins.find(&pair, -1).is_none(), "the clock was set back");
        for number in 0..3 * MAX_LOGINS {
            logins.remember(logins.fingerprint("ada", &number.to_string()), principal.clone(), 0);
            assert!(logins.known.lock().len() <= MAX_LOGINS);
        }
    }
}
