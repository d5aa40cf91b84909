//! A message as it is shown: of a payload no more than a preview.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sensorium_model::messaging::TopicMessage;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::rfc3339;

/// Characters, or bytes, of a payload that are shown.
const PREVIEW: usize = 1_024;

/// A message.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MqttMessage {
    pub(super) topic: String,
    /// 0, 1 or 2, as it was published.
    qos: u8,
    /// Whether it is, or was to be, retained.
    retain: bool,
    /// Bytes of the payload.
    bytes: usize,
    /// The first 1,024 characters of a payload that is text.
    #[schema(required)]
    text: Option<String>,
    /// The first 1,024 bytes of any other payload, in Base64.
    #[schema(required)]
    base64: Option<String>,
    /// Whether the payload goes on behind what is shown.
    is_cut: bool,
    /// What the publisher says that the payload is.
    #[schema(required)]
    content_type: Option<String>,
    /// When nobody is to get it any more, RFC 3339.
    #[schema(required, format = DateTime)]
    expires: Option<String>,
    /// When it was passed on, RFC 3339; null for what is retained.
    #[schema(required, format = DateTime)]
    at: Option<String>,
    /// The identifier of the client that sent it; null if none did, and for what is retained.
    #[schema(required)]
    client_id: Option<String>,
}

impl From<TopicMessage> for MqttMessage {
    fn from(from: TopicMessage) -> Self {
        let TopicMessage { topic, qos, retain, payload, content_type, expires_ms, at_ms, client_id } = from;
        let (text, base64, is_cut) = match std::str::from_utf8(&payload) {
            Ok(whole) => {
                let end = whole.char_indices().nth(PREVIEW).map(|(end, _)| end);
                let shown = end.and_then(|end| whole.get(..end)).unwrap_or(whole);
                (Some(shown.to_owned()), None, shown.len() < whole.len())
            }
            Err(_) => {
                let shown = payload.get(..PREVIEW).unwrap_or(&payload);
                (None, Some(STANDARD.encode(shown)), shown.len() < payload.len())
            }
        };
        Self {
            topic: topic.as_ref().to_owned(),
            qos,
            retain,
            bytes: payload.len(),
            text,
            base64,
            is_cut,
            content_type: content_type.map(|text| text.as_ref().to_owned()),
            expires: expires_ms.map(time),
            at: at_ms.map(time),
            client_id: client_id.map(|text| text.as_ref().to_owned()),
        }
    }
}

/// A time of the broker's as RFC 3339.
pub(super) fn time(unix_ms: u64) -> String {
    rfc3339(i64::try_from(unix_ms).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(payload: impl Into<bytes::Bytes>) -> MqttMessage {
        TopicMessage {
            topic: "a/b".into(),
            qos: 1,
            retain: true,
            payload: payload.into(),
            content_type: None,
            expires_ms: Some(1_700_000_000_000),
            at_ms: None,
            client_id: None,
        }
        .into()
    }

    #[test]
    fn text_is_cut_between_characters() {
        let whole = shown("ä".repeat(PREVIEW));
        assert_eq!((whole.bytes, whole.is_cut, whole.base64), (2 * PREVIEW, false, None));
        let cut = shown("ä".repeat(PREVIEW + 1));
        assert_eq!((cut.bytes, cut.is_cut), (2 * PREVIEW + 2, true));
        assert_eq!(cut.text, Some("ä".repeat(PREVIEW)));
        assert_eq!(cut.expires.as_deref(), Some("2023-11-14T22:13:20.000Z"));
    }

    #[test]
    fn what_is_no_text_is_shown_as_bytes() {
        let whole = shown(vec![0xff_u8, 0]);
        assert_eq!((whole.text, whole.base64.as_deref(), whole.is_cut), (None, Some("/wA="), false));
        let cut = shown(vec![0xff_u8; PREVIEW + 1]);
        assert_eq!((cut.base64, cut.is_cut), (Some(STANDARD.encode([0xff_u8; PREVIEW])), true));
    }
}
