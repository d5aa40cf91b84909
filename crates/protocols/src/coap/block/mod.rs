//! Bodies that are larger than a message, in blocks (RFC 7959), and over reliable connections in rows of blocks (RFC 8323,
//! section 6).
//!
//! The application sees whole requests and gives whole responses. The blocks of a request (Block1) are put together by peer,
//! method, options and Request-Tag (RFC 9175, section 3), so that several bodies may come at the same time. A response
//! that does not fit (Block2) is kept for a while with its ETag, and its blocks are cut from what is kept: all of them are of
//! one moment. What is not kept any more is asked of the application again when the method is GET; the ETag tells the client
//! whether it is still the same.
//!
//! Q-Block (RFC 9177) is not spoken: its options are critical, so a client learns that from 4.02 and goes on with these blocks.
//!
//! Invariants:
//! - a body reaches the application whole, with its bytes in their order, or not at all;
//! - the bytes of what is kept are counted, and never more than the limits for long.
//!
//! Limits: those of [`CoapLimits`](super::CoapLimits) from `body_bytes` to `kept_body_ms`. An unfinished body that there is no
//! room for is refused with 5.03; of what is kept the oldest is forgotten.

mod assembly;
mod slices;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use sensorium_model::FastMap;

use self::assembly::Assembly;
use self::slices::Kept;
use super::CoapLimits;
use super::code::Code;
use super::message::{Request, Response};
use super::option::{self, OptionNumber, Options};

/// The exponent of 1,024 bytes, the largest block.
const LARGEST: u8 = 6;
/// The exponent that stands for rows of blocks of 1,024 bytes on reliable connections.
const ROW: u8 = 7;

/// Which part of a body a message holds (RFC 7959, section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Counted in blocks of this size, from 0; below 2^20.
    pub number: u32,
    /// Whether others follow.
    pub has_more: bool,
    /// Blocks have 2^(this + 4) bytes; 7 means rows of blocks of 1,024 bytes.
    pub exponent: u8,
}

impl Block {
    /// Reads the option; none when it is absent.
    pub fn of(options: &Options, number: OptionNumber) -> Option<Self> {
        let value = u32::try_from(options.uint(number)?).ok()?;
        Some(Self { number: value >> 4, has_more: value & 8 != 0, exponent: (value & 7) as u8 })
    }

    /// The option's value.
    pub fn value(self) -> u64 {
        u64::from(self.number) << 4 | u64::from(self.has_more) << 3 | u64::from(self.exponent)
    }

    /// Bytes of a block.
    pub fn bytes(self) -> usize {
        1 << (self.exponent.min(LARGEST) + 4)
    }

    /// Where it starts in the body.
    pub fn offset(self) -> usize {
        self.number as usize * self.bytes()
    }

    /// The block at the same place in blocks of another size, if it is not larger (section 2.9.1).
    fn with_exponent(self, exponent: u8) -> Self {
        let smaller = Self { exponent, ..self };
        Self { number: (self.offset() / smaller.bytes()) as u32, ..smaller }
    }
}

/// What a transport carries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Carrier {
    /// Bytes of a body that are sent in one message.
    pub(super) message_bytes: usize,
    /// Whether rows of blocks are understood.
    pub(super) has_rows: bool,
}

/// What is to be known of a request when its response is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    key: BodyKey,
    block1: Option<Block>,
    block2: Option<Block>,
    wants_size: bool,
}

impl Asked {
    /// What is asked without blocks and without a body that could have any.
    pub(super) const NOTHING: Self =
        Self { key: BodyKey { resource: 0, tag: 0, body: 0 }, block1: None, block2: None, wants_size: false };

    /// What a later response to the same request needs: notifications begin at their first block (RFC 7641, section 3.1).
    pub(super) fn again(self) -> Self {
        Self { block1: None, block2: self.block2.map(|block| Block { number: 0, ..block }), ..self }
    }
}

/// What a request that was received means.
#[derive(Debug)]
pub(super) enum Incoming {
    /// It is for the application.
    Whole(Request, Asked),
    /// It is answered without it.
    Answer(Response),
}

