//! Code for devices: `GET /api/v1/templates`, `GET /api/v1/templates/{id}` and `POST /api/v1/templates/{id}/render`. The templates
//! that an organisation's people write are submitted for review first: [`super::submissions`].
//!
//! Everyone who is signed in may make code; filling in a Wi-Fi network of the organisation is for editors. Nothing of it is
//! stored, and what is filled in, which may be secrets, is not logged.

use std::borrow::Cow;

use axum::Json;
use axum::extract::State;
use sensorium_devices::{File, Given, Kind, Language, RenderError, Template, Variable, shipped};
use sensorium_metadata::NetworkAccess;
use sensorium_model::{NetworkId, Principal};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::state::AppState;

/// The templates.
#[derive(Debug, Serialize, ToSchema)]
struct TemplateList {
    templates: Vec<TemplateEntry>,
}

/// A template without its files' texts.
#[derive(Debug, Serialize, ToSchema)]
struct TemplateEntry {
    id: String,
    /// From 1.
    version: u32,
    title: String,
    /// The device and its sensors.
    hardware: String,
    #[schema(value_type = TemplateLanguage)]
    language: Language,
    /// What it does and what is needed; plain text.
    description: String,
    /// What to fill in, in the order of a form.
    variables: Vec<TemplateVariable>,
    /// The names of its files, which may hold `{{ … }}`.
    files: Vec<String>,
    /// Whether it comes with Sensorium; else people of the organisation wrote it.
    shipped: bool,
}

/// A template.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WholeTemplate {
    #[serde(flatten)]
    entry: TemplateEntry,
    /// Its files, with what is to be filled in as `{{ … }}`.
    sources: Vec<TemplateSource>,
}

/// A file of a template.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TemplateSource {
    name: String,
    body: String,
}

impl From<&Template> for WholeTemplate {
    fn from(template: &Template) -> Self {
        let source = |file: &File| TemplateSource { name: file.name.clone(), body: file.body.clone() };
        Self { entry: template.into(), sources: template.files.iter().map(source).collect() }
    }
}

/// Something to fill in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TemplateVariable {
    name: String,
    /// What a form calls it.
    label: String,
    /// What it is for; may be empty.
    help: String,
    #[schema(value_type = TemplateVariableKind)]
    kind: Kind,
    /// What counts if nothing is filled in.
    #[schema(value_type = Option<Value>)]
    default: Option<Value>,
    /// Whether it must be filled in if there is no default.
    required: bool,
}

/// What the files are mostly written in.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "only describes the words in the OpenAPI document")]
pub(crate) enum TemplateLanguage {
    Cpp,
    Python,
    MicroPython,
    Yaml,
    Shell,
    Rust,
    Json,
    Tasmota,
    Text,
}

/// What may be filled in.
#[derive(Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes the kinds in the OpenAPI document")]
enum TemplateVariableKind {
    /// Text, on one line unless it may have several.
    Text {
        max_characters: u64,
        multiline: bool,
    },
    /// Text on one line that is not shown.
    Secret {
        max_characters: u64,
    },
    /// A whole number.
    Integer {
        min: i64,
        max: i64,
    },
    /// A host name or an IP address.
    Host,
    /// 1 to 65535.
    Port,
    /// 1 to 32 bytes.
    WifiSsid,
    /// The base address of a server.
    Url,
    /// One of some words.
    Choice {
        options: Vec<TemplateOption>,
    },
    Boolean,
    /// Whole seconds.
    Duration {
        min_seconds: u32,
        max_seconds: u32,
    },
}

/// One of some words.
#[derive(Serialize, ToSchema)]
struct TemplateOption {
    value: String,
    /// What a form shows.
    label: String,
}

/// What to make files of.
// No `Debug`: there may be secrets in it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RenderRequest {
    /// What is filled in, by the names of variables: text, numbers, true or false.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    pub(crate) variables: Given,
    /// A Wi-Fi network of the organisation in the place of `wifi_ssid` and `wifi_password`; for editors.
    pub(crate) network: Option<Uuid>,
}

/// What came out.
#[derive(Serialize, ToSchema)]
pub(crate) struct RenderedFiles {
    files: Vec<RenderedFile>,
}

/// A file for a device.
#[derive(Serialize, ToSchema)]
struct RenderedFile {
    /// With folders parted by `/`; never leads out of the folder where it is put.
    name: String,
    text: String,
}

/// Something that was filled in wrongly.
#[derive(Serialize, ToSchema)]
pub(crate) struct WrongVariable {
    /// The name of the variable.
    variable: String,
    /// What is wrong, as the end of a sentence.
    problem: String,
    /// What it takes.
    allowed: String,
}

impl From<&Template> for TemplateEntry {
    fn from(template: &Template) -> Self {
        Self {
            id: template.id.clone(),
            version: template.version,
            title: template.title.clone(),
            hardware: template.hardware.clone(),
            language: template.language,
            description: template.description.clone(),
            variables: template.variables.iter().map(Into::into).collect(),
            files: template.files.iter().map(|file| file.name.clone()).collect(),
            shipped: is_shipped(&template.id),
        }
    }
}

impl From<&Variable> for TemplateVariable {
    fn from(variable: &Variable) -> Self {
        let Variable { name, label, help, kind, default, required } = variable.clone();
        Self { name, label, help, kind, default, required }
    }
}

