//! Tests of bodies in blocks.

use proptest::prelude::*;

use super::*;
use crate::coap::option::{BLOCK1, BLOCK2, ETAG, REQUEST_TAG, SIZE1, SIZE2};

const DATAGRAM: Carrier = Carrier { message_bytes: 1_024, has_rows: false };

fn blocks(limits: CoapLimits) -> Blocks<u8> {
    Blocks::new(Arc::new(limits))
}

fn block(number: u32, has_more: bool, exponent: u8) -> u64 {
    Block { number, has_more, exponent }.value()
}

fn put(value: u64, payload: impl Into<bytes::Bytes>) -> Request {
    Request::new(Code::PUT).with_path("/big").with_uint(BLOCK1, value).with_payload(payload)
}

fn get(value: u64) -> Request {
    Request::new(Code::GET).with_path("/big").with_uint(BLOCK2, value)
}

fn answer(incoming: Incoming) -> Response {
    match incoming {
        Incoming::Answer(response) => response,
        Incoming::Whole(request, _) => panic!("{request:?}"),
    }
}

fn whole(incoming: Incoming) -> (Request, Asked) {
    match incoming {
        Incoming::Whole(request, asked) => (request, asked),
        Incoming::Answer(response) => panic!("{response:?}"),
    }
}

fn assert_empty(blocks: &Blocks<u8>) {
    assert_eq!(blocks.usage(), (0, 0, 0));
}

#[test]
fn the_option_is_read_and_written() {
    for (value, number, has_more, exponent, offset) in
        [(0, 0, false, 0, 0), (0x1e, 1, true, 6, 1_024), (0xff_ff_f8, 0xf_ffff, true, 0, 0xf_ffff * 16)]
    {
        let mut options = Options::default();
        options.add_uint(BLOCK1, value);
        let block = Block::of(&options, BLOCK1).unwrap();
        assert_eq!(block, Block { number, has_more, exponent });
        assert_eq!((block.value(), block.offset()), (value, offset));
    }
}

#[test]
fn a_request_is_put_together() {
    let mut blocks = blocks(CoapLimits::default());
    for (number, payload) in [(0, [b'a'; 16]), (1, [b'b'; 16])] {
        let response = answer(blocks.incoming(0, 1, put(block(number, true, 0), payload.to_vec()), DATAGRAM));
        assert_eq!((response.code, response.options.uint(BLOCK1)), (Code::CONTINUE, Some(block(number, true, 0))));
    }
    let (request, asked) = whole(blocks.incoming(0, 1, put(block(2, false, 0), "c"), DATAGRAM));
    assert_eq!(request.payload, [&[b'a'; 16][..], &[b'b'; 16], b"c"].concat());
    assert!(request.options.get(BLOCK1).is_none());
    let response = blocks.outgoing(0, 1, &asked, Response::new(Code::CHANGED), DATAGRAM);
    assert_eq!(response.options.uint(BLOCK1), Some(block(2, false, 0)));
    assert_empty(&blocks);
}

#[test]
fn a_block_that_comes_again_is_taken_once_and_one_that_is_missing_is_told() {
    let mut blocks = blocks(CoapLimits::default());
    for number in [0, 1, 1] {
        let response = answer(blocks.incoming(0, 1, put(block(number, true, 0), vec![b'a'; 16]), DATAGRAM));
        assert_eq!(response.code, Code::CONTINUE);
    }
    let (request, _) = whole(blocks.incoming(0, 1, put(block(2, false, 0), "c"), DATAGRAM));
    assert_eq!(request.payload.len(), 33);
    let missing = answer(blocks.incoming(0, 1, put(block(2, false, 0), "c"), DATAGRAM));
    assert_eq!(missing.code, Code::REQUEST_ENTITY_INCOMPLETE);
    answer(blocks.incoming(0, 1, put(block(0, true, 0), vec![b'a'; 16]), DATAGRAM));
    let gap = answer(blocks.incoming(0, 1, put(block(2, true, 0), vec![b'a'; 16]), DATAGRAM));
    assert_eq!(gap.code, Code::REQUEST_ENTITY_INCOMPLETE);
    assert_empty(&blocks);
}

