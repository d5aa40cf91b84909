//! Tests of observers.

use super::*;

fn observe() -> Request {
    get("/temperature").with_uint(option::OBSERVE, 0)
}

/// Registers an observer under a token of its own.
fn register(bench: &mut Bench, wishes: Wishes) -> (Option<ObserverId>, Message) {
    let message = bench.request(Kind::Con, observe());
    bench.message(&message);
    let exchange = bench.one();
    let observer = bench.endpoint.observe(bench.now_ms, exchange, wishes, content("20"), &mut bench.out);
    let answer = one(bench.sent().iter().map(read).collect());
    assert_eq!((answer.kind, answer.token), (Kind::Ack, message.token));
    (observer, answer)
}

fn notify(bench: &mut Bench, observer: ObserverId, text: &'static str) -> Vec<Message> {
    bench.endpoint.notify(bench.now_ms, observer, content(text), &mut bench.out);
    bench.sent().iter().map(read).collect()
}

fn gone(bench: &mut Bench) -> Vec<GoneReason> {
    let events = std::mem::take(&mut bench.out.events).into_iter();
    let of = |event| match event {
        Event::ObserverGone { reason, .. } => Some(reason),
        Event::Request { .. } => None,
        Event::Close { .. } => panic!("a datagram closes nothing"),
    };
    events.filter_map(of).collect()
}

#[test]
fn an_observer_is_told_and_every_nth_notification_is_confirmed() {
    let mut bench = Bench::with(CoapLimits { confirmed_every: 3, ..CoapLimits::default() });
    let (observer, answer) = register(&mut bench, Wishes::default());
    let observer = observer.unwrap();
    assert_eq!(answer.options.uint(option::OBSERVE), Some(1));
    let kinds: Vec<_> = ["21", "22", "23"].map(|text| one(notify(&mut bench, observer, text))).into();
    assert_eq!(kinds.iter().map(|m| m.kind).collect::<Vec<_>>(), [Kind::Non, Kind::Non, Kind::Con]);
    assert_eq!(kinds.iter().map(|m| m.options.uint(option::OBSERVE)).collect::<Vec<_>>(), [Some(2), Some(3), Some(4)]);
    assert!(kinds.iter().all(|m| m.token == answer.token));
    // Until that is acknowledged the newest is held.
    assert!(notify(&mut bench, observer, "24").is_empty());
    assert!(notify(&mut bench, observer, "25").is_empty());
    let held = one(bench.message(&Message::empty(Kind::Ack, kinds[2].id)));
    assert_eq!((held.kind, held.payload.as_ref()), (Kind::Non, &b"25"[..]));
    assert_eq!(bench.endpoint.gauges().unacknowledged, 0);
}

#[test]
fn what_was_measured_meanwhile_is_sent_instead_of_what_was_not_acknowledged() {
    let mut bench = Bench::with(CoapLimits { confirmed_every: 1, ..CoapLimits::default() });
    let observer = register(&mut bench, Wishes::default()).0.unwrap();
    let first = one(notify(&mut bench, observer, "21"));
    assert_eq!(one(bench.until_sent()), first, "sent again as it was");
    assert!(notify(&mut bench, observer, "22").is_empty());
    let newer = one(bench.until_sent());
    assert_eq!((newer.kind, newer.payload.as_ref()), (Kind::Con, &b"22"[..]));
    assert_ne!(newer.id, first.id);
    // Two repeats are left of four; then the observer is gone.
    assert_eq!(one(bench.until_sent()), newer);
    assert_eq!(one(bench.until_sent()), newer);
    assert!(bench.until_sent().is_empty());
    assert_eq!(gone(&mut bench), [GoneReason::TimedOut]);
    assert!(notify(&mut bench, observer, "23").is_empty());
    assert_eq!(bench.endpoint.gauges().observers, 0);
}

#[test]
fn a_reset_ends_an_observation_also_of_a_non() {
    for confirmed_every in [1, 100] {
        let mut bench = Bench::with(CoapLimits { confirmed_every, ..CoapLimits::default() });
        let observer = register(&mut bench, Wishes::default()).0.unwrap();
        let first = one(notify(&mut bench, observer, "21"));
        if confirmed_every > 1 {
            one(notify(&mut bench, observer, "22"));
        }
        assert!(bench.bytes(2, &encode(&Message::empty(Kind::Rst, first.id))).is_empty(), "of another peer");
        assert_eq!(gone(&mut bench), []);
        bench.message(&Message::empty(Kind::Rst, first.id));
        assert_eq!(gone(&mut bench), [GoneReason::Reset]);
        assert!(notify(&mut bench, observer, "23").is_empty());
        assert!(bench.until_sent().is_empty());
    }
}

