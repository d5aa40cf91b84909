//! A server that sends its clients to another one (section 4.11).

use std::process::Command;

use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::Connect;

use super::client::{Client, connect, connect_v3};
use crate::support::{Start, python, succeed};

/// Prints the reason and the reference of CONNACK.
const PAHO: &str = r#"
import sys
import paho.mqtt.client as mqtt
told = []
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
client.on_connect = lambda client, data, flags, reason, properties: told.append((reason.value, properties.ServerReference))
client.connect(sys.argv[1], int(sys.argv[2]))
while not told:
    client.loop(timeout=1)
print(*told[0])
"#;

#[test]
fn clients_are_told_where_to_go() {
    covers!("MQTT-4.13.2-1");
    let to = "other.example:1883 [2001:db8::1]:1883";
    for (is_permanent, reason) in [(false, ReasonCode::UseAnotherServer), (true, ReasonCode::ServerMoved)] {
        let set = Start::new().quiet().mqtt().set("mqtt.redirect_to", to);
        let server = set.set("mqtt.redirect_permanent", is_permanent).start();
        // Also one that has no credential here.
        for connect in [connect("redirect"), Connect { username: None, password: None, ..connect("redirect") }] {
            let (mut client, ack) = Client::hello_at(&server, connect);
            assert_eq!((ack.reason, ack.server_reference.as_deref()), (reason, Some(to)));
            assert!(client.rest().is_empty());
        }
        let (mut client, ack) = Client::hello_at(&server, connect_v3("redirect-3"));
        assert_eq!(ack.reason, ReasonCode::ServerUnavailable);
        assert!(client.rest().is_empty());
        let address = server.mqtt();
        let mut paho = Command::new(python().join("python3"));
        paho.args(["-c", PAHO, &address.ip().to_string(), &address.port().to_string()]);
        assert_eq!(succeed(&mut paho).trim(), format!("{} {to}", reason.code()));
    }
}