#[test]
fn what_is_wrong_with_a_block_is_told() {
    let mut blocks = blocks(CoapLimits { body_bytes: 40, ..CoapLimits::default() });
    let mut code = |request| answer(blocks.incoming(0, 1, request, DATAGRAM)).code;
    assert_eq!(code(put(block(0, true, 7), vec![0; 1_024])), Code::BAD_REQUEST);
    assert_eq!(code(get(block(0, false, 7))), Code::BAD_REQUEST);
    assert_eq!(code(put(block(0, true, 0), vec![0; 15])), Code::BAD_REQUEST);
    assert_eq!(code(put(block(0, false, 0), vec![0; 17])), Code::BAD_REQUEST);
    assert_eq!(code(put(block(0, true, 0), vec![0; 16]).with_uint(SIZE1, 41)), Code::REQUEST_ENTITY_TOO_LARGE);
    assert_eq!(code(put(block(0, true, 0), vec![0; 16])), Code::CONTINUE);
    assert_eq!(code(put(block(1, true, 0), vec![0; 16])), Code::CONTINUE);
    let large = answer(blocks.incoming(0, 1, put(block(2, false, 0), vec![0; 16]), DATAGRAM));
    assert_eq!((large.code, large.options.uint(SIZE1)), (Code::REQUEST_ENTITY_TOO_LARGE, Some(40)));
    assert_empty(&blocks);
}

#[test]
fn a_smaller_block_is_asked_for_at_the_first() {
    let mut blocks = blocks(CoapLimits { block_bytes: 64, ..CoapLimits::default() });
    let carrier = Carrier { message_bytes: 64, has_rows: false };
    let first = answer(blocks.incoming(0, 1, put(block(0, true, 3), vec![1; 128]), carrier));
    assert_eq!(first.options.uint(BLOCK1), Some(block(0, true, 2)));
    let (request, _) = whole(blocks.incoming(0, 1, put(block(2, false, 2), vec![2; 10]), carrier));
    assert_eq!(request.payload.len(), 138);
}

#[test]
fn bodies_of_several_tags_and_peers_do_not_mix() {
    let mut blocks = blocks(CoapLimits { assemblies_per_peer: 2, assemblies: 3, ..CoapLimits::default() });
    let tagged = |tag: &'static str, value, payload: Vec<u8>| put(value, payload).with_option(REQUEST_TAG, tag);
    let mut first = |peer, tag, byte| {
        answer(blocks.incoming(0, peer, tagged(tag, block(0, true, 0), vec![byte; 16]), DATAGRAM)).code
    };
    assert_eq!(first(1, "a", b'a'), Code::CONTINUE);
    assert_eq!(first(1, "b", b'b'), Code::CONTINUE);
    assert_eq!(first(1, "c", b'c'), Code::SERVICE_UNAVAILABLE);
    assert_eq!(first(2, "a", b'x'), Code::CONTINUE);
    assert_eq!(first(3, "a", b'x'), Code::SERVICE_UNAVAILABLE);
    for (peer, tag, byte) in [(1, "b", b'b'), (2, "a", b'x'), (1, "a", b'a')] {
        let (request, _) = whole(blocks.incoming(0, peer, tagged(tag, block(1, false, 0), vec![byte]), DATAGRAM));
        assert_eq!(request.payload, vec![byte; 17]);
    }
    assert_empty(&blocks);
}

