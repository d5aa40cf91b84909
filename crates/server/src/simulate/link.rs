//! One connection of a device to the broker, from CONNECT to its end. A device that connects again makes another one, so that
//! what is sent again, and when, is decided in one place ([`super::device`]).

use std::time::Duration;

use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, LastWill, MqttOptions, Outgoing as Out, Packet,
    QoS, SubscribeReasonCode,
};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::args::Broker;
use super::device::Will;
use super::outbox::Outgoing;

/// As the library of the ESP8266 has it.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Requests and news that wait for each other; a device has one message under way.
const QUEUE: usize = 16;
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// Where a device connects, and with which password.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) broker: Broker,
    pub(super) password: String,
}

/// What happened on a connection.
#[derive(Debug)]
pub(super) enum News {
    Connected,
    /// The message that was under way is stored.
    Acknowledged,
    Message {
        topic: String,
        payload: String,
    },
    /// Nothing follows.
    Lost(Loss),
}

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum Loss {
    /// Another one may be good.
    ForNow(String),
    /// The same happens again.
    ForGood(String),
}

/// A connection.
pub(super) struct Link {
    client: AsyncClient,
    news: mpsc::Receiver<News>,
    /// Reads and writes; ends with the value.
    driver: AbortOnDropHandle<()>,
}

impl Link {
    /// Begins to connect as a device.
    pub(super) fn open(login: &Login, name: &str, will: Option<Will>) -> Self {
        let Login { broker, password } = login;
        let mut options = MqttOptions::new(name, broker.host.as_str(), broker.port);
        options.set_keep_alive(KEEP_ALIVE).set_credentials(name, password.as_str());
        if let Some(Will { topic, payload }) = will {
            options.set_last_will(LastWill::new(topic, payload, QoS::AtLeastOnce, true));
        }
        let (client, eventloop) = AsyncClient::new(options, QUEUE);
        let (sender, news) = mpsc::channel(QUEUE);
        let driver = tokio::spawn(drive(eventloop, broker.clone(), sender));
        Self { client, news, driver: AbortOnDropHandle::new(driver) }
    }

    /// What happens next.
    pub(super) async fn next(&mut self) -> News {
        let ended = || News::Lost(Loss::ForNow("the connection ended".to_owned()));
        self.news.recv().await.unwrap_or_else(ended)
    }

    /// Sends a message with QoS 1; false when it cannot be, because the connection is about to end.
    pub(super) fn publish(&self, message: &Outgoing) -> bool {
        let Outgoing { topic, payload, retain } = message;
        self.client.try_publish(topic, QoS::AtLeastOnce, *retain, payload.as_str()).is_ok()
    }

    /// Asks for messages; that they are refused ends the connection.
    pub(super) fn subscribe(&self, filter: String) {
        // What fails here is a connection that ends, which is told as news.
        let _ended = self.client.try_subscribe(filter, QoS::AtLeastOnce);
    }

    /// Ends it without the will being told.
    pub(super) async fn close(self) {
        if self.client.try_disconnect().is_ok() {
            // Nobody reads the news any more.
            drop(self.news);
            let _late = tokio::time::timeout(GOODBYE, self.driver).await;
        }
    }
}

/// Reads and writes until the connection ends. It is a task of its own, because half a packet may be written when it is interrupted.
async fn drive(mut eventloop: EventLoop, broker: Broker, news: mpsc::Sender<News>) {
    loop {
        let told = match eventloop.poll().await {
            Ok(Event::Outgoing(Out::Disconnect)) => return,
            Ok(event) => told(event),
            Err(error) => Some(News::Lost(loss(&error, &broker))),
        };
        let is_last = matches!(told, Some(News::Lost(_)));
        if let Some(told) = told {
            // While it says goodbye, nobody listens.
            let _ended = news.send(told).await;
        }
        if is_last {
            return;
        }
    }
}

fn told(event: Event) -> Option<News> {
    match event {
        Event::Incoming(Packet::ConnAck(_)) => Some(News::Connected),
        Event::Incoming(Packet::PubAck(_)) => Some(News::Acknowledged),
        Event::Incoming(Packet::Publish(message)) => {
            let payload = String::from_utf8_lossy(&message.payload).into_owned();
            Some(News::Message { topic: message.topic, payload })
        }
        Event::Incoming(Packet::SubAck(ack)) if ack.return_codes.contains(&SubscribeReasonCode::Failure) => {
            let why = "it may not subscribe to its commands; use an API token of the device, or one that may read";
            Some(News::Lost(Loss::ForGood(why.to_owned())))
        }
        _ => None,
    }
}

fn loss(error: &ConnectionError, broker: &Broker) -> Loss {
    match error {
        ConnectionError::ConnectionRefused(
            ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized,
        ) => Loss::ForGood(format!("{broker} does not take the token; give another one with --token")),
        ConnectionError::ConnectionRefused(code @ ConnectReturnCode::BadClientId) => {
            Loss::ForGood(format!("{broker} refuses the connection ({code:?})"))
        }
        ConnectionError::Io(error) => Loss::ForNow(format!("{broker} cannot be reached: {error}")),
        error => Loss::ForNow(format!("the connection to {broker} ended: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_wrong_token_is_no_passing_trouble_and_a_server_that_is_away_is() {
        let broker = Broker { host: "localhost".to_owned(), port: 1883 };
        let refused = |code| loss(&ConnectionError::ConnectionRefused(code), &broker);
        for code in [ConnectReturnCode::BadUserNamePassword, ConnectReturnCode::NotAuthorized] {
            assert!(matches!(refused(code), Loss::ForGood(why) if why.contains("--token")));
        }
        assert!(matches!(refused(ConnectReturnCode::ServiceUnavailable), Loss::ForNow(_)));
        let away = ConnectionError::Io(io::ErrorKind::ConnectionRefused.into());
        assert!(matches!(loss(&away, &broker), Loss::ForNow(why) if why.contains("mqtt://localhost:1883")));
    }
}
