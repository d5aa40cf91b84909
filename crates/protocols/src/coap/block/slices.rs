//! Responses that are sent in blocks (Block2; RFC 7959, sections 2.4 and 2.6).

use std::hash::Hash;

use super::{Asked, Block, Blocks, BodyKey, Carrier, LARGEST, ROW, digest};
use crate::coap::code::Code;
use crate::coap::message::Response;
use crate::coap::option;

/// A response that is kept while its blocks are fetched.
#[derive(Debug)]
pub(super) struct Kept {
    key: BodyKey,
    response: Response,
    pub(super) expires_ms: u64,
}

impl Kept {
    pub(super) fn bytes(&self) -> usize {
        self.response.payload.len()
    }
}

impl<P: Copy + Eq + Hash> Blocks<P> {
    /// The block that is asked for, when its response is kept.
    pub(super) fn cut_kept(
        &mut self,
        now_ms: u64,
        peer: P,
        asked: &Asked,
        is_bodiless: bool,
        carrier: Carrier,
    ) -> Option<Response> {
        let block = asked.block2?;
        let block = block.with_exponent(block.exponent.min(self.exponent(carrier)));
        let expires_ms = now_ms + self.limits.kept_body_ms;
        // A client that sent a body in blocks asks for later blocks of the response without it (section 3.3).
        let is = |kept: &&mut Kept| {
            kept.key.resource == asked.key.resource && (is_bodiless || kept.key.body == asked.key.body)
        };
        let kept = self.peers.get_mut(&peer)?.kept.iter_mut().rev().find(is)?;
        kept.expires_ms = expires_ms;
        Some(cut(&kept.response, block, asked.wants_size, carrier))
    }

    /// A response whose body fits into a message as it is, or the block of it that was asked for.
    pub(super) fn slice(
        &mut self,
        now_ms: u64,
        peer: P,
        asked: &Asked,
        mut response: Response,
        carrier: Carrier,
    ) -> Response {
        let ours = self.exponent(carrier);
        let fits = response.payload.len() <= carrier.message_bytes;
        if response.code.is_error() || (asked.block2.is_none() && fits) {
            return response;
        }
        let asked_for = asked.block2.unwrap_or(Block { number: 0, has_more: false, exponent: ours });
        let block = asked_for.with_exponent(asked_for.exponent.min(ours));
        if response.payload.len() > block_room(block, carrier) {
            if response.options.get(option::ETAG).is_none() {
                response.options.add(option::ETAG, digest(&response.payload).to_be_bytes().to_vec());
            }
            self.keep(now_ms, peer, asked.key, response.clone());
        }
        cut(&response, block, asked.wants_size || block.number == 0, carrier)
    }

    fn keep(&mut self, now_ms: u64, peer: P, key: BodyKey, mut response: Response) {
        response.options.remove(option::OBSERVE);
        let bytes = response.payload.len();
        let (most, per_peer) = (self.limits.kept_body_bytes, self.limits.kept_bodies_per_peer);
        if bytes > most || per_peer == 0 {
            return;
        }
        // Each round forgets something or drops a peer from those to be looked at.
        while self.kept_bytes + bytes > most && !self.due.is_empty() {
            self.look_at_first(now_ms, true);
        }
        let expires_ms = now_ms + self.limits.kept_body_ms;
        let bodies = self.bodies(peer, expires_ms);
        let mut gone = 0;
        bodies.kept.retain(|kept| {
            let stays = kept.key != key;
            gone += if stays { 0 } else { kept.bytes() };
            stays
        });
        if bodies.kept.len() >= per_peer {
            gone += bodies.kept.remove(0).bytes();
        }
        bodies.kept.push(Kept { key, response, expires_ms });
        self.kept_bytes = self.kept_bytes + bytes - gone;
    }
}

/// Bytes that a message with this block holds.
fn block_room(block: Block, carrier: Carrier) -> usize {
    match block.exponent {
        ROW => (carrier.message_bytes / block.bytes()).max(1) * block.bytes(),
        _ => block.bytes(),
    }
}

/// Cuts a block out of a whole response.
fn cut(whole: &Response, block: Block, with_size: bool, carrier: Carrier) -> Response {
    debug_assert!(block.exponent <= LARGEST || carrier.has_rows);
    let (start, total) = (block.offset(), whole.payload.len());
    if start >= total && block.number > 0 {
        return Response::new(Code::BAD_REQUEST).with_text("the response has no such block");
    }
    let end = total.min(start + block_room(block, carrier));
    let mut response =
        Response { code: whole.code, options: whole.options.clone(), payload: whole.payload.slice(start..end) };
    let block = Block { has_more: end < total, ..block };
    response.options.set_uint(option::BLOCK2, block.value());
    if with_size && (block.has_more || block.number > 0) {
        response.options.set_uint(option::SIZE2, total as u64);
    }
    response
}
