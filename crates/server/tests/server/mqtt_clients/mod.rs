//! Clients that others wrote, with 3.1.1 and 5.0: Eclipse Paho in Python and MQTT.js, over TCP and WebSocket, `mosquitto_pub` and
//! `mosquitto_sub`, and rumqttc.
//!
//! The scripts `with_paho.py`, `with_mqttjs.mjs` and `with_mosquitto.py` hold a function for each feature, named for its section of
//! MQTT 5.0. Those in Python were tried with Mosquitto 2.0.11, which differs in one: when a client connects twice it does not tell
//! the older connection why it ends.

mod with_rumqttc;

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::mqtt::server;
use crate::support::{TOKEN, block_on, python, succeed};

/// Tests of a script: a module for each way of connecting, in it one for each version, with its features.
macro_rules! features {
    ($script:tt over $($transport:ident),+: $features:tt) => {
        $(mod $transport {
            features! {@ $script $transport $features}
        })+
    };
    (@ $script:tt $transport:ident {$($module:ident $version:literal [$($feature:ident),+ $(,)?])+}) => {
        /// The features and versions that are tested here.
        const TESTED: &[(&str, &str)] = &[$($((stringify!($feature), $version)),+),+];
        $(mod $module {
            $(#[test]
            fn $feature() {
                $crate::mqtt_clients::run($script, stringify!($transport), &[stringify!($feature), $version]);
            })+
        })+

        #[test]
        fn every_feature_of_the_script_is_tested() {
            $crate::mqtt_clients::assert_complete(include_str!($script), TESTED);
        }
    };
}

/// Runs a script against the server that the tests of MQTT share.
fn run(script: &str, transport: &str, feature: &[&str]) {
    let url = match transport {
        "websocket" => format!("{}/mqtt", server().url().replace("http://", "ws://")),
        _ => format!("mqtt://{}", server().mqtt()),
    };
    let mut command = match script.ends_with(".py") {
        true => Command::new(python().join("python3")),
        false => Command::new("node"),
    };
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server/mqtt_clients/").to_owned() + script);
    command.args([&url, "device", TOKEN]).args(feature).env("SENSORIUM_TOKEN_ID", token_id());
    // Python leaves no compiled modules beside the scripts.
    succeed(command.env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null()));
}

/// The id of the token that scripts have, under which they prove to know it.
fn token_id() -> String {
    let request = server().request(reqwest::Method::GET, "/api/v1/tokens");
    let list: Value = block_on(async { request.send().await.unwrap().json().await.unwrap() });
    let tokens = list["tokens"].as_array().unwrap();
    tokens.iter().find(|token| token["name"] == "bootstrap").unwrap()["id"].as_str().unwrap().to_owned()
}

/// The name, behind its `s`, and the parameters of a feature that begins with this line.
fn feature(line: &str) -> Option<(&str, &str)> {
    let function = line.strip_prefix("def s").or_else(|| line.strip_prefix("export async function s"))?;
    function.split_once('(').filter(|(name, _)| name.starts_with(|first: char| first.is_ascii_digit()))
}

/// Fails when a script has a feature that no test asks for.
fn assert_complete(script: &str, tested: &[(&str, &str)]) {
    for (name, parameters) in script.lines().filter_map(feature) {
        let versions: &[&str] = if parameters.starts_with("version") { &["3.1.1", "5.0"] } else { &["5.0"] };
        for version in versions {
            let is_tested = tested.iter().any(|(other, of)| other.strip_prefix('s') == Some(name) && of == version);
            assert!(is_tested, "s{name} has no test with {version}");
        }
    }
}

mod paho {
    features! {"with_paho.py" over tcp, websocket: {
        version_3_1_1 "3.1.1" [
            s3_1_connect,
            s3_1_2_5_will,
            s3_1_4_take_over,
            s3_3_1_3_retained,
            s3_10_unsubscribe,
            s3_12_keep_alive,
            s4_1_session,
            s4_3_qos,
            s4_6_order,
            s4_7_topics,
        ]
        version_5 "5.0" [
            s3_1_connect,
            s3_1_2_5_will,
            s3_1_2_11_3_receive_maximum,
            s3_1_2_11_4_maximum_packet_size,
            s3_1_3_2_2_will_delay,
            s3_1_4_take_over,
            s3_2_2_3_7_assigned_client_identifier,
            s3_3_1_3_retained,
            s3_3_2_3_properties,
            s3_3_2_3_3_message_expiry,
            s3_3_2_3_4_topic_alias,
            s3_8_2_1_2_subscription_identifier,
            s3_8_3_1_subscription_options,
            s3_10_unsubscribe,
            s3_12_keep_alive,
            s4_1_session,
            s4_3_qos,
            s4_6_order,
            s4_7_topics,
            s4_8_2_shared_subscriptions,
            s4_10_request_response,
        ]
    }}
}

mod mqttjs {
    features! {"with_mqttjs.mjs" over tcp, websocket: {
        version_3_1_1 "3.1.1" [
            s3_1_connect,
            s3_1_2_5_will,
            s3_1_4_take_over,
            s3_3_1_3_retained,
            s3_10_unsubscribe,
            s3_12_keep_alive,
            s4_1_session,
            s4_3_qos,
            s4_6_order,
            s4_7_topics,
        ]
        version_5 "5.0" [
            s3_1_connect,
            s3_1_2_5_will,
            s3_1_2_11_4_maximum_packet_size,
            s3_1_3_2_2_will_delay,
            s3_1_4_take_over,
            s3_2_2_3_7_assigned_client_identifier,
            s3_3_1_3_retained,
            s3_3_2_3_properties,
            s3_3_2_3_3_message_expiry,
            s3_3_2_3_4_topic_alias,
            s3_8_2_1_2_subscription_identifier,
            s3_8_3_1_subscription_options,
            s3_10_unsubscribe,
            s3_12_keep_alive,
            s4_1_session,
            s4_3_qos,
            s4_6_order,
            s4_7_topics,
            s4_8_2_shared_subscriptions,
            s4_10_request_response,
            s4_12_scram,
        ]
    }}
}

mod mosquitto {
    features! {"with_mosquitto.py" over tcp: {
        version_3_1_1 "3.1.1" [
            s3_1_connect,
            s3_1_2_5_will,
            s3_3_1_3_retained,
            s4_1_session,
            s4_3_qos,
            s4_6_order,
            s4_7_topics,
        ]
        version_5 "5.0" [
            s3_1_connect,
            s3_1_2_5_will,
            s3_1_2_11_2_session_expiry,
            s3_3_1_3_retained,
            s3_3_2_3_properties,
            s3_8_2_1_2_subscription_identifier,
            s4_1_session,
            s4_3_qos,
            s4_6_order,
            s4_7_topics,
            s4_8_2_shared_subscriptions,
        ]
    }}
}
