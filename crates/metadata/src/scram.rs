//! SCRAM-SHA-256 (RFC 5802 with the hash of RFC 7677): whoever connects proves to know the secret of an API token without sending
//! it, and the server proves that it knows what the secret is checked with. The name is the token's id.
//!
//! What is kept beside the fingerprint of a secret is a verifier: `SCRAM-SHA-256$ITERATIONS:SALT$STORED:SERVER`, each of the three in
//! base64, as PostgreSQL keeps its own. It does not help to connect. Tokens are random, so the fewest iterations that RFC 7677 allows
//! are enough. People's passwords have none: it would be far easier to guess from than the argon2id hash of [`crate::password`].
//!
//! Invariants:
//! - nobody learns whether a name exists: one that does not has a salt, too, always the same, which depends on the key of
//!   [`crate::sealed`]; and what is sent for it is checked as far as for others;
//! - an exchange is good once, because its nonce is random;
//! - a token that is revoked, too old, or of a device that may not write is worth nothing, when it is proven as well as later.
//!
//! Not offered: channel binding, and acting as somebody else.

use std::num::NonZeroU32;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac, pbkdf2};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sensorium_model::{Principal, TokenId};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::entity::api_token;
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::sealed::SealingKey;
use crate::secrets;

/// The name of the method.
pub const SCRAM_SHA_256: &str = "SCRAM-SHA-256";
/// The fewest that RFC 7677 allows.
const ITERATIONS: NonZeroU32 = match NonZeroU32::new(4_096) {
    Some(iterations) => iterations,
    None => NonZeroU32::MIN,
};
const SALT_BYTES: usize = 16;
const KEY_BYTES: usize = digest::SHA256_OUTPUT_LEN;
/// Bytes of the server's part of a nonce.
const NONCE_BYTES: usize = 18;
/// Bytes of a message of the client.
const MAX_MESSAGE: usize = 1_024;

/// What a secret is checked with.
#[derive(Clone)]
struct Verifier {
    iterations: NonZeroU32,
    salt: Vec<u8>,
    stored: [u8; KEY_BYTES],
    server: [u8; KEY_BYTES],
}

/// An exchange whose client is to prove what it knows.
pub struct ScramExchange {
    /// None for a name that does not exist.
    token: Option<TokenId>,
    verifier: Verifier,
    /// What the client said about channels, in base64.
    binding: String,
    nonce: String,
    /// What both sides said so far, as it is signed.
    said: String,
}

impl Metadata {
    /// Reads the first message of a client; the exchange, and what is to be sent back.
    pub async fn begin_scram(&self, first: &[u8]) -> Result<(ScramExchange, Vec<u8>), MetadataError> {
        let hello = Hello::read(first)?;
        // Asked for whatever the name, so that its failure tells nothing about that.
        let key = self.sealing_key().await?;
        // No token has the id of zeros.
        let id = hello.name.parse().unwrap_or(Uuid::nil());
        let row = self.token_row(id).await?;
        let known = row.and_then(|row| Some((TokenId::from_uuid(row.id), Verifier::read(&row.scram?)?)));
        let (token, verifier) = match known {
            Some((token, verifier)) => (Some(token), verifier),
            None => (None, Verifier::of_nobody(&key, &hello.name)),
        };
        Ok(ScramExchange::new(&hello, token, verifier, &STANDARD.encode(secrets::random::<NONCE_BYTES>())))
    }

    /// Whom a token belongs to that somebody has proven to know; none if it is revoked or too old, or belongs to a device that may
    /// not write.
    pub async fn proven_token(&self, token: TokenId) -> Result<Option<Principal>, MetadataError> {
        match self.token_row(*token.as_uuid()).await? {
            Some(row) => self.principal_of(&row, None).await,
            None => Ok(None),
        }
    }

    async fn token_row(&self, id: Uuid) -> Result<Option<api_token::Model>, MetadataError> {
        let found = api_token::Entity::find_by_id(id).filter(api_token::Column::RevokedAtMs.is_null());
        Ok(found.one(self.db()).await?)
    }
}

impl ScramExchange {
    fn new(hello: &Hello, token: Option<TokenId>, verifier: Verifier, nonce: &str) -> (Self, Vec<u8>) {
        let nonce = format!("{}{nonce}", hello.nonce);
        let answer = format!("r={nonce},s={},i={}", STANDARD.encode(&verifier.salt), verifier.iterations);
        let said = format!("{},{answer}", hello.bare);
        let exchange = Self { token, verifier, binding: STANDARD.encode(&hello.binding), nonce, said };
        (exchange, answer.into_bytes())
    }

