//! Tests of what a peer gets that has not shown where it is.

use super::*;

fn unproven() -> Bench {
    let mut bench = Bench::new();
    bench.arrival = Arrival::Plain;
    bench
}

#[test]
fn a_large_answer_is_given_after_a_challenge() {
    let mut bench = unproven();
    let message = bench.request(Kind::Con, get("/x"));
    bench.message(&message);
    let exchange = bench.one();
    let challenge = one(bench.respond(exchange, content("").with_text(vec![1; 500])));
    assert_eq!((challenge.kind, challenge.code), (Kind::Ack, Code::UNAUTHORIZED));
    let echo = challenge.options.get(option::ECHO).cloned().unwrap();
    assert_eq!(one(bench.message(&message)), challenge, "a repeat gets the challenge again");
    // Of another peer, or too late, it is worth nothing.
    for (peer, later_ms, is_believed) in [(2, 0, false), (PEER, 121_000, false), (PEER, 59_000, true)] {
        let mut bench = unproven();
        bench.now_ms += later_ms;
        let message = bench.request(Kind::Con, get("/x").with_option(option::ECHO, echo.clone()));
        bench.bytes(peer, &encode(&message));
        let (exchange, request) = bench.requests().remove(0);
        assert!(request.options.get(option::ECHO).is_none());
        let answer = one(bench.respond(exchange, content("").with_text(vec![1; 500])));
        assert_eq!(answer.code == Code::CONTENT, is_believed, "{peer} {later_ms}");
    }
}

#[test]
fn the_shortest_request_can_be_challenged() {
    let mut bench = unproven();
    let sent = bench.bytes(PEER, b"\x40\x01\x00\x01");
    assert!(sent.is_empty());
    let exchange = bench.one();
    bench.endpoint.respond(bench.now_ms, exchange, content("").with_text(vec![1; 500]), &mut bench.out);
    let sent = bench.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].len(), 12);
}

#[test]
fn what_changed_something_is_answered_shortly_and_a_failure_without_its_text() {
    let mut bench = unproven();
    for (request, response, code) in [
        (post(), content("").with_text(vec![1; 500]), Code::CONTENT),
        (get("/x"), Response::new(Code::NOT_FOUND).with_text(vec![1; 500]), Code::NOT_FOUND),
    ] {
        let message = bench.request(Kind::Con, request);
        bench.message(&message);
        let exchange = bench.one();
        let answer = one(bench.respond(exchange, response));
        assert_eq!((answer.code, answer.payload.len()), (code, 0));
    }
    assert_eq!(bench.endpoint.counters().challenges, 0);
}

#[test]
fn who_observes_shows_first_where_it_is() {
    let mut bench = unproven();
    let observe = get("/x").with_uint(option::OBSERVE, 0);
    let message = bench.request(Kind::Con, observe.clone());
    bench.message(&message);
    let exchange = bench.one();
    let wishes = Wishes::default();
    assert_eq!(bench.endpoint.observe(bench.now_ms, exchange, wishes, content("1"), &mut bench.out), None);
    let challenge = read(&bench.sent()[0]);
    let echo = challenge.options.get(option::ECHO).cloned().unwrap();
    let message = bench.request(Kind::Con, observe.with_option(option::ECHO, echo));
    bench.message(&message);
    let exchange = bench.one();
    assert!(bench.endpoint.observe(bench.now_ms, exchange, wishes, content("1"), &mut bench.out).is_some());
}

#[test]
fn who_observes_what_is_short_acknowledges_first() {
    let observe = |bench: &mut Bench| {
        let message = bench.request(Kind::Con, get("/sensors/temperature").with_uint(option::OBSERVE, 0));
        bench.message(&message);
        let exchange = bench.one();
        let wishes = Wishes::default();
        let observer = bench.endpoint.observe(bench.now_ms, exchange, wishes, content("1"), &mut bench.out).unwrap();
        assert_eq!(one(bench.sent().iter().map(read).collect()).code, Code::CONTENT);
        observer
    };
    let notify = |bench: &mut Bench, observer| {
        bench.endpoint.notify(bench.now_ms, observer, content("2"), &mut bench.out);
        bench.sent().iter().map(read).collect::<Vec<_>>()
    };
    let mut bench = unproven();
    let observer = observe(&mut bench);
    let first = one(notify(&mut bench, observer));
    assert_eq!(first.kind, Kind::Con);
    assert!(notify(&mut bench, observer).is_empty());
    assert_eq!(one(bench.message(&Message::empty(Kind::Ack, first.id))).kind, Kind::Non, "it has shown where it is");
    assert_eq!(one(notify(&mut bench, observer)).kind, Kind::Non);
    // Who says nothing gets no more than three times what it sent, and then nothing for ever.
    let mut bench = unproven();
    let observer = observe(&mut bench);
    let mut bytes = encode(&one(notify(&mut bench, observer))).len();
    while bench.endpoint.gauges().observers > 0 {
        bench.now_ms = bench.endpoint.deadline().unwrap().max(bench.now_ms);
        bytes += bench.tick().iter().map(|message| encode(message).len()).sum::<usize>();
    }
    assert!(bytes <= 3 * 40, "{bytes}");
}

#[test]
fn a_short_repeat_does_not_get_a_long_reply() {
    let mut bench = unproven();
    let message = bench.request(Kind::Con, post().with_payload(vec![1; 60]));
    bench.message(&message);
    let exchange = bench.one();
    let answer = one(bench.respond(exchange, content("").with_text(vec![1; 200])));
    assert_eq!(answer.payload.len(), 200);
    let short = encode(&Message { code: Code::GET, ..Message::empty(Kind::Con, message.id) });
    assert!(bench.bytes(PEER, &short).len() + bench.bytes(PEER, &short).len() <= 1);
    assert_eq!(one(bench.message(&message)), answer);
}

#[test]
fn no_more_than_three_times_what_came_goes_out_whatever_comes() {
    let mut random = Random::new(3);
    for _ in 0..50 {
        let mut bench = unproven();
        let (mut came, mut went) = (0, 0);
        for _ in 0..40 {
            let kind = if random.up_to(3) == 0 { Kind::Non } else { Kind::Con };
            let request = if random.up_to(1) == 0 { post() } else { get("/x").with_uint(option::BLOCK2, 0) };
            let mut message = bench.request(kind, request);
            if random.up_to(4) == 0 {
                bench.next_id -= 1;
                message.id = bench.next_id;
            }
            let bytes = encode(&message);
            came += bytes.len();
            went += bench.bytes(PEER, &bytes).iter().map(Bytes::len).sum::<usize>();
            for (exchange, _) in bench.requests() {
                if random.up_to(2) == 0 {
                    bench.endpoint.accept_later(bench.now_ms, exchange, &mut bench.out);
                }
                let text = vec![1; random.up_to(300) as usize];
                bench.endpoint.respond(bench.now_ms, exchange, content("").with_text(text), &mut bench.out);
            }
            bench.now_ms += random.up_to(5_000);
            bench.endpoint.tick(bench.now_ms, &mut bench.out);
            went += bench.sent().iter().map(Bytes::len).sum::<usize>();
            assert!(went <= 3 * came, "{went} for {came}");
        }
    }
}
