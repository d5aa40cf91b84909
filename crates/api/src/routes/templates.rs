//! Code for devices: `GET /api/v1/templates`, `GET /api/v1/templates/{id}` and `POST /api/v1/templates/{id}/render`.
//!
//! Everyone who is signed in may. Nothing is stored, and what is filled in, which may be secrets, is not logged.

use axum::Json;
use sensorium_devices::{Given, Kind, Language, RenderError, Template, Variable, shipped};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

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
}

/// A template.
#[derive(Debug, Serialize, ToSchema)]
struct WholeTemplate {
    #[serde(flatten)]
    entry: TemplateEntry,
    /// Its files, with what is to be filled in as `{{ … }}`.
    sources: Vec<TemplateSource>,
}

/// A file of a template.
#[derive(Debug, Serialize, ToSchema)]
struct TemplateSource {
    name: String,
    body: String,
}

/// Something to fill in.
#[derive(Debug, Serialize, ToSchema)]
struct TemplateVariable {
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
enum TemplateLanguage {
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
struct RenderRequest {
    /// What is filled in, by the names of variables: text, numbers, true or false.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    variables: Given,
}

/// What came out.
#[derive(Serialize, ToSchema)]
struct RenderedFiles {
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

fn find(id: &str) -> ApiResult<&'static Template> {
    let missing = || ApiError::missing("there is no such template; GET /api/v1/templates lists them");
    shipped().iter().find(|template| template.id == id).ok_or_else(missing)
}

/// List the templates of code for devices
///
/// With what is to be filled in for each.
#[utoipa::path(get, path = "/api/v1/templates", tag = "devices",
    responses((status = 200, body = TemplateList), (status = 401, body = ErrorBody)))]
async fn templates(_: Caller) -> Json<TemplateList> {
    Json(TemplateList { templates: shipped().iter().map(Into::into).collect() })
}

/// A template with its files
#[utoipa::path(get, path = "/api/v1/templates/{id}", tag = "devices",
    params(("id" = String, Path, description = "The template, such as `shell-curl`")),
    responses((status = 200, body = WholeTemplate), (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "There is no such template")))]
async fn template(_: Caller, extract::Path(id): extract::Path<String>) -> ApiResult<Json<WholeTemplate>> {
    let template = find(&id)?;
    let source = |file: &sensorium_devices::File| TemplateSource { name: file.name.clone(), body: file.body.clone() };
    Ok(Json(WholeTemplate { entry: template.into(), sources: template.files.iter().map(source).collect() }))
}

/// Make code for a device
///
/// Fills in a template. Nothing is stored.
#[utoipa::path(post, path = "/api/v1/templates/{id}/render", tag = "devices", request_body = RenderRequest,
    params(("id" = String, Path, description = "The template, such as `shell-curl`")),
    responses((status = 200, body = RenderedFiles), (status = 401, body = ErrorBody),
        (status = 400, body = ErrorBody, description = "Something is filled in wrongly: `variables` says what"),
        (status = 404, body = ErrorBody, description = "There is no such template")))]
async fn render_template(
    _: Caller,
    extract::Path(id): extract::Path<String>,
    extract::Json(request): extract::Json<RenderRequest>,
) -> ApiResult<Json<RenderedFiles>> {
    let files = find(&id)?.render(&request.variables)?;
    let files = files.into_iter().map(|file| RenderedFile { name: file.name, text: file.text });
    Ok(Json(RenderedFiles { files: files.collect() }))
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(templates)).routes(routes!(template)).routes(routes!(render_template))
}
