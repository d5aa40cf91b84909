//! Clients that others wrote: Eclipse Paho in Python, `mosquitto_pub` and `mosquitto_sub`, with 3.1.1 and 5.0.
//!
//! `with_paho.py` and `with_mosquitto.py` hold a function for each feature, named for its section of MQTT 5.0. They were tried with
//! Mosquitto 2.0.11, which differs in one: when a client connects twice it does not tell the older connection why it ends.

use std::process::{Command, Stdio};

use crate::mqtt::server;
use crate::support::{TOKEN, python, succeed};

/// Tests of a script: a module for each version, with its features.
macro_rules! features {
    ($script:literal: $($module:ident $version:literal [$($feature:ident),+ $(,)?])+) => {
        /// The features and versions that are tested here.
        const TESTED: &[(&str, &str)] = &[$($((stringify!($feature), $version)),+),+];
        $(mod $module {
            $(#[test]
            fn $feature() {
                super::super::run($script, &[stringify!($feature), $version]);
            })+
        })+

        #[test]
        fn every_feature_of_the_script_is_tested() {
            super::assert_complete(include_str!($script), TESTED);
        }
    };
}

/// Runs a script against the server that the tests of MQTT share.
fn run(script: &str, feature: &[&str]) {
    let address = server().mqtt();
    succeed(
        Command::new(python().join("python3"))
            .arg("-B")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server/mqtt_clients/").to_owned() + script)
            .args([&address.ip().to_string(), &address.port().to_string(), "device", TOKEN])
            .args(feature)
            .stdin(Stdio::null()),
    );
}

/// Fails when a script has a feature that no test asks for.
fn assert_complete(script: &str, tested: &[(&str, &str)]) {
    let names = script.lines().filter_map(|line| line.strip_prefix("def s")?.split_once('('));
    for (name, parameters) in names.filter(|(name, _)| name.starts_with(|first: char| first.is_ascii_digit())) {
        let versions: &[&str] = if parameters.starts_with("version") { &["3.1.1", "5.0"] } else { &["5.0"] };
        for version in versions {
            let is_tested = tested.iter().any(|(other, of)| other.strip_prefix('s') == Some(name) && of == version);
            assert!(is_tested, "s{name} has no test with {version}");
        }
    }
}

mod paho {
    features! {"with_paho.py":
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
    }
}

mod mosquitto {
    features! {"with_mosquitto.py":
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
    }
}