#[test]
fn an_observation_ends_when_it_is_said_or_taken_again_or_told_a_failure() {
    let mut bench = Bench::new();
    let (observer, answer) = register(&mut bench, Wishes::default());
    let again = Message { id: 9, kind: Kind::Con, code: Code::GET, options: observe().options, ..answer.clone() };
    let again = Message { payload: Bytes::new(), ..again };
    bench.message(&again);
    let exchange = bench.one();
    let second = bench.endpoint.observe(bench.now_ms, exchange, Wishes::default(), content("21"), &mut bench.out);
    assert_ne!(second, observer);
    assert_eq!(gone(&mut bench), [GoneReason::Replaced]);
    bench.sent();
    let mut options = get("/temperature").options;
    options.add_uint(option::OBSERVE, 1);
    bench.message(&Message { id: 10, options, ..again });
    let event = bench.out.events.remove(0);
    assert_eq!(event, Event::ObserverGone { peer: PEER, observer: second.unwrap(), reason: GoneReason::Deregistered });
    let exchange = bench.one();
    assert_eq!(one(bench.respond(exchange, content("21"))).options.uint(option::OBSERVE), None);

    let observer = register(&mut bench, Wishes::default()).0.unwrap();
    bench.endpoint.notify(bench.now_ms, observer, Response::new(Code::NOT_FOUND), &mut bench.out);
    let last = one(bench.sent().iter().map(read).collect());
    assert_eq!((last.kind, last.code, last.options.uint(option::OBSERVE)), (Kind::Con, Code::NOT_FOUND, None));
    assert_eq!(gone(&mut bench), [GoneReason::Failed]);
    assert_eq!(one(bench.until_sent()), last, "the last word is sent until it is acknowledged");
}

#[test]
fn limits_of_observers_are_kept_and_the_answer_says_so() {
    let mut bench = Bench::with(CoapLimits { observers: 3, observers_per_peer: 2, ..CoapLimits::default() });
    assert!(register(&mut bench, Wishes::default()).0.is_some());
    let second = register(&mut bench, Wishes::default()).0.unwrap();
    let (none, answer) = register(&mut bench, Wishes::default());
    assert_eq!((none, answer.options.uint(option::OBSERVE)), (None, None));
    bench.endpoint.forget_observer(second);
    assert_eq!(gone(&mut bench), []);
    assert!(register(&mut bench, Wishes::default()).0.is_some());
    bench.endpoint.forget_peer(PEER, &mut bench.out);
    assert_eq!(gone(&mut bench), [GoneReason::PeerGone, GoneReason::PeerGone]);
    assert_eq!(bench.endpoint.gauges().observers, 0);
}

#[test]
fn wishes_are_kept_and_a_day_does_not_pass_without_an_acknowledgement() {
    let mut bench = Bench::with(CoapLimits { confirmed_every: 1_000_000, ..CoapLimits::default() });
    let observer = register(&mut bench, Wishes { every_ms: 10_000 }).0.unwrap();
    let began_ms = bench.now_ms;
    assert!(notify(&mut bench, observer, "21").is_empty());
    bench.now_ms += 5_000;
    assert!(notify(&mut bench, observer, "22").is_empty());
    let told = one(bench.until_sent());
    assert_eq!((told.kind, told.payload.as_ref(), bench.now_ms - began_ms), (Kind::Non, &b"22"[..], 10_000));
    bench.now_ms += 24 * 3_600 * 1_000;
    assert_eq!(one(notify(&mut bench, observer, "23")).kind, Kind::Con);
}

#[test]
fn numbers_begin_again_after_24_bits() {
    let mut bench = Bench::new();
    let observer = register(&mut bench, Wishes::default()).0.unwrap();
    bench.endpoint.observers.get_mut(observer).unwrap().set_sequence(0x00ff_fffe);
    let numbers = ["21", "22", "23"].map(|text| one(notify(&mut bench, observer, text)).options.uint(option::OBSERVE));
    assert_eq!(numbers, [Some(0x00ff_ffff), Some(0), Some(1)]);
}

#[test]
fn a_large_notification_is_fetched_in_blocks() {
    let mut bench = Bench::new();
    let observer = register(&mut bench, Wishes::default()).0.unwrap();
    bench.endpoint.notify(bench.now_ms, observer, content("").with_text(vec![9; 1_500]), &mut bench.out);
    let first = one(bench.sent().iter().map(read).collect());
    assert_eq!((first.payload.len(), first.options.uint(option::BLOCK2)), (1_024, Some(0x0e)));
    let message = bench.request(Kind::Con, get("/temperature").with_uint(option::BLOCK2, 0x16));
    let rest = one(bench.message(&message));
    assert_eq!((rest.payload.len(), rest.options.uint(option::OBSERVE)), (476, None));
    assert_eq!(rest.options.get(option::ETAG), first.options.get(option::ETAG));
}