/// Which body a block belongs to, among those of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct BodyKey {
    /// Of method, path, query and the other options that tell resources apart.
    resource: u64,
    /// Of the Request-Tags.
    tag: u64,
    /// Of the body of FETCH.
    body: u64,
}

impl BodyKey {
    fn of(request: &Request) -> Self {
        let mut resource = DefaultHasher::new();
        let mut tag = DefaultHasher::new();
        request.code.hash(&mut resource);
        for (number, value) in request.options.iter() {
            match number {
                option::REQUEST_TAG => value.hash(&mut tag),
                option::BLOCK1 | option::BLOCK2 | option::SIZE1 | option::SIZE2 | option::OBSERVE => {}
                option::ETAG | option::ECHO | option::NO_RESPONSE => {}
                _ => (number, value).hash(&mut resource),
            }
        }
        Self { resource: resource.finish(), tag: tag.finish(), body: digest(&request.payload) }
    }
}

/// A number that bodies differ in.
fn digest(body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hasher.finish()
}

/// The bodies of one peer.
#[derive(Debug, Default)]
struct Bodies {
    assemblies: Vec<Assembly>,
    kept: Vec<Kept>,
}

/// The bodies of all peers.
#[derive(Debug)]
pub(super) struct Blocks<P> {
    limits: Arc<CoapLimits>,
    peers: FastMap<P, Bodies>,
    /// When peers are to be looked at, about in the order of time.
    due: VecDeque<(u64, P)>,
    assemblies: usize,
    assembly_bytes: usize,
    kept_bytes: usize,
}

impl<P: Copy + Eq + Hash> Blocks<P> {
    pub(super) fn new(limits: Arc<CoapLimits>) -> Self {
        let due = VecDeque::new();
        Self { limits, peers: FastMap::default(), due, assemblies: 0, assembly_bytes: 0, kept_bytes: 0 }
    }

    /// Takes a request: puts it to its body, cuts its answer from what is kept, or says that it is whole.
    pub(super) fn incoming(&mut self, now_ms: u64, peer: P, mut request: Request, carrier: Carrier) -> Incoming {
        let [block1, block2] = [option::BLOCK1, option::BLOCK2].map(|number| Block::of(&request.options, number));
        let mut asked = Asked {
            key: BodyKey::of(&request),
            block1,
            block2,
            wants_size: request.options.get(option::SIZE2).is_some(),
        };
        let is_reserved = |block: Block| block.exponent == ROW && !carrier.has_rows;
        if [block1, block2].into_iter().flatten().any(is_reserved) {
            return bad("a block size of 7 is reserved");
        }
        if let Some(block) = block1.filter(|_| request.code != Code::GET && request.code != Code::DELETE) {
            match self.assemble(now_ms, peer, &asked.key, block, &request) {
                Ok(Some(body)) => {
                    request.payload = body;
                    asked.key.body = digest(&request.payload);
                }
                Ok(None) => {
                    // With our block size, when it is smaller.
                    let next = block.with_exponent(block.exponent.min(self.exponent(carrier)));
                    let answer = Response::new(Code::CONTINUE).with_uint(option::BLOCK1, next.value());
                    return Incoming::Answer(answer);
                }
                Err(refusal) => return Incoming::Answer(refusal),
            }
        } else if request.payload.len() > self.limits.body_bytes {
            return Incoming::Answer(self.too_large());
        }
        if let Some(block) = block2.filter(|block| block.number > 0) {
            if let Some(answer) = self.cut_kept(now_ms, peer, &asked, request.payload.is_empty(), carrier) {
                return Incoming::Answer(answer);
            }
            if request.code != Code::GET {
                let text = "the response is not kept any more; ask for its first block again";
                return Incoming::Answer(Response::new(Code::REQUEST_ENTITY_INCOMPLETE).with_text(text));
            }
            // A later block is no reason to tell a client of changes.
            request.options.remove(option::OBSERVE);
            asked.block2 = Some(block);
        }
        for number in [option::BLOCK1, option::BLOCK2, option::SIZE1, option::SIZE2] {
            request.options.remove(number);
        }
        Incoming::Whole(request, asked)
    }

