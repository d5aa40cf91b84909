//! Reading ingest bodies within their limits: as sent, after decompression, and all of them together.
//!
//! Limits: `http.body_bytes` for what is sent, `http.decoded_bytes` for what gzip makes of it, [`STALL`] between two
//! pieces of a body, and for all bodies in work together two of the largest decoded ones (at least
//! [`LEAST_TOGETHER_BYTES`]), beyond which senders are told to come back.

use std::io::{ErrorKind as IoErrorKind, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use axum::http::{HeaderMap, StatusCode};
use flate2::read::MultiGzDecoder;
use futures::StreamExt;
use sensorium_ingest::unless_small;
use sensorium_model::ErrorKind;

use crate::error::{ApiError, ApiResult};
use crate::state::ApiConfig;

/// How long a sender may pause inside of a body.
const STALL: Duration = Duration::from_secs(30);
/// The least that all bodies together may take.
const LEAST_TOGETHER_BYTES: usize = 128 << 20;
/// The best that gzip can do: what is announced beyond it is a lie.
const MOST_RATIO: usize = 1_032;
/// How much is decompressed at a time.
const PIECE_BYTES: usize = 256 << 10;

/// Bytes of all bodies in work. Memory is the process's, so its account is too.
static TOGETHER: AtomicUsize = AtomicUsize::new(0);

/// A whole body, decompressed. Counts against the memory for all bodies until it is dropped.
pub(crate) struct Received {
    pub(crate) bytes: Bytes,
    /// Size as sent.
    pub(crate) sent_bytes: usize,
    _room: Room,
}

/// Memory that a body holds.
struct Room {
    account: &'static AtomicUsize,
    held: usize,
    most: usize,
}

impl Room {
    fn new(config: &ApiConfig) -> Self {
        Self { account: &TOGETHER, held: 0, most: config.decoded_bytes.saturating_mul(2).max(LEAST_TOGETHER_BYTES) }
    }

    fn grow(&mut self, bytes: usize) -> ApiResult<()> {
        let before = self.account.fetch_add(bytes, Ordering::Relaxed);
        self.held += bytes;
        if before.saturating_add(bytes) <= self.most {
            return Ok(());
        }
        Err(ApiError::new(
            ErrorKind::Busy,
            "the server is taking in as much as it has memory for; send the same again in a moment",
        ))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.account.fetch_sub(self.held, Ordering::Relaxed);
    }
}

/// Reads a body to its end and decompresses it.
pub(crate) async fn receive(headers: &HeaderMap, body: Body, config: &ApiConfig) -> ApiResult<Received> {
    let gzip = is_gzip(headers)?;
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > config.body_bytes) {
        return Err(too_large_as_sent(config));
    }
    let mut room = Room::new(config);
    let sent = read(body, config, &mut room).await?;
    let sent_bytes = sent.len();
    if !gzip {
        if sent_bytes > config.decoded_bytes {
            return Err(too_large_decoded(config));
        }
        return Ok(Received { bytes: sent, sent_bytes, _room: room });
    }
    let limits = config.clone();
    let (decoded, room) = unless_small(sent_bytes, move || {
        let decoded = decompress(&sent, &limits, &mut room)?;
        Ok::<_, ApiError>((decoded, room))
    })
    .await??;
    Ok(Received { bytes: decoded.into(), sent_bytes, _room: room })
}

/// Reads a file of at most so many bytes, which `setting` says.
pub(crate) async fn receive_file(
    headers: &HeaderMap,
    body: Body,
    config: &ApiConfig,
    most: usize,
    setting: &str,
) -> ApiResult<Received> {
    if is_gzip(headers)? {
        return Err(
            ApiError::invalid("send the file without a Content-Encoding").status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        );
    }
    let within = ApiConfig { body_bytes: most, ..config.clone() };
    let mut room = Room::new(config);
    let too_large = |error: ApiError| match error.kind() {
        ErrorKind::TooLarge => ApiError::new(
            ErrorKind::TooLarge,
            format!("the file is larger than {most} bytes; make it smaller, or raise {setting}"),
        ),
        _ => error,
    };
    let bytes = read(body, &within, &mut room).await.map_err(too_large)?;
    Ok(Received { sent_bytes: bytes.len(), bytes, _room: room })
}

fn is_gzip(headers: &HeaderMap) -> ApiResult<bool> {
    let encoding = headers.get(CONTENT_ENCODING).map_or(Ok(""), |value| value.to_str());
    match encoding.map(|text| text.trim().to_ascii_lowercase()).as_deref() {
        Ok("" | "identity") => Ok(false),
        Ok("gzip" | "x-gzip") => Ok(true),
        _ => Err(ApiError::invalid("this Content-Encoding is not known; send the body with gzip or without any")
            .status(StatusCode::UNSUPPORTED_MEDIA_TYPE)),
    }
}

async fn read(body: Body, config: &ApiConfig, room: &mut Room) -> ApiResult<Bytes> {
    let mut pieces = body.into_data_stream();
    let mut first = Bytes::new();
    let mut whole = Vec::new();
    loop {
        let piece = match tokio::time::timeout(STALL, pieces.next()).await {
            Ok(None) => break,
            Ok(Some(Ok(piece))) => piece,
            Ok(Some(Err(_))) => {
                return Err(ApiError::invalid("the body ended before its announced length; nothing was stored"));
            }
            Err(_) => {
                return Err(ApiError::invalid("the rest of the body did not arrive in time; nothing was stored")
                    .status(StatusCode::REQUEST_TIMEOUT));
            }
        };
        let so_far = first.len() + whole.len();
        if so_far.saturating_add(piece.len()) > config.body_bytes {
            return Err(too_large_as_sent(config));
        }
        room.grow(piece.len())?;
        if so_far == 0 {
            // Most bodies are one piece, which is then never copied.
            first = piece;
        } else {
            if whole.is_empty() {
                whole.extend_from_slice(&std::mem::take(&mut first));
            }
            whole.extend_from_slice(&piece);
        }
    }
    Ok(if whole.is_empty() { first } else { whole.into() })
}