impl From<RenderError> for ApiError {
    fn from(error: RenderError) -> Self {
        let made = Self::invalid(error.to_string());
        match error {
            RenderError::Variables(problems) => {
                let wrong = problems.into_iter().map(|problem| WrongVariable {
                    variable: problem.variable,
                    problem: problem.problem,
                    allowed: problem.allowed,
                });
                made.with("variables", json!(wrong.collect::<Vec<_>>()))
            }
            RenderError::Template(_) | RenderError::File(_) => made,
        }
    }
}

fn is_shipped(id: &str) -> bool {
    shipped().iter().any(|template| template.id == id)
}

/// The template that code is made of: one that comes with Sensorium, or the newest accepted version of the organisation's own.
async fn find(state: &AppState, who: &Principal, id: &str) -> ApiResult<Cow<'static, Template>> {
    if let Some(template) = shipped().iter().find(|template| template.id == id) {
        return Ok(Cow::Borrowed(template));
    }
    let own = state.metadata.accepted_template(who, id).await?;
    let missing = || ApiError::missing("there is no such template; GET /api/v1/templates lists them");
    own.map(Cow::Owned).ok_or_else(missing)
}

/// The variables that a network stands in for.
const WIFI_SSID: &str = "wifi_ssid";
const WIFI_PASSWORD: &str = "wifi_password";

/// Fails unless a network can be filled in.
fn takes_network(template: &Template, given: &Given) -> ApiResult<()> {
    let has = |name: &str| template.variables.iter().any(|variable| variable.name == name);
    if !has(WIFI_SSID) || !has(WIFI_PASSWORD) {
        return Err(ApiError::invalid(format!(
            "the template {:?} joins no Wi-Fi network; leave `network` out",
            template.id
        )));
    }
    if given.contains_key(WIFI_SSID) || given.contains_key(WIFI_PASSWORD) {
        return Err(ApiError::invalid(format!(
            "`network` stands for {WIFI_SSID} and {WIFI_PASSWORD}; send one or the other"
        )));
    }
    Ok(())
}

fn fill_in(given: &mut Given, access: &NetworkAccess) {
    given.insert(WIFI_SSID.to_owned(), json!(access.ssid));
    given.insert(WIFI_PASSWORD.to_owned(), json!(access.password.as_deref()));
}

/// List the templates of code for devices
///
/// With what is to be filled in for each: those that come with Sensorium, then those that people of the organisation wrote and
/// an administrator accepted.
#[utoipa::path(get, path = "/api/v1/templates", tag = "devices",
    responses((status = 200, body = TemplateList), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody, description = "Not for guests")))]
async fn templates(State(state): State<AppState>, caller: Caller) -> ApiResult<Json<TemplateList>> {
    caller.may_look_around()?;
    let own = state.metadata.accepted_templates(&caller.0).await?;
    Ok(Json(TemplateList { templates: shipped().iter().chain(&own).map(Into::into).collect() }))
}

/// A template with its files
#[utoipa::path(get, path = "/api/v1/templates/{id}", tag = "devices",
    params(("id" = String, Path, description = "The template, such as `shell-curl`")),
    responses((status = 200, body = WholeTemplate), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody, description = "Not for guests"),
        (status = 404, body = ErrorBody, description = "There is no such template")))]
async fn template(
    State(state): State<AppState>,
    caller: Caller,
    extract::Path(id): extract::Path<String>,
) -> ApiResult<Json<WholeTemplate>> {
    caller.may_look_around()?;
    Ok(Json(find(&state, &caller.0, &id).await?.as_ref().into()))
}

/// Make code for a device
///
/// Fills in a template. Nothing is stored; that a network was used is on record.
#[utoipa::path(post, path = "/api/v1/templates/{id}/render", tag = "devices", request_body = RenderRequest,
    params(("id" = String, Path, description = "The template, such as `shell-curl`")),
    responses((status = 200, body = RenderedFiles), (status = 401, body = ErrorBody),
        (status = 400, body = ErrorBody, description = "Something is filled in wrongly: `variables` says what"),
        (status = 403, body = ErrorBody, description = "Not for guests; networks are for people from editors on"),
        (status = 404, body = ErrorBody, description = "There is no such template or network")))]
async fn render_template(
    State(state): State<AppState>,
    caller: Caller,
    extract::Path(id): extract::Path<String>,
    extract::Json(request): extract::Json<RenderRequest>,
) -> ApiResult<Json<RenderedFiles>> {
    caller.may_look_around()?;
    let Caller(principal) = caller;
    let RenderRequest { mut variables, network } = request;
    let template = find(&state, &principal, &id).await?;
    if let Some(network) = network.map(NetworkId::from_uuid) {
        takes_network(&template, &variables)?;
        let purpose = format!("code of the template {id}");
        fill_in(&mut variables, &state.metadata.use_network(&principal, network, &purpose).await?);
    }
    rendered(&template, &variables)
}

pub(crate) fn rendered(template: &Template, given: &Given) -> ApiResult<Json<RenderedFiles>> {
    let files = template.render(given)?;
    let files = files.into_iter().map(|file| RenderedFile { name: file.name, text: file.text });
    Ok(Json(RenderedFiles { files: files.collect() }))
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(templates)).routes(routes!(template)).routes(routes!(render_template))
}