    /// Makes a whole response the message that is sent; keeps the rest.
    pub(super) fn outgoing(
        &mut self,
        now_ms: u64,
        peer: P,
        asked: &Asked,
        response: Response,
        carrier: Carrier,
    ) -> Response {
        let mut response = self.slice(now_ms, peer, asked, response, carrier);
        if let Some(block) = asked.block1 {
            let block = block.with_exponent(block.exponent.min(self.exponent(carrier)));
            response.options.set_uint(option::BLOCK1, Block { has_more: false, ..block }.value());
        }
        response
    }

    /// Forgets what a peer sent and was sent.
    pub(super) fn forget(&mut self, peer: P) {
        // The peer itself stays until its time comes, because it stands among those that are looked at.
        if let Some(bodies) = self.peers.get_mut(&peer).map(std::mem::take) {
            bodies.assemblies.iter().for_each(|assembly| self.uncount_assembly(assembly.bytes()));
            self.kept_bytes -= bodies.kept.iter().map(Kept::bytes).sum::<usize>();
        }
    }

    /// Forgets what was waited for too long.
    pub(super) fn tick(&mut self, now_ms: u64) {
        while self.due.front().is_some_and(|(due_ms, _)| *due_ms <= now_ms) {
            self.look_at_first(now_ms, false);
        }
    }

    /// When there is something to forget.
    pub(super) fn deadline(&self) -> Option<u64> {
        self.due.front().map(|(due_ms, _)| *due_ms)
    }

    /// Bodies that are not complete, their bytes, and the bytes of kept responses.
    pub(super) fn usage(&self) -> (usize, usize, usize) {
        (self.assemblies, self.assembly_bytes, self.kept_bytes)
    }

    /// Looks at the peer whose time came first; `forced` forgets its oldest kept response in any case.
    fn look_at_first(&mut self, now_ms: u64, forced: bool) {
        let Some((_, peer)) = self.due.pop_front() else { return };
        let Some(bodies) = self.peers.get_mut(&peer) else { return };
        let (mut gone, mut gone_bytes) = (0, 0);
        bodies.assemblies.retain(|assembly| {
            let stays = assembly.expires_ms > now_ms;
            if !stays {
                gone += 1;
                gone_bytes += assembly.bytes();
            }
            stays
        });
        let mut kept_gone = 0;
        if forced && !bodies.kept.is_empty() {
            kept_gone += bodies.kept.remove(0).bytes();
        }
        bodies.kept.retain(|kept| {
            let stays = kept.expires_ms > now_ms;
            kept_gone += if stays { 0 } else { kept.bytes() };
            stays
        });
        let next = bodies.assemblies.iter().map(|assembly| assembly.expires_ms);
        match next.chain(bodies.kept.iter().map(|kept| kept.expires_ms)).min() {
            Some(next_ms) => self.due.push_back((next_ms, peer)),
            None => drop(self.peers.remove(&peer)),
        }
        self.assemblies -= gone;
        self.assembly_bytes -= gone_bytes;
        self.kept_bytes -= kept_gone;
    }

    /// The bodies of a peer, which is looked at by the time given.
    fn bodies(&mut self, peer: P, due_ms: u64) -> &mut Bodies {
        let due = &mut self.due;
        self.peers.entry(peer).or_insert_with(|| {
            due.push_back((due_ms, peer));
            Bodies::default()
        })
    }

    fn uncount_assembly(&mut self, bytes: usize) {
        self.assemblies -= 1;
        self.assembly_bytes -= bytes;
    }

    /// The exponent of the blocks that we want.
    fn exponent(&self, carrier: Carrier) -> u8 {
        let most = self.limits.block_bytes.min(carrier.message_bytes);
        let wanted = most.clamp(16, 1_024).ilog2() as u8 - 4;
        if carrier.has_rows && wanted == LARGEST { ROW } else { wanted }
    }

    fn too_large(&self) -> Response {
        let limit = self.limits.body_bytes;
        Response::new(Code::REQUEST_ENTITY_TOO_LARGE)
            .with_uint(option::SIZE1, limit as u64)
            .with_text(format!("the body has more than {limit} bytes (setting coap.body_bytes)"))
    }
}

fn bad(text: &'static str) -> Incoming {
    Incoming::Answer(Response::new(Code::BAD_REQUEST).with_text(text))
}
