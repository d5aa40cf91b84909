//! Passwords: argon2id with the parameters that OWASP recommends (19 MiB, two passes, one lane), off the async threads
//! and with a bound on how many run at once, because each takes 19 MiB and tens of milliseconds.

use std::sync::Arc;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::error::MetadataError;
use crate::secrets;

/// The fewest characters of a password.
pub const MIN_CHARACTERS: usize = 10;
/// The most bytes of a password.
pub const MAX_BYTES: usize = 1_024;
/// How many hashes are computed at once.
pub const CONCURRENT: usize = 2;
/// How many callers may wait for a hash; more are told to come back later.
pub const WAITING: usize = 32;

/// KiB of memory per hash.
const MEMORY_KIB: u32 = 19 * 1_024;

/// Hashes and verifies.
#[derive(Clone)]
pub(crate) struct Passwords {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// A hash of a random password, verified for logins that do not exist so that they take as long as others.
    decoy: Arc<str>,
}

impl Passwords {
    pub(crate) fn new() -> Result<Self, MetadataError> {
        let decoy = hash_now(&secrets::session())?;
        Ok(Self {
            running: Arc::new(Semaphore::new(CONCURRENT)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            decoy: decoy.into(),
        })
    }

    /// The hash to store, in PHC string format.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, MetadataError> {
        let password = Zeroizing::new(password.to_owned());
        self.run(move || hash_now(&password)).await
    }

    /// Whether a password belongs to a stored hash; without a hash (no such user) takes the same time and is false.
    pub(crate) async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, MetadataError> {
        if password.len() > MAX_BYTES {
            return Ok(false);
        }
        let password = Zeroizing::new(password.to_owned());
        let exists = hash.is_some();
        let hash: Arc<str> = hash.map_or_else(|| self.decoy.clone(), Arc::from);
        let matches = self.run(move || verify_now(&password, &hash)).await?;
        Ok(matches && exists)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, MetadataError> + Send + 'static,
    ) -> Result<T, MetadataError> {
        let _place = self.waiting.try_acquire().map_err(|_| MetadataError::Busy)?;
        let running = self.running.clone().acquire_owned().await.map_err(|_| MetadataError::Busy)?;
        let work = move || {
            // Held by the thread: a caller who leaves does not make room for a third hash.
            let _running = running;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(MetadataError::Interrupted)?
    }
}

/// Checks a new password.
pub(crate) fn check_rules(login: &str, password: &str) -> Result<(), MetadataError> {
    let broken = |rule| Err(MetadataError::Invalid { what: "the password cannot be used", rule });
    if password.chars().count() < MIN_CHARACTERS {
        return broken("choose one of at least 10 characters");
    }
    if password.len() > MAX_BYTES {
        return broken("choose one of at most 1024 bytes");
    }
    if password.to_lowercase().contains(&login.to_lowercase()) && password.chars().count() < login.chars().count() + 6 {
        return broken("choose one that is not made of the login");
    }
    let first = password.chars().next();
    if password.chars().all(|character| Some(character) == first) {
        return broken("choose one that is not a single character repeated");
    }
    Ok(())
}

fn argon2() -> Result<Argon2<'static>, MetadataError> {
    let params = Params::new(MEMORY_KIB, 2, 1, None).map_err(|error| MetadataError::Hash(error.into()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &str) -> Result<String, MetadataError> {
    let salt = SaltString::encode_b64(&secrets::random::<16>()).map_err(MetadataError::Hash)?;
    let hash = argon2()?.hash_password(password.as_bytes(), &salt).map_err(MetadataError::Hash)?;
    Ok(hash.to_string())
}

fn verify_now(password: &str, hash: &str) -> Result<bool, MetadataError> {
    let hash = PasswordHash::new(hash).map_err(MetadataError::Hash)?;
    match argon2()?.verify_password(password.as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::Password) => Ok(false),
        Err(error) => Err(MetadataError::Hash(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn hashes_verify_and_hold_the_recommended_parameters() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("correct horse", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("correct horsf", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("correct horse", None).await.unwrap());
        assert!(passwords.verify("x", Some("not a hash")).await.is_err());
    }

    #[tokio::test]
    async fn a_crowd_is_turned_away_instead_of_filling_memory() {
        let passwords = Passwords::new().unwrap();
        let _taken = passwords.waiting.clone().try_acquire_many_owned(u32::try_from(WAITING).unwrap()).unwrap();
        assert!(matches!(passwords.hash("correct horse").await, Err(MetadataError::Busy)));
    }

    #[test]
    fn weak_passwords_are_refused() {
        for weak in ["short", "123456789", "aaaaaaaaaaaa", "administrator1"] {
            assert!(check_rules("administrator", weak).is_err(), "{weak:?} was accepted");
        }
        assert!(check_rules("ada", &"x1".repeat(600)).is_err());
        assert!(check_rules("ada", "ten letters").is_ok());
        assert!(check_rules("a", "üüüüüüüüüö").is_ok());
    }
}