#[test]
fn an_unfinished_body_is_forgotten_and_its_bytes_are_bounded() {
    let mut blocks = blocks(CoapLimits { assembly_bytes: 40, assembly_ms: 100, ..CoapLimits::default() });
    for peer in [1, 2] {
        answer(blocks.incoming(0, peer, put(block(0, true, 0), vec![0; 16]), DATAGRAM));
    }
    let full = answer(blocks.incoming(1, 2, put(block(1, true, 0), vec![0; 16]), DATAGRAM));
    assert_eq!(full.code, Code::SERVICE_UNAVAILABLE);
    assert_eq!(blocks.usage(), (1, 16, 0));
    assert_eq!(blocks.deadline(), Some(100));
    blocks.tick(100);
    assert_empty(&blocks);
    let gone = answer(blocks.incoming(101, 1, put(block(1, false, 0), vec![0; 16]), DATAGRAM));
    assert_eq!(gone.code, Code::REQUEST_ENTITY_INCOMPLETE);
    answer(blocks.incoming(200, 1, put(block(0, true, 0), vec![0; 16]), DATAGRAM));
    blocks.forget(1);
    assert_empty(&blocks);
}

/// Fetches a body block by block, asking the application when the server does.
fn fetch(blocks: &mut Blocks<u8>, peer: u8, body: &[u8], exponent: u8) -> Vec<u8> {
    let mut fetched = Vec::new();
    let mut number = 0;
    loop {
        let response = match blocks.incoming(0, peer, get(block(number, false, exponent)), DATAGRAM) {
            Incoming::Answer(response) => response,
            Incoming::Whole(_, asked) => {
                let response = Response::new(Code::CONTENT).with_payload(42, body.to_vec());
                blocks.outgoing(0, peer, &asked, response, DATAGRAM)
            }
        };
        let got = Block::of(&response.options, BLOCK2).unwrap();
        assert_eq!((response.code, got.number, got.exponent), (Code::CONTENT, number, exponent));
        fetched.extend_from_slice(&response.payload);
        if !got.has_more {
            return fetched;
        }
        number += 1;
    }
}

#[test]
fn a_response_is_fetched_also_beyond_block_4095() {
    let body: Vec<u8> = (0..70_001_u32).map(|byte| byte as u8).collect();
    let mut blocks = blocks(CoapLimits::default());
    assert_eq!(fetch(&mut blocks, 1, &body, 0), body, "4,376 blocks");
    assert_eq!(fetch(&mut blocks, 2, &body, 6), body);
    assert_eq!(blocks.usage(), (0, 0, 2 * body.len()));
    blocks.tick(60_000);
    assert_empty(&blocks);
}

#[test]
fn a_response_that_does_not_fit_is_cut_without_being_asked_and_kept_as_it_was() {
    let mut blocks = blocks(CoapLimits::default());
    let (_, asked) = whole(blocks.incoming(0, 1, Request::new(Code::GET).with_path("/big"), DATAGRAM));
    let first = blocks.outgoing(0, 1, &asked, Response::new(Code::CONTENT).with_text(vec![1; 1_500]), DATAGRAM);
    assert_eq!((first.payload.len(), first.options.uint(BLOCK2)), (1_024, Some(block(0, true, 6))));
    assert_eq!(first.options.uint(SIZE2), Some(1_500));
    let etag = first.options.get(ETAG).cloned().unwrap();
    // In smaller blocks, from where the client is.
    let later = answer(blocks.incoming(0, 1, get(block(64, false, 0)), DATAGRAM));
    assert_eq!((later.payload.len(), later.options.get(ETAG)), (16, Some(&etag)));
    let beyond = answer(blocks.incoming(0, 1, get(block(94, false, 0)), DATAGRAM));
    assert_eq!(beyond.code, Code::BAD_REQUEST);
    // Not kept any more: GET asks again and finds the same ETag, POST cannot.
    blocks.tick(60_000);
    let (_, asked) = whole(blocks.incoming(60_000, 1, get(block(1, false, 6)), DATAGRAM));
    let again = Response::new(Code::CONTENT).with_text(vec![1; 1_500]);
    let second = blocks.outgoing(60_000, 1, &asked, again, DATAGRAM);
    assert_eq!((second.payload.len(), second.options.get(ETAG)), (476, Some(&etag)));
    let post = Request::new(Code::POST).with_path("/big").with_uint(BLOCK2, block(1, false, 6));
    assert_eq!(answer(blocks.incoming(0, 1, post, DATAGRAM)).code, Code::REQUEST_ENTITY_INCOMPLETE);
}

