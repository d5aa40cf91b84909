//! The connection of a bridge, made again and again: what goes out, what comes in, and what is acknowledged.
//!
//! Each connection has a client of its own, so that nothing of an older one is left in it; what was under way is sent again. Its
//! session is kept at the other side for [`KEPT`], which collects messages while there is no connection.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Filter, Packet, PubAckReason, Publish, RetainForwardRule, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions};
use rumqttc::{Outgoing as Went, Transport};
use sensorium_model::Principal;
use sensorium_protocols::mqtt::packet::{Qos, Version};
use sensorium_protocols::mqtt::session::Outcome;
use sensorium_protocols::mqtt::{Message, ReasonCode};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinError;

use super::Bridge;
use super::convert::{Outgoing, incoming};
use crate::mqtt::Shared;
use crate::mqtt::broker::Sender;
use crate::mqtt::intake::{Batch, Pending, PendingMessage, Publisher, Told};
use crate::mqtt::rights::Rights;

/// QoS 1 messages under way in each direction, and those of any QoS that are handed to the client at once.
pub(super) const WINDOW: u16 = 64;
/// QoS 0 messages that wait to be stored; further ones are dropped.
const WAITING: usize = 1_024;
/// How long the other side keeps the session, in seconds.
const KEPT: u32 = 86_400;
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long it is waited before the first try to connect again; twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Keeps a bridge until the broker stops.
pub(super) async fn run(shared: Arc<Shared>, bridge: Arc<Bridge>) {
    let mut pause = FIRST_PAUSE;
    let stop = shared.stop.clone();
    loop {
        let mut under_way = UnderWay::default();
        let ended = stop.run_until_cancelled(connection(&shared, &bridge, &mut under_way)).await;
        bridge.outbox.put_back(under_way.left());
        let Some(Ended { was_connected, error }) = ended else { break };
        if was_connected {
            pause = FIRST_PAUSE;
        }
        tracing::info!(bridge = bridge.config.name, %error, "a bridge of MQTT is not connected; it is tried again");
        bridge.turns(false, Some(error), shared.clock.now_ms());
        if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            break;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    let left = bridge.outbox.len();
    if left > 0 {
        tracing::warn!(bridge = bridge.config.name, left, "messages did not go out over a bridge before the end");
    }
}

/// Why a connection is over.
struct Ended {
    was_connected: bool,
    error: String,
}

/// Messages that the other side has not acknowledged.
#[derive(Default)]
struct UnderWay {
    /// Handed to the client, in their order, with no number so far.
    handed: VecDeque<Arc<Message>>,
    /// By their numbers, with their places in the order.
    numbered: HashMap<u16, (u64, Arc<Message>)>,
    sent: u64,
}

impl UnderWay {
    fn has_room(&self) -> bool {
        self.handed.len() + self.numbered.len() < usize::from(WINDOW)
    }

    /// The next one went; whether it needs no acknowledgement.
    fn went(&mut self, packet_id: u16) -> bool {
        let Some(message) = self.handed.pop_front() else { return false };
        if packet_id > 0 {
            self.sent += 1;
            self.numbered.insert(packet_id, (self.sent, message));
        }
        packet_id == 0
    }

    /// All, in their order.
    fn left(self) -> Vec<Arc<Message>> {
        let mut numbered: Vec<_> = self.numbered.into_values().collect();
        numbered.sort_unstable_by_key(|(place, _)| *place);
        numbered.into_iter().map(|(_, message)| message).chain(self.handed).collect()
    }
}

/// A connection from its beginning to its end.
async fn connection(shared: &Arc<Shared>, bridge: &Arc<Bridge>, under_way: &mut UnderWay) -> Ended {
    let mut was_connected = false;
    let options = match options(shared, bridge).await {
        Ok(options) => options,
        Err(error) => {
            tracing::debug!(%error, "no certificates");
            let error =
                "the certificates that this machine trusts cannot be read; set ca_file of the bridge".to_owned();
            return Ended { was_connected, error };
        }
    };
    let (client, events) = AsyncClient::new(options, usize::from(WINDOW) * 4);
    let (event_sender, mut events_here) = mpsc::channel(usize::from(WINDOW));
    let (taken_sender, taken) = mpsc::channel(WAITING + usize::from(WINDOW));
    let (done_sender, mut done) = mpsc::channel(WAITING + usize::from(WINDOW));
    let _pumping = Aborted(tokio::spawn(pump(events, event_sender)));
    // What came in is stored to its end, whatever becomes of the connection.
    shared.tasks.spawn(take(shared.clone(), bridge.clone(), taken, done_sender));
    loop {
        while was_connected && under_way.has_room() {
            let Some(message) = bridge.outbox.pop() else { break };
            let now_ms = shared.clock.now_ms();
            if message.is_expired(now_ms) {
                continue;
            }
            let Outgoing { topic, qos, retain, payload, properties } = Outgoing::new(bridge, &message, now_ms);
            if client.try_publish_with_properties(topic, qos, retain, payload, properties).is_err() {
                // It is no topic for the client, or there is no room, which the window leaves.
                bridge.count_refused();
                continue;
            }
            under_way.handed.push_back(message);
        }
        let event = tokio::select! {
            event = events_here.recv() => event,
            () = bridge.outbox.added() => continue,
            publish = done.recv() => {
                let Some(publish) = publish else {
                    let error = "messages that came in found no room here; the other side sends them again".to_owned();
                    return Ended { was_connected, error };
                };
                // When that fails, the connection is over, and the message comes again.
                let _ = client.try_ack(&publish);
                continue;
            }
        };
        match event {
            Some(Ok(Event::Outgoing(Went::Publish(packet_id)))) => {
                if under_way.went(packet_id) {
                    bridge.count_sent();
                }
            }
            Some(Ok(Event::Incoming(Packet::ConnAck(_)))) => {
                was_connected = true;
                bridge.turns(true, None, shared.clock.now_ms());
                tracing::info!(bridge = bridge.config.name, "a bridge of MQTT is connected");
                let filters = filters(bridge);
                if !filters.is_empty() && client.try_subscribe_many(filters).is_err() {
                    return Ended {
                        was_connected,
                        error: "its filters of messages that come in cannot be sent".to_owned(),
                    };
                }
            }
            Some(Ok(Event::Incoming(Packet::SubAck(ack)))) => {
                let is_refused = |code: &SubscribeReasonCode| !matches!(code, SubscribeReasonCode::Success(_));
                if ack.return_codes.iter().any(is_refused) {
                    let error = "the other broker does not let it subscribe to all of its filters".to_owned();
                    bridge.turns(true, Some(error), shared.clock.now_ms());
                }
            }
            Some(Ok(Event::Incoming(Packet::PubAck(ack)))) => {
                if under_way.numbered.remove(&ack.pkid).is_some() {
                    match ack.reason {
                        PubAckReason::Success | PubAckReason::NoMatchingSubscribers => bridge.count_sent(),
                        _ => bridge.count_refused(),
                    }
                }
            }
            Some(Ok(Event::Incoming(Packet::Publish(publish)))) => come_in(bridge, &taken_sender, publish),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Ended { was_connected, error: error.to_string() },
            None => return Ended { was_connected, error: "its client ended".to_owned() },
        }
    }
}

/// Ends a task with whoever waits for it.
struct Aborted(tokio::task::JoinHandle<()>);

impl Drop for Aborted {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Lets the client work, which must not be dropped in between, until its connection ends.
async fn pump(mut events: EventLoop, to: mpsc::Sender<Result<Event, ConnectionError>>) {
    loop {
        let event = events.poll().await;
        let is_over = event.is_err();
        if to.send(event).await.is_err() || is_over {
            return;
        }
    }
}

async fn options(shared: &Shared, bridge: &Bridge) -> Result<MqttOptions, JoinError> {
    let config = &bridge.config;
    let mut options = MqttOptions::new(config.client_id.clone(), config.host.clone(), config.port);
    options.set_keep_alive(KEEP_ALIVE);
    options.set_clean_start(false);
    options.set_session_expiry_interval(Some(KEPT));
    options.set_receive_maximum(Some(WINDOW));
    options.set_max_packet_size(Some(shared.limits.packet_bytes));
    options.set_outgoing_inflight_upper_limit(WINDOW * 4);
    options.set_manual_acks(true);
    if let Some((user, password)) = &config.credential {
        options.set_credentials(user.clone(), password.clone());
    }
    if config.tls {
        // Where it is installed already, nothing changes.
        let _already = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    }
    match &config.authorities {
        _ if !config.tls => {}
        Some(authorities) => {
            options.set_transport(Transport::tls(authorities.clone(), None, None));
        }
        // It reads files, and panics when there are none.
        None => {
            options.set_transport(tokio::task::spawn_blocking(Transport::tls_with_default_config).await?);
        }
    }
    Ok(options)
}

/// What is subscribed to: not what this server publishes there, and what is retained only once.
fn filters(bridge: &Bridge) -> Vec<Filter> {
    let qos = match bridge.config.qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce | Qos::ExactlyOnce => QoS::AtLeastOnce,
    };
    let filter = |filter: &sensorium_protocols::mqtt::TopicFilter| Filter {
        path: filter.as_str().to_owned(),
        qos,
        // A shared subscription must not leave its own out [MQTT-3.8.3-4].
        nolocal: filter.group().is_none(),
        preserve_retain: true,
        retain_forward_rule: RetainForwardRule::OnNewSubscribe,
    };
    bridge.config.inward.iter().map(filter).collect()
}

/// A message came in. There is room for those that wait to be acknowledged; of QoS 0, what finds none is gone.
fn come_in(bridge: &Bridge, to: &mpsc::Sender<Publish>, publish: Publish) {
    let has_room = publish.qos != QoS::AtMostOnce || to.capacity() > usize::from(WINDOW);
    if !has_room || to.try_send(publish).is_err() {
        let (name, direction) = (bridge.config.name.clone(), "in");
        metrics::counter!("sensorium_mqtt_bridge_dropped_total", "bridge" => name, "direction" => direction)
            .increment(1);
    }
}

/// Stores and passes on what comes in, batch by batch, and says what may be acknowledged. It ends when something is to come again,
/// and with it the connection: the other side sends what is not acknowledged only when there is another.
async fn take(
    shared: Arc<Shared>,
    bridge: Arc<Bridge>,
    mut taken: mpsc::Receiver<Publish>,
    done: mpsc::Sender<Publish>,
) {
    let rights = Arc::new(Rights::new(Principal::system(bridge.org), &shared.config.database));
    let mut came = Vec::new();
    while taken.recv_many(&mut came, WAITING).await > 0 {
        let now_ms = shared.clock.now_ms();
        let peer = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let mut batch = Vec::new();
        for (ticket, publish) in (0_u64..).zip(&came) {
            bridge.count_received();
            let message = incoming(&bridge, &shared.limits, publish, now_ms);
            let message = message.filter(|message| rights.may_publish(&message.topic));
            let heard = message.and_then(|message| Some((shared.hear(&rights, peer, &message).ok()?, message)));
            match heard {
                Some((said, message)) => {
                    batch.push(Pending::Message(PendingMessage::new(message, said, Some(ticket), None)));
                }
                None => bridge.count_refused(),
            }
        }
        let sender = Sender { org: bridge.org, key: bridge.key };
        let publisher = Publisher { rights: rights.clone(), sender, peer, version: Version::V5 };
        let (told, outcomes) = oneshot::channel();
        shared.gather(Batch::new(&shared, Told::Waiting(told), publisher, batch));
        let Ok(outcomes) = outcomes.await else { return };
        let mut is_to_come_again = vec![false; came.len()];
        for (ticket, outcome) in outcomes {
            if let Outcome::Refused { reason, .. } = outcome {
                bridge.count_refused();
                // Where there is no room, the other side keeps it.
                let place = usize::try_from(ticket).ok().and_then(|place| is_to_come_again.get_mut(place));
                if let Some(place) = place.filter(|_| reason == ReasonCode::ServerBusy) {
                    *place = true;
                }
            }
        }
        let mut is_over = false;
        for (publish, is_to_come_again) in came.drain(..).zip(is_to_come_again) {
            if publish.qos == QoS::AtMostOnce {
                continue;
            }
            if is_to_come_again {
                is_over = true;
            } else if done.send(publish).await.is_err() {
                return;
            }
        }
        if is_over {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use sensorium_protocols::mqtt::packet::Content;
    use sensorium_protocols::mqtt::{MqttLimits, TopicName};

    use super::*;

    fn message(topic: &str) -> Arc<Message> {
        let topic = TopicName::new(topic, &MqttLimits::default()).unwrap();
        Arc::new(Message { topic, qos: Qos::AtLeastOnce, retain: false, expires_ms: None, content: Content::default() })
    }

    #[test]
    fn what_is_not_acknowledged_is_left_in_its_order() {
        let mut under_way = UnderWay::default();
        under_way.handed.extend(["a", "b", "c", "d", "e"].map(message));
        assert!(!under_way.went(9) && under_way.went(0) && !under_way.went(3) && !under_way.went(1));
        assert!(under_way.numbered.remove(&3).is_some());
        let left: Vec<_> = under_way.left().iter().map(|message| message.topic.as_str().to_owned()).collect();
        assert_eq!(left, ["a", "d", "e"]);
        assert!(!UnderWay::default().went(1), "nothing was handed");
    }
}