    /// Reads the last message of the client: which token it knows, and what is to be sent back.
    pub fn finish(self, last: &[u8]) -> Result<(TokenId, Vec<u8>), MetadataError> {
        let last = text(last)?;
        let (without_proof, proof) = last.rsplit_once(",p=").ok_or_else(malformed)?;
        let mut attributes = without_proof.split(',');
        let binding = attributes.next().and_then(|first| first.strip_prefix("c=")).ok_or_else(malformed)?;
        let nonce = attributes.next().and_then(|second| second.strip_prefix("r=")).ok_or_else(malformed)?;
        let proof = STANDARD.decode(proof).map_err(|_| malformed())?;
        let signed = format!("{},{without_proof}", self.said);
        let signature = sign(&self.verifier.stored, signed.as_bytes());
        let key: Vec<u8> = proof.iter().zip(signature).map(|(proof, signature)| proof ^ signature).collect();
        let is_right = proof.len() == KEY_BYTES && bool::from(hash(&key).ct_eq(&self.verifier.stored));
        match self.token {
            Some(token) if is_right && binding == self.binding && nonce == self.nonce => {
                let signature = sign(&self.verifier.server, signed.as_bytes());
                Ok((token, format!("v={}", STANDARD.encode(signature)).into_bytes()))
            }
            _ => Err(MetadataError::WrongCredentials),
        }
    }
}

/// The verifier of a secret, as it is kept.
pub(crate) fn verifier(secret: &str) -> String {
    Verifier::of(secret, secrets::random::<SALT_BYTES>().to_vec()).text()
}

impl Verifier {
    fn of(secret: &str, salt: Vec<u8>) -> Self {
        let mut salted = [0; KEY_BYTES];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, &salt, secret.as_bytes(), &mut salted);
        let (stored, server) = (hash(&sign(&salted, b"Client Key")), sign(&salted, b"Server Key"));
        Self { iterations: ITERATIONS, salt, stored, server }
    }

    /// One that no secret belongs to, the same each time.
    fn of_nobody(key: &SealingKey, name: &str) -> Self {
        let [salt, stored, server] = ["salt", "stored", "server"].map(|of| key.decoy(&format!("{of} {name}")));
        let salt = salt.into_iter().take(SALT_BYTES).collect();
        Self { iterations: ITERATIONS, salt, stored, server }
    }

    fn text(&self) -> String {
        let [salt, stored, server] =
            [self.salt.as_slice(), &self.stored, &self.server].map(|bytes| STANDARD.encode(bytes));
        format!("{SCRAM_SHA_256}${}:{salt}${stored}:{server}", self.iterations)
    }

    fn read(text: &str) -> Option<Self> {
        let [method, salted, keys] = text.split('$').collect::<Vec<_>>().try_into().ok()?;
        let ((iterations, salt), (stored, server)) = (salted.split_once(':')?, keys.split_once(':')?);
        let key = |text: &str| STANDARD.decode(text).ok()?.try_into().ok();
        (method == SCRAM_SHA_256).then_some(())?;
        let (iterations, salt) = (iterations.parse().ok()?, STANDARD.decode(salt).ok()?);
        Some(Self { iterations, salt, stored: key(stored)?, server: key(server)? })
    }
}

/// The first message of a client (RFC 5802, section 7).
#[derive(Debug, PartialEq, Eq)]
struct Hello {
    /// Up to the name: what it says about channels.
    binding: String,
    /// All behind that.
    bare: String,
    name: String,
    nonce: String,
}

impl Hello {
    fn read(message: &[u8]) -> Result<Self, MetadataError> {
        let message = text(message)?;
        let bare = message.strip_prefix("n,,").or_else(|| message.strip_prefix("y,,")).ok_or_else(malformed)?;
        let binding = message.strip_suffix(bare).ok_or_else(malformed)?;
        let mut attributes = bare.split(',');
        let name = attributes.next().and_then(|first| first.strip_prefix("n=")).ok_or_else(malformed)?;
        let nonce = attributes.next().and_then(|second| second.strip_prefix("r=")).ok_or_else(malformed)?;
        let is_nonce = !nonce.is_empty() && nonce.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
        match is_nonce {
            true => Ok(Self {
                binding: binding.to_owned(),
                bare: bare.to_owned(),
                name: name.replace("=2C", ",").replace("=3D", "="),
                nonce: nonce.to_owned(),
            }),
            false => Err(malformed()),
        }
    }
}

fn text(message: &[u8]) -> Result<&str, MetadataError> {
    let message = std::str::from_utf8(message).ok().filter(|message| message.len() <= MAX_MESSAGE);
    message.ok_or_else(malformed)
}

fn malformed() -> MetadataError {
    let rule = "send what RFC 5802 says, with the id of an API token as the name and without channel binding";
    MetadataError::Invalid { what: "the message of SCRAM cannot be read", rule }
}

fn sign(key: &[u8], text: &[u8]) -> [u8; KEY_BYTES] {
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text);
    signature.as_ref().try_into().unwrap_or([0; KEY_BYTES])
}

fn hash(text: &[u8]) -> [u8; KEY_BYTES] {
    digest::digest(&digest::SHA256, text).as_ref().try_into().unwrap_or([0; KEY_BYTES])
}