fn decompress(sent: &[u8], config: &ApiConfig, room: &mut Room) -> ApiResult<Vec<u8>> {
    let limit = config.decoded_bytes as u64;
    let mut decoder = MultiGzDecoder::new(sent).take(limit.saturating_add(1));
    // The last four bytes say how long the text is (RFC 1952), so that honest bodies take one allocation; it may lie.
    let announced = sent.last_chunk().map_or(0, |length| u32::from_le_bytes(*length) as usize);
    let mut decoded =
        Vec::with_capacity(announced.min(config.decoded_bytes).min(sent.len().saturating_mul(MOST_RATIO)));
    loop {
        let before = decoded.len();
        let read = decoder.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut decoded).map_err(|error| {
            let cut = matches!(error.kind(), IoErrorKind::UnexpectedEof);
            let what = if cut { "ends before its end" } else { "is damaged" };
            ApiError::invalid(format!("the gzip of the body {what}; nothing was stored"))
        })?;
        room.grow(decoded.len() - before)?;
        if decoded.len() as u64 > limit {
            return Err(too_large_decoded(config));
        }
        if read == 0 {
            return Ok(decoded);
        }
    }
}

fn too_large_as_sent(config: &ApiConfig) -> ApiError {
    too_large(format!(
        "the body is larger than {} bytes; send fewer readings at once, or raise http.body_bytes",
        config.body_bytes
    ))
}

fn too_large_decoded(config: &ApiConfig) -> ApiError {
    too_large(format!(
        "the decompressed body is larger than {} bytes; send fewer readings at once, or raise http.decoded_bytes",
        config.decoded_bytes
    ))
}

fn too_large(message: String) -> ApiError {
    ApiError::new(ErrorKind::TooLarge, message)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use axum::http::HeaderValue;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn config(body_bytes: usize, decoded_bytes: usize) -> ApiConfig {
        ApiConfig { body_bytes, decoded_bytes, ..ApiConfig::default() }
    }

    async fn receive_gzip(body: Vec<u8>, config: &ApiConfig) -> ApiResult<Received> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        receive(&headers, Body::from(body), config).await
    }

    #[tokio::test]
    async fn plain_and_compressed_bodies_arrive() {
        let plain = receive(&HeaderMap::new(), Body::from("abc"), &config(10, 10)).await.unwrap();
        assert_eq!((&plain.bytes[..], plain.sent_bytes), (&b"abc"[..], 3));
        let mut two = gzip(b"abc");
        two.extend(gzip(b"def"));
        let received = receive_gzip(two, &config(1_000, 6)).await.unwrap();
        assert_eq!(&received.bytes[..], b"abcdef");
        let pieces = futures::stream::iter([Ok::<_, std::io::Error>("ab"), Ok("cd"), Ok("ef")]);
        let many = receive(&HeaderMap::new(), Body::from_stream(pieces), &config(6, 6)).await.unwrap();
        assert_eq!(&many.bytes[..], b"abcdef");
    }

    #[tokio::test]
    async fn a_bomb_is_cut_and_the_setting_named() {
        let bomb = gzip(&vec![0; 50 << 20]);
        assert!(bomb.len() < 100_000);
        let error = receive_gzip(bomb, &config(1 << 20, 1 << 20)).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(error.message().contains("http.decoded_bytes"));
    }

    #[tokio::test]
    async fn a_large_body_is_refused_with_and_without_announcement() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("11"));
        for (headers, body) in [(headers, Body::empty()), (HeaderMap::new(), Body::from("12345678901"))] {
            let error = receive(&headers, body, &config(10, 100)).await.err().unwrap();
            assert_eq!(error.kind(), ErrorKind::TooLarge);
            assert!(error.message().contains("http.body_bytes"));
        }
    }

    #[tokio::test]
    async fn damaged_gzip_and_unknown_encodings_are_refused() {
        let mut cut = gzip(b"abcabcabcabc");
        cut.truncate(cut.len() - 4);
        assert!(receive_gzip(cut, &config(1_000, 1_000)).await.err().unwrap().message().contains("ends before"));
        let error =
            receive_gzip(b"this is text and surely no gzip".to_vec(), &config(1_000, 1_000)).await.err().unwrap();
        assert!(error.message().contains("damaged"), "{}", error.message());
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("br"));
        assert!(receive(&headers, Body::empty(), &config(10, 10)).await.is_err());
    }

    #[test]
    fn room_is_given_back() {
        // An account of its own: other tests use that of the process at the same time.
        static ACCOUNT: AtomicUsize = AtomicUsize::new(0);
        let mut room = Room { account: &ACCOUNT, held: 0, most: 10 };
        assert!(room.grow(10).is_ok());
        let mut other = Room { account: &ACCOUNT, held: 0, most: 10 };
        assert_eq!(other.grow(1).unwrap_err().kind(), ErrorKind::Busy);
        drop((room, other));
        assert_eq!(ACCOUNT.load(Ordering::Relaxed), 0);
    }
}
