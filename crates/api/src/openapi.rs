//! The OpenAPI document, collected from the routes themselves, and where it is served.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::map_response;
use axum::routing::get;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;

use crate::auth::cookie;
use crate::error::ErrorBody;
use crate::routes;
use crate::state::AppState;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Sensorium",
        description = "Send readings, ask for them in SQL, and watch them live. Errors are JSON with a sentence in `error` and a stable word in `code`.",
        license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT")
    ),
    components(schemas(ErrorBody)),
    modifiers(&Credentials),
    security(("token" = []), ("password" = []), ("session" = [])),
    tags(
        (name = "set-up", description = "The first administrator"),
        (name = "session", description = "Signing in and out"),
        (name = "tokens", description = "API tokens of programs and devices"),
        (name = "people", description = "The people of the organisation, their roles, classes and groups, invitations, and asking to join"),
        (name = "account", description = "One's own password, e-mail address, second factor, sessions and link with a provider"),
        (name = "audit", description = "Who changed what"),
        (name = "databases", description = "What is stored, and the newest values"),
        (name = "ingest", description = "Sending readings"),
        (name = "query", description = "Asking for readings"),
        (name = "live", description = "Watching readings as they arrive"),
        (name = "devices", description = "Devices, their types and API tokens, code for them, and the networks that they join"),
        (name = "mqtt", description = "The MQTT broker: its clients, what is retained, and messages"),
        (name = "inbox", description = "Devices that write with a key for devices and are not known"),
        (name = "operations", description = "For operators and probes")
    )
)]
struct Document;

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        components.add_security_scheme("password", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)));
        let session = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(cookie::NAME)));
        components.add_security_scheme("session", session);
    }
}

/// All routes with their documentation.
pub(crate) fn documented() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(routes::setup::routes())
        .merge(routes::session::routes())
        .merge(routes::tokens::routes())
        .merge(routes::users::routes())
        .merge(routes::registration::routes())
        .merge(routes::classes::routes())
        .merge(routes::groups::routes())
        .merge(routes::account::routes())
        .merge(routes::email::routes())
        .merge(routes::second_factor::routes())
        .merge(routes::oidc::routes())
        .merge(routes::audit::routes())
        .merge(routes::databases::routes())
        .merge(routes::keeping::routes())
        .merge(routes::rollups::routes())
        .merge(routes::backup::routes())
        .merge(routes::write::routes().layer(map_response(routes::influx::named)))
        .merge(routes::influx::routes().layer(map_response(routes::influx::named)))
        .merge(routes::readings::routes())
        .merge(routes::detections::routes())
        .merge(routes::rejections::routes())
        .merge(routes::sql::routes())
        .merge(routes::queries::routes())
        .merge(routes::live::routes())
        .merge(routes::devices::routes())
        .merge(routes::inbox::routes())
        .merge(routes::places::routes())
        .merge(routes::templates::routes())
        .merge(routes::submissions::routes())
        .merge(routes::networks::routes())
        .merge(routes::mqtt::routes())
        .merge(routes::mail::routes())
        .merge(routes::operations::routes())
}

/// The document of this version.
pub fn openapi() -> OpenApi {
    documented().into_openapi()
}

/// Adds `/api/openapi.json` to the routes.
pub(crate) fn serve(routes: Router<AppState>, document: OpenApi) -> Router<AppState> {
    // A document that cannot be written as JSON would fail the test that compares it with the committed one.
    let text = bytes::Bytes::from(document.to_json().unwrap_or_default());
    let answer = move || {
        let text = text.clone();
        async move { ([(CONTENT_TYPE, "application/json")], text) }
    };
    routes.route("/api/openapi.json", get(answer))
}
