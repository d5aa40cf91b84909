//! Names and passwords that come with every request, as InfluxDB's clients send them.
//!
//! Hashing a password costs tens of milliseconds, so a pair that was right is remembered under a hash with a key that
//! only this process knows. Whoever has a second factor is refused. Every [`BELIEVED`] the user is looked up again: when the account is no longer active, or has
//! another password, the pair is forgotten; and at once where this process made that change ([`VerifiedLogins::forget_user`]). The password may be an API token; the name is then ignored.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sensorium_model::{OrgId, Principal, Subject, UserId};
use sha2::{Digest, Sha256};

use crate::config::millis;
use crate::entity::user;
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::secrets;

/// How long a right pair is believed before the user is looked up again.
pub const BELIEVED: Duration = Duration::from_secs(60);
/// The most pairs that are remembered.
pub const MAX_LOGINS: usize = 1_000;

/// A pair of login and password that was right.
#[derive(Clone)]
struct Verified {
    principal: Principal,
    /// The stored hash that it was right for.
    hash: Arc<str>,
    since_ms: i64,
}

impl Verified {
    fn new(user: &user::Model, now_ms: i64) -> Self {
        let org = OrgId::from_uuid(user.org_id);
        let principal = Principal::user(org, UserId::from_uuid(user.id), None, user.role.into());
        Self { principal, hash: user.password.as_str().into(), since_ms: now_ms }
    }

    fn is_fresh(&self, now_ms: i64) -> bool {
        (0..millis(BELIEVED)).contains(&(now_ms.saturating_sub(self.since_ms)))
    }
}

/// Pairs of login and password that were right.
pub(crate) struct VerifiedLogins {
    key: [u8; 32],
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    pairs: HashMap<[u8; 32], Verified>,
    /// How often somebody was forgotten.
    generation: u64,
}

impl Default for VerifiedLogins {
    fn default() -> Self {
        Self { key: secrets::random(), known: Mutex::default() }
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

    fn find(&self, pair: &[u8; 32]) -> Option<Verified> {
        self.known.lock().pairs.get(pair).cloned()
    }

    fn forget(&self, pair: &[u8; 32]) {
        self.known.lock().pairs.remove(pair);
    }

    /// The number of people forgotten so far; to be asked before the table is read.
    fn generation(&self) -> u64 {
        self.known.lock().generation
    }

    /// Forgets what is known of a person who has changed; a look-up beside it is not remembered.
    pub(crate) fn forget_user(&self, user: UserId) {
        let mut known = self.known.lock();
        known.generation += 1;
        known.pairs.retain(|_, verified| !matches!(verified.principal.subject, Subject::User(id, _) if id == user));
    }

    /// Remembers a pair whose user was read since `generation`.
    fn remember(&self, generation: u64, pair: [u8; 32], verified: Verified) {
        let mut state = self.known.lock();
        if state.generation != generation {
            return;
        }
        let known = &mut state.pairs;
        if known.len() >= MAX_LOGINS && !known.contains_key(&pair) {
            let now_ms = verified.since_ms;
            known.retain(|_, verified| verified.is_fresh(now_ms));
        }
        if known.len() >= MAX_LOGINS && !known.contains_key(&pair) {
            known.clear();
        }
        known.insert(pair, verified);
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
        let pair = self.logins().fingerprint(login, password);
        let generation = self.logins().generation();
        if let Some(verified) = self.logins().find(&pair) {
            if verified.is_fresh(self.now_ms()) {
                return Ok(Some(verified.principal));
            }
            match self.active_user(login).await? {
                Some(user) if user.password == *verified.hash => {
                    self.refuse_second_factor(&user).await?;
                    return Ok(Some(self.believe(generation, pair, &user)));
                }
                _ => self.logins().forget(&pair),
            }
        }
        if let Some(principal) = self.authenticate_token(password).await? {
            return Ok(Some(principal));
        }
        match self.check_password(login, password, peer).await {
            Ok(user) => {
                self.refuse_second_factor(&user).await?;
                Ok(Some(self.believe(generation, pair, &user)))
            }
            Err(MetadataError::WrongCredentials) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn believe(&self, generation: u64, pair: [u8; 32], user: &user::Model) -> Principal {
        let verified = Verified::new(user, self.now_ms());
        self.logins().remember(generation, pair, verified.clone());
        verified.principal
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn verified(since_ms: i64) -> Verified {
        Verified { principal: Principal::system(OrgId::from_uuid(Uuid::nil())), hash: "x".into(), since_ms }
    }

    #[test]
    fn a_pair_is_believed_for_a_while() {
        assert!(verified(0).is_fresh(millis(BELIEVED) - 1));
        assert!(!verified(0).is_fresh(millis(BELIEVED)));
        assert!(!verified(0).is_fresh(-1), "the clock was set back");
        let logins = VerifiedLogins::default();
        assert_ne!(logins.fingerprint("ada", "secret"), logins.fingerprint("adas", "ecret"), "the boundary counts");
    }

    #[test]
    fn memory_stays_bounded() {
        let logins = VerifiedLogins::default();
        for number in 0..3 * MAX_LOGINS {
            let pair = logins.fingerprint("ada", &number.to_string());
            logins.remember(0, pair, verified(0));
            assert!(logins.find(&pair).is_some());
            assert!(logins.known.lock().pairs.len() <= MAX_LOGINS);
        }
    }

    #[test]
    fn a_look_up_beside_a_change_is_not_remembered() {
        let logins = VerifiedLogins::default();
        let (org, user) = (OrgId::from_uuid(Uuid::nil()), UserId::from_uuid(Uuid::nil()));
        let principal = Principal::user(org, user, None, sensorium_model::Role::Owner);
        let verified = Verified { principal, ..verified(0) };
        let before = logins.generation();
        logins.forget_user(user);
        logins.remember(before, [1; 32], verified.clone());
        assert!(logins.find(&[1; 32]).is_none());
        logins.remember(logins.generation(), [1; 32], verified);
        assert!(logins.find(&[1; 32]).is_some());
        logins.forget_user(user);
        assert!(logins.find(&[1; 32]).is_none());
    }
}
