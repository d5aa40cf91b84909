//! Pre-shared keys and client certificates of devices: `GET` and `POST /api/v1/devices/{id}/credentials`,
//! `DELETE /api/v1/devices/{id}/credentials/{credential}`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sensorium_metadata::{CredentialInfo, CredentialKind, NewCredential, Proof};
use sensorium_model::{CredentialId, DeviceId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::failed;
use crate::auth::Caller;
use crate::error::{ApiResult, ErrorBody};
use crate::extract;
use crate::routes::audit::time_ms;
use crate::routes::rfc3339;
use crate::state::AppState;

/// How a device proves who it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum DeviceCredentialKind {
    /// A pre-shared key.
    Psk,
    /// A client certificate.
    X509,
}

/// A pre-shared key or a client certificate of a device, without the key.
#[derive(Debug, Serialize, ToSchema)]
struct DeviceCredential {
    id: Uuid,
    kind: DeviceCredentialKind,
    /// The identity that is sent with a key, or the SHA-256 fingerprint of a certificate in hexadecimal digits.
    identity: String,
    /// What it is for.
    label: String,
    /// Whom a certificate names; null for keys.
    #[schema(required)]
    subject: Option<String>,
    /// A certificate says itself that it is not good after this, RFC 3339; null for keys.
    #[schema(format = DateTime, required)]
    not_after: Option<String>,
    /// RFC 3339.
    #[schema(format = DateTime)]
    created_at: String,
    /// The login of whoever added it.
    #[schema(required)]
    created_by: Option<String>,
    /// RFC 3339, exact to a minute; null if it was never used.
    #[schema(format = DateTime, required)]
    last_used_at: Option<String>,
    /// It is refused from then on, RFC 3339; null if it is good until it is revoked.
    #[schema(format = DateTime, required)]
    expires_at: Option<String>,
}

/// The keys and certificates of a device.
#[derive(Debug, Serialize, ToSchema)]
struct DeviceCredentialList {
    credentials: Vec<DeviceCredential>,
}

/// A key or a certificate to add to a device.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum DeviceCredentialRequest {
    /// A pre-shared key.
    Psk {
        /// What it is for, in words.
        #[schema(min_length = 1, max_length = 100)]
        label: String,
        /// Printable characters of ASCII without spaces, unique on the server; without it, one is made.
        #[schema(min_length = 1, max_length = 64)]
        identity: Option<String>,
        /// 16 to 64 bytes in hexadecimal digits; without it, 256 random bits are made.
        #[schema(min_length = 32, max_length = 128)]
        key: Option<String>,
        /// It is refused from then on, RFC 3339; without it, it is good until it is revoked.
        #[schema(format = DateTime)]
        expires_at: Option<String>,
    },
    /// A client certificate.
    X509 {
        /// What it is for, in words.
        #[schema(min_length = 1, max_length = 100)]
        label: String,
        /// The certificate in PEM form, and nothing else with it.
        #[schema(min_length = 1, max_length = 16384)]
        certificate: String,
        /// It is refused from then on, RFC 3339; without it, it is good until it is revoked, or until it says itself.
        #[schema(format = DateTime)]
        expires_at: Option<String>,
    },
}

/// What was added, and its key, which is never shown again.
#[derive(Debug, Serialize, ToSchema)]
struct CreatedDeviceCredential {
    credential: DeviceCredential,
    /// In hexadecimal digits; null for certificates.
    #[schema(required)]
    key: Option<String>,
}

impl From<CredentialInfo> for DeviceCredential {
    fn from(info: CredentialInfo) -> Self {
        Self {
            id: *info.id.as_uuid(),
            kind: match info.kind {
                CredentialKind::PreSharedKey => DeviceCredentialKind::Psk,
                CredentialKind::Certificate => DeviceCredentialKind::X509,
            },
            identity: info.identity,
            label: info.label,
            subject: info.subject,
            not_after: info.not_after_ms.map(rfc3339),
            created_at: rfc3339(info.created_at_ms),
            created_by: info.created_by,
            last_used_at: info.last_used_at_ms.map(rfc3339),
            expires_at: info.expires_at_ms.map(rfc3339),
        }
    }
}

/// List the keys and certificates of a device
#[utoipa::path(get, path = "/api/v1/devices/{id}/credentials", tag = "devices",
    params(("id" = Uuid, Path, description = "The device")),
    responses((status = 200, body = DeviceCredentialList), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
async fn device_credentials(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<Json<DeviceCredentialList>> {
    let found = state.metadata.device_credentials(&principal, DeviceId::from_uuid(id)).await?;
    Ok(Json(DeviceCredentialList { credentials: found.into_iter().map(DeviceCredential::from).collect() }))
}

/// Add a pre-shared key or a client certificate to a device
///
/// Who connects with it is the device, as with an API token of the device. A key is in the answer and nowhere else. A device has at
/// most four of each kind at once: add a second one, give it to the device, then revoke the first.
#[utoipa::path(post, path = "/api/v1/devices/{id}/credentials", tag = "devices", request_body = DeviceCredentialRequest,
    params(("id" = Uuid, Path, description = "The device")),
    responses(
        (status = 201, body = CreatedDeviceCredential), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "It has four, or the identity or the certificate is taken"),
    ))]
async fn create_device_credential(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Json(request): extract::Json<DeviceCredentialRequest>,
) -> ApiResult<(StatusCode, Json<CreatedDeviceCredential>)> {
    let (label, expires_at, proof) = match request {
        DeviceCredentialRequest::Psk { label, identity, key, expires_at } => {
            (label, expires_at, Proof::PreSharedKey { identity, key: key.map(Into::into) })
        }
        DeviceCredentialRequest::X509 { label, certificate, expires_at } => {
            (label, expires_at, Proof::Certificate { pem: certificate })
        }
    };
    let new = NewCredential { label, expires_at_ms: expires_at.as_deref().map(time_ms).transpose()?, proof };
    let made = state.metadata.create_device_credential(&principal, DeviceId::from_uuid(id), new).await;
    let (info, key) = made.map_err(failed)?;
    let key = key.map(|key| key.to_hex().to_string());
    Ok((StatusCode::CREATED, Json(CreatedDeviceCredential { credential: info.into(), key })))
}

/// Revoke a key or a certificate of a device
///
/// It stops working at once; connections that were made with it end within half a minute.
#[utoipa::path(delete, path = "/api/v1/devices/{id}/credentials/{credential}", tag = "devices",
    params(("id" = Uuid, Path, description = "The device"), ("credential" = Uuid, Path, description = "The key or certificate")),
    responses(
        (status = 204, description = "Revoked"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ))]
async fn revoke_device_credential(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path((id, credential)): extract::Path<(Uuid, Uuid)>,
) -> ApiResult<StatusCode> {
    let (device, credential) = (DeviceId::from_uuid(id), CredentialId::from_uuid(credential));
    state.metadata.revoke_device_credential(&principal, device, credential).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes of this module.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(device_credentials, create_device_credential))
        .routes(routes!(revoke_device_credential))
}