#[cfg(test)]
mod tests {
    use sea_orm::Set;
    use sensorium_model::Subject;

    use super::*;
    use crate::config::MetadataConfig;

    /// RFC 7677, section 3.
    const FIRST: &str = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    const NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const ANSWER: &str = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    const LAST: &str =
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

    fn exchange(secret: &str, token: Option<TokenId>) -> (ScramExchange, Vec<u8>) {
        let verifier = Verifier::of(secret, STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap());
        let verifier = Verifier::read(&verifier.text()).unwrap();
        ScramExchange::new(&Hello::read(FIRST.as_bytes()).unwrap(), token, verifier, NONCE)
    }

    #[test]
    fn the_exchange_of_the_standard_succeeds() {
        let token = TokenId::from_uuid(Uuid::from_u128(7));
        let (exchange, answer) = exchange("pencil", Some(token));
        assert_eq!(answer, ANSWER.as_bytes());
        let (known, last) = exchange.finish(LAST.as_bytes()).unwrap();
        assert_eq!((known, last), (token, b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=".to_vec()));
    }

    #[test]
    fn a_wrong_secret_an_unknown_name_and_what_was_changed_fail_the_same() {
        let token = Some(TokenId::from_uuid(Uuid::from_u128(7)));
        let other_channel = LAST.replace("c=biws", "c=eSws");
        let other_nonce = LAST.replace("k0,p", "k1,p");
        for (secret, token, last) in [
            ("pencils", token, LAST),
            ("pencil", None, LAST),
            ("pencil", token, other_channel.as_str()),
            ("pencil", token, other_nonce.as_str()),
            ("pencil", token, &LAST.replace("p=dHzb", "p=")),
        ] {
            let wrong = exchange(secret, token).0.finish(last.as_bytes()).unwrap_err();
            assert!(matches!(wrong, MetadataError::WrongCredentials), "{secret} {last}: {wrong}");
        }
        for last in ["", "c=biws,r=x", "r=x,c=biws,p=AAAA", "c=biws,r=x,p=!"] {
            let wrong = exchange("pencil", token).0.finish(last.as_bytes()).unwrap_err();
            assert!(matches!(wrong, MetadataError::Invalid { .. }), "{last}: {wrong}");
        }
    }

    #[test]
    fn first_messages_are_read_or_refused() {
        let hello = Hello::read(b"y,,n=a=2Cb=3D2C,r=x,ext=1").unwrap();
        assert_eq!((hello.binding.as_str(), hello.name.as_str(), hello.nonce.as_str()), ("y,,", "a,b=2C", "x"));
        let long = format!("n,,n={},r=x", "x".repeat(MAX_MESSAGE));
        for wrong in
            ["", "n,,", "p=tls-unique,,n=a,r=x", "n,a=b,n=a,r=x", "n,,m=1,n=a,r=x", "n,,n=a,r=", "n,,r=x,n=a", &long]
        {
            assert!(Hello::read(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(Hello::read(b"n,,n=\xff,r=x").is_err());
    }

    #[test]
    fn a_verifier_that_is_damaged_is_none() {
        let text = verifier("secret");
        assert!(text.len() <= 160 && Verifier::read(&text).is_some() && !text.contains("secret"));
        assert_ne!(text, verifier("secret"), "the salt is random");
        for wrong in ["", "SCRAM-SHA-1$1:AA==$AA==:AA==", "SCRAM-SHA-256$0:AA==$AA==:AA==", &text[..text.len() - 4]] {
            assert!(Verifier::read(wrong).is_none(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_token_of_an_older_version_is_proven_once_it_was_used() {
        let folder = tempfile::tempdir().unwrap();
        let (metadata, _) = Metadata::open(MetadataConfig::new(folder.path())).await.unwrap();
        assert!(metadata.bootstrap_token("first").await.unwrap());
        let row = async || api_token::Entity::find().one(metadata.db()).await.unwrap().unwrap();
        assert!(row().await.scram.is_some());
        let older = api_token::ActiveModel { scram: Set(None), ..Default::default() };
        api_token::Entity::update_many().set(older).exec(metadata.db()).await.unwrap();
        let first = format!("n,,n={},r=x", row().await.id);
        assert_eq!(metadata.begin_scram(first.as_bytes()).await.unwrap().0.token, None);
        assert!(metadata.authenticate_token("first").await.unwrap().is_some());
        let token = TokenId::from_uuid(row().await.id);
        assert_eq!(metadata.begin_scram(first.as_bytes()).await.unwrap().0.token, Some(token));
        let principal = metadata.proven_token(token).await.unwrap().unwrap();
        assert_eq!(principal.subject, Subject::Token(token));
        let nobody = TokenId::from_uuid(Uuid::nil());
        assert!(metadata.proven_token(nobody).await.unwrap().is_none());
    }
}
