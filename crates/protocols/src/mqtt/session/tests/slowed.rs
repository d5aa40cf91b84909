//! A client that is not read as fast as it sends.

use super::*;

#[test]
fn no_more_is_read_than_may_be_and_what_waits_is_no_silence() {
    let connect = Connect { keep_alive_seconds: 10, ..client(Version::V5) };
    let mut script = Script::accepted(connect, MqttLimits::default(), None);
    for _ in 0..3 {
        encode(&Packet::PingReq, Version::V5, u32::MAX, &mut script.unread).unwrap();
    }
    let Script { connection, unread, out, .. } = &mut script;
    connection.receive_at_most(unread, 0, 0, out);
    connection.receive_at_most(unread, 2, 0, out);
    assert_eq!(script.got(), ["pingresp", "pingresp"]);
    script.connection.not_read(14_000);
    assert_eq!(script.tick(15_000).closed(), None);
    assert_eq!(script.read().got(), ["pingresp"]);
    assert_eq!(script.tick(29_999).closed(), None);
    assert_eq!(script.tick(30_000).closed(), Some(ReasonCode::KeepAliveTimeout));
}
