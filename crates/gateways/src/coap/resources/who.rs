//! Who asks: whom the transport has identified, or whose token is in the query.
//!
//! A token in the query of plain CoAP can be read by whoever sees the datagram; it is taken only with `coap.tokens_in_plain`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sensorium_metadata::MetadataError;
use sensorium_model::{Principal, Subject, TokenId};
use sensorium_protocols::coap::{Code, Response};

use super::super::Shared;
use super::super::answer::{failure, of_metadata};
use super::super::desk::Asked;
use super::super::route::Allow;

/// The part of the query that holds a token.
pub(super) const TOKEN: &str = "token";
/// How long names of tokens are believed.
const BELIEVED: Duration = Duration::from_secs(30);

/// Who asks.
pub(super) struct Who {
    /// Nobody, where there is no credential.
    pub(super) principal: Option<Arc<Principal>>,
    /// What has to stay good for as long as they observe.
    pub(super) token: Option<Arc<str>>,
}

/// Names of API tokens of the first organisation, for routes that let one of them in.
#[derive(Default)]
pub(in crate::coap) struct TokenNames(Mutex<Option<(Instant, HashMap<TokenId, String>)>>);

impl Shared {
    /// Who asks; the answer to a credential that is not good, or not taken.
    pub(super) async fn who(&self, asked: &Asked) -> Result<Who, Response> {
        let Some(token) = asked.request.query(TOKEN) else {
            return Ok(Who { principal: asked.caller.principal.clone(), token: None });
        };
        if !asked.caller.is_secured && !self.config.tokens_in_plain {
            let sentence =
                "a token is not taken over plain CoAP, where others can read it; use DTLS, or set coap.tokens_in_plain";
            return Err(failure(Code::UNAUTHORIZED, sentence));
        }
        match self.ingest.metadata.authenticate_token(token).await {
            Ok(Some(principal)) => Ok(Who { principal: Some(Arc::new(principal)), token: Some(token.into()) }),
            Ok(None) => Err(failure(Code::UNAUTHORIZED, "the token is unknown, revoked or too old")),
            Err(error) => Err(of_metadata(&error)),
        }
    }

    /// As whom somebody uses a route; the answer if they may not.
    pub(super) async fn let_in(&self, allow: &Allow, who: &Who) -> Result<Arc<Principal>, Response> {
        let caller = match (&who.principal, allow) {
            (Some(caller), _) => caller,
            (None, Allow::Anyone) => return Ok(self.nobody.clone()),
            (None, _) => {
                return Err(failure(
                    Code::UNAUTHORIZED,
                    "this path asks for a credential; use DTLS with a device's key",
                ));
            }
        };
        let is_in = match allow {
            Allow::Anyone => true,
            Allow::Devices => caller.device.is_some() || caller.for_devices,
            Allow::Token(name) => match caller.subject {
                Subject::Token(id) if caller.org == self.nobody.org => {
                    self.is_called(id, name).await.map_err(|error| of_metadata(&error))?
                }
                _ => false,
            },
        };
        match is_in {
            true => Ok(caller.clone()),
            false => {
                Err(failure(Code::FORBIDDEN, "this path is for others; its route says for whom (coap.route, allow)"))
            }
        }
    }

    async fn is_called(&self, id: TokenId, name: &str) -> Result<bool, MetadataError> {
        if let Some((read, names)) = &*self.token_names.0.lock()
            && read.elapsed() < BELIEVED
            && let Some(known) = names.get(&id)
        {
            return Ok(known == name);
        }
        let tokens = self.ingest.metadata.tokens(&Principal::system(self.nobody.org)).await?;
        let names: HashMap<TokenId, String> = tokens.into_iter().map(|token| (token.id, token.name)).collect();
        let is_called = names.get(&id).is_some_and(|known| known == name);
        *self.token_names.0.lock() = Some((Instant::now(), names));
        Ok(is_called)
    }
}
