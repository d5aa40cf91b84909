//! The control messages of `/ws/live`: JSON objects, told apart by `type`.

use std::collections::BTreeMap;

use sensorium_live::{LiveError, Pacer};
use sensorium_model::ErrorKind;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a client asks for.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ClientMessage {
    /// Watch something, or replace what the same number watched.
    Subscribe(Subscribe),
    /// Stop to watch.
    Unsubscribe(Unsubscribe),
    /// Send nothing until `resume`; what the last minute brought is sent then.
    Pause {},
    /// Go on.
    Resume {},
    /// Send at most so many frames a second.
    Rate(Rate),
}

/// A subscription as it is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subscribe {
    /// The client's own number for it.
    pub(super) id: u32,
    /// The database.
    pub(super) database: String,
    /// The table; `*` for every table.
    pub(super) table: String,
    /// Tags that a row must have.
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
    /// The fields; all when absent.
    #[serde(default)]
    pub(super) fields: Option<Vec<String>>,
    /// Continue after the last frame that the client received.
    #[serde(default)]
    pub(super) resume: Option<Resume>,
}

/// A number that was used in `subscribe`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unsubscribe {
    pub(super) id: u32,
}

/// Frames a second.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rate {
    pub(super) hz: f64,
}

/// Where to continue.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resume {
    /// From `hello`.
    pub(super) epoch: Uuid,
    /// From the last frame.
    pub(super) seq: u64,
}

/// What the server says.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ServerMessage {
    /// The first message.
    Hello { epoch: Uuid, seq: u64, hz: f64 },
    /// The subscription stands. With `gap`, something before `seq` is missing: ask for it over HTTP. Sent again, with
    /// `gap`, when a client was away for longer than the server remembers.
    Subscribed { id: u32, seq: u64, replayed: u64, gap: bool },
    /// A request was refused.
    Error(WireError),
    /// The client is behind: frames come at this rate and hold the latest value of each series and field only.
    Degraded { hz: f64, coalesced: u64 },
    /// The client keeps up again.
    Recovered { hz: f64 },
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct WireError {
    /// The subscription that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
    /// A stable word, as in the errors of the REST interface.
    code: &'static str,
    /// What to do, as a sentence.
    error: String,
}

impl WireError {
    pub(super) fn new(kind: ErrorKind, sentence: impl Into<String>) -> Self {
        Self { id: None, code: kind.as_str(), error: sentence.into() }
    }

    pub(super) fn about(self, id: u32) -> Self {
        Self { id: Some(id), ..self }
    }
}

impl From<LiveError> for WireError {
    fn from(error: LiveError) -> Self {
        Self::new(error.kind(), error.to_string())
    }
}

/// Reads a control message.
pub(super) fn parse(text: &str) -> Result<ClientMessage, WireError> {
    #[derive(Deserialize)]
    struct OnlyId {
        id: u32,
    }
    let message = serde_json::from_str::<ClientMessage>(text).map_err(|error| {
        let sentence = format!("this message is not understood: {error}; see the documentation of /ws/live");
        let refused = WireError::new(ErrorKind::Invalid, sentence);
        match serde_json::from_str::<OnlyId>(text) {
            Ok(OnlyId { id }) => refused.about(id),
            Err(_) => refused,
        }
    })?;
    match message {
        ClientMessage::Rate(Rate { hz }) if !(Pacer::MIN_HZ..=Pacer::MAX_HZ).contains(&hz) => {
            let sentence = format!("the rate is {hz} Hz; choose one from {} to {} Hz", Pacer::MIN_HZ, Pacer::MAX_HZ);
            Err(WireError::new(ErrorKind::Invalid, sentence))
        }
        message => Ok(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read() {
        let text = r#"{"type":"subscribe","id":1,"database":"main","table":"cpu","tags":{"cpu":"cpu-total"},
            "fields":["usage_user"],"resume":{"epoch":"00000000-0000-0000-0000-000000000001","seq":12}}"#;
        let ClientMessage::Subscribe(subscribe) = parse(text).unwrap() else { panic!("another message") };
        assert_eq!((subscribe.id, subscribe.table.as_str()), (1, "cpu"));
        assert_eq!(subscribe.resume.unwrap().seq, 12);
        assert!(matches!(parse(r#"{"type":"pause"}"#), Ok(ClientMessage::Pause {})));
        assert!(matches!(parse(r#"{"type":"rate","hz":5}"#), Ok(ClientMessage::Rate(Rate { hz: 5.0 }))));
    }

    #[test]
    fn what_is_not_understood_is_refused_by_number() {
        let misspelt = parse(r#"{"type":"subscribe","id":7,"database":"main","table":"cpu","tag":{}}"#).unwrap_err();
        assert_eq!(misspelt.id, Some(7));
        assert!(misspelt.error.contains("`tag`"), "{misspelt:?}");
        for bad in ["", "[]", "{}", r#"{"type":"drop"}"#, r#"{"type":"rate","hz":0}"#, r#"{"type":"rate","hz":1e9}"#] {
            assert_eq!(parse(bad).unwrap_err().code, "invalid", "{bad}");
        }
    }

    #[test]
    fn the_words_on_the_wire() {
        let json = |message| serde_json::to_value(message).unwrap();
        assert_eq!(
            json(ServerMessage::Subscribed { id: 1, seq: 12, replayed: 34, gap: false }),
            serde_json::json!({"type": "subscribed", "id": 1, "seq": 12, "replayed": 34, "gap": false})
        );
        let error = WireError::new(ErrorKind::Denied, "no").about(3);
        assert_eq!(
            json(ServerMessage::Error(error)),
            serde_json::json!({"type": "error", "id": 3, "code": "denied", "error": "no"})
        );
    }
}
