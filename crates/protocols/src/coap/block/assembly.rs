//! Requests that come in blocks (Block1; RFC 7959, sections 2.3, 2.5 and 2.9).

use std::hash::Hash;

use bytes::{Bytes, BytesMut};

use super::{Block, Blocks, BodyKey, ROW};
use crate::coap::code::Code;
use crate::coap::message::{Request, Response};
use crate::coap::option;

/// A body that is not complete yet.
#[derive(Debug)]
pub(super) struct Assembly {
    resource: u64,
    tag: u64,
    body: BytesMut,
    /// Where the last block started, to know it when it comes again.
    last_offset: usize,
    pub(super) expires_ms: u64,
}

impl Assembly {
    pub(super) fn bytes(&self) -> usize {
        self.body.len()
    }

    fn is(&self, key: &BodyKey) -> bool {
        (self.resource, self.tag) == (key.resource, key.tag)
    }
}

impl<P: Copy + Eq + Hash> Blocks<P> {
    /// Puts a block to its body; the body when it is whole now, or else what the client is told.
    pub(super) fn assemble(
        &mut self,
        now_ms: u64,
        peer: P,
        key: &BodyKey,
        block: Block,
        request: &Request,
    ) -> Result<Option<Bytes>, Response> {
        let payload = &request.payload;
        let is_full = match block.exponent {
            ROW => !payload.is_empty() && payload.len().is_multiple_of(block.bytes()),
            _ => payload.len() == block.bytes(),
        };
        let fits = block.exponent == ROW || payload.len() <= block.bytes();
        if (block.has_more && !is_full) || !fits {
            return Err(Response::new(Code::BAD_REQUEST).with_text("the payload has another size than its block"));
        }
        let declared = request.options.uint(option::SIZE1).unwrap_or_default();
        let end = block.offset() + payload.len();
        if declared > self.limits.body_bytes as u64 || end > self.limits.body_bytes {
            self.drop_assembly(peer, key);
            return Err(self.too_large());
        }
        if block.number == 0 {
            self.drop_assembly(peer, key);
            if !block.has_more {
                return Ok(Some(payload.clone()));
            }
            self.begin(now_ms, peer, key)?;
        }
        self.append(now_ms, peer, key, block, payload)
    }

    /// Makes room for a new body.
    fn begin(&mut self, now_ms: u64, peer: P, key: &BodyKey) -> Result<(), Response> {
        let (limits, assemblies) = (self.limits.clone(), self.assemblies);
        let expires_ms = now_ms + limits.assembly_ms;
        let busy =
            |what: String| Response::new(Code::SERVICE_UNAVAILABLE).with_uint(option::MAX_AGE, 10).with_text(what);
        let of_peer = self.peers.get(&peer).map_or(0, |bodies| bodies.assemblies.len());
        if of_peer >= limits.assemblies_per_peer {
            let limit = limits.assemblies_per_peer;
            return Err(busy(format!("{limit} bodies are being sent already (setting coap.assemblies_per_peer)")));
        }
        if assemblies >= limits.assemblies {
            let limit = limits.assemblies;
            return Err(busy(format!("{limit} bodies are being received already (setting coap.assemblies)")));
        }
        self.assemblies += 1;
        self.bodies(peer, expires_ms).assemblies.push(Assembly {
            resource: key.resource,
            tag: key.tag,
            body: BytesMut::new(),
            last_offset: 0,
            expires_ms,
        });
        Ok(())
    }

    fn append(
        &mut self,
        now_ms: u64,
        peer: P,
        key: &BodyKey,
        block: Block,
        payload: &Bytes,
    ) -> Result<Option<Bytes>, Response> {
        let has_room = self.assembly_bytes + payload.len() <= self.limits.assembly_bytes;
        let assembly = self.peers.get_mut(&peer).and_then(|bodies| bodies.assemblies.iter_mut().find(|a| a.is(key)));
        let Some(assembly) = assembly else { return Err(incomplete()) };
        let is_repeat = block.has_more
            && block.offset() == assembly.last_offset
            && block.offset() + payload.len() == assembly.bytes()
            && !payload.is_empty();
        if is_repeat {
            return Ok(None);
        }
        if block.offset() != assembly.bytes() {
            self.drop_assembly(peer, key);
            return Err(incomplete());
        }
        if !has_room {
            let limit = self.limits.assembly_bytes;
            self.drop_assembly(peer, key);
            let text = format!("{limit} bytes of bodies are being received already (setting coap.assembly_bytes)");
            return Err(Response::new(Code::SERVICE_UNAVAILABLE).with_uint(option::MAX_AGE, 10).with_text(text));
        }
        assembly.last_offset = assembly.bytes();
        assembly.body.extend_from_slice(payload);
        assembly.expires_ms = now_ms + self.limits.assembly_ms;
        self.assembly_bytes += payload.len();
        match block.has_more {
            true => Ok(None),
            false => Ok(self.drop_assembly(peer, key)),
        }
    }

    /// Takes a body out.
    fn drop_assembly(&mut self, peer: P, key: &BodyKey) -> Option<Bytes> {
        let assemblies = &mut self.peers.get_mut(&peer)?.assemblies;
        let place = assemblies.iter().position(|assembly| assembly.is(key))?;
        let assembly = assemblies.swap_remove(place);
        self.uncount_assembly(assembly.bytes());
        Some(assembly.body.freeze())
    }
}

fn incomplete() -> Response {
    Response::new(Code::REQUEST_ENTITY_INCOMPLETE).with_text("blocks before this one are missing; begin again")
}