#[test]
fn the_oldest_kept_responses_go_first() {
    let limits = CoapLimits { kept_body_bytes: 5_000, kept_bodies_per_peer: 2, ..CoapLimits::default() };
    let mut blocks = blocks(limits);
    let mut keep = |peer, path: &str| {
        let (_, asked) = whole(blocks.incoming(0, peer, Request::new(Code::GET).with_path(path), DATAGRAM));
        blocks.outgoing(0, peer, &asked, Response::new(Code::CONTENT).with_text(vec![1; 2_000]), DATAGRAM);
        blocks.usage().2
    };
    assert_eq!([keep(1, "/a"), keep(1, "/b"), keep(1, "/c")], [2_000, 4_000, 4_000]);
    assert_eq!([keep(2, "/a"), keep(3, "/a")], [4_000, 4_000]);
    let later = |path: &str| Request::new(Code::GET).with_path(path).with_uint(BLOCK2, block(1, false, 6));
    assert!(matches!(blocks.incoming(0, 3, later("/a"), DATAGRAM), Incoming::Answer(_)));
    assert!(matches!(blocks.incoming(0, 1, later("/a"), DATAGRAM), Incoming::Whole(..)));
}

#[test]
fn rows_of_blocks_on_reliable_connections() {
    let carrier = Carrier { message_bytes: 4_000, has_rows: true };
    let mut blocks = blocks(CoapLimits::default());
    let next = answer(blocks.incoming(0, 1, put(block(0, true, 7), vec![0; 3_072]), carrier));
    assert_eq!((next.code, next.options.uint(BLOCK1)), (Code::CONTINUE, Some(block(0, true, 7))));
    let (request, asked) = whole(blocks.incoming(0, 1, put(block(3, false, 7), vec![0; 1_500]), carrier));
    assert_eq!(request.payload.len(), 4_572);
    let response = Response::new(Code::CONTENT).with_text(vec![2; 5_000]);
    let first = blocks.outgoing(0, 1, &asked, response, carrier);
    assert_eq!((first.payload.len(), first.options.uint(BLOCK2)), (3_072, Some(block(0, true, 7))));
    let rest = Request::new(Code::PUT).with_path("/big").with_uint(BLOCK2, block(3, false, 7));
    let rest = answer(blocks.incoming(0, 1, rest, carrier));
    assert_eq!((rest.payload.len(), rest.options.uint(BLOCK2)), (1_928, Some(block(3, false, 7))));
}

proptest! {
    #[test]
    fn a_body_comes_whole_or_not_at_all(
        body in prop::collection::vec(any::<u8>(), 1..400),
        order in prop::collection::vec((0..30_u32, any::<bool>()), 0..60),
    ) {
        // Blocks in any order, repeated and left out, then all of them in their order.
        let mut blocks = blocks(CoapLimits::default());
        let count = body.len().div_ceil(16) as u32;
        let all = order.iter().map(|(number, _)| number % count).chain(0..count);
        let mut last = None;
        for number in all {
            let start = number as usize * 16;
            let part = body[start..body.len().min(start + 16)].to_vec();
            last = match blocks.incoming(0, 1, put(block(number, number + 1 < count, 0), part), DATAGRAM) {
                Incoming::Whole(request, _) => {
                    prop_assert_eq!(request.payload.as_ref(), &body[..]);
                    Some(number)
                }
                Incoming::Answer(response) => {
                    prop_assert!(matches!(response.code, Code::CONTINUE | Code::REQUEST_ENTITY_INCOMPLETE));
                    None
                }
            };
        }
        prop_assert_eq!(last, Some(count - 1));
        prop_assert_eq!(blocks.usage(), (0, 0, 0));
    }

    #[test]
    fn a_response_is_fetched_in_blocks_of_any_size(
        body in prop::collection::vec(any::<u8>(), 1..3_000),
        exponent in 0..7_u8,
    ) {
        let mut blocks = blocks(CoapLimits::default());
        prop_assert_eq!(fetch(&mut blocks, 1, &body, exponent), body);
    }
}
