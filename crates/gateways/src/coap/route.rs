//! Routes: paths of one's own, as data. What a path says stands between braces, `/sensors/dht/{field}`, and is put where the same
//! name stands between braces: into the table, the field, values of tags and the reply.
//!
//! Invariants:
//! - a route reads single values as text, so that a peer without a credential writes to the route's own table alone;
//! - nothing is let in but by what `allow` says;
//! - of several routes of one path and method the first is taken.
//!
//! Limits: [`MAX_ROUTES`]; names are checked with the readings.

use std::collections::BTreeMap;

use sensorium_model::DatabaseName;
use sensorium_protocols::coap::Code;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The most routes.
pub const MAX_ROUTES: usize = 256;

/// What stands for the payload in a reply.
const VALUE: &str = "value";

/// A route as it is set (`[[coap.route]]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteSettings {
    /// Segments of the path; one between braces stands for any.
    pub path: String,
    /// `POST` and `PUT` store a reading, `GET` answers with the newest value.
    #[serde(default = "post_and_put")]
    pub methods: Vec<String>,
    /// Where readings are stored.
    pub database: DatabaseName,
    /// The table.
    pub table: String,
    /// The field.
    #[serde(default = "value")]
    pub field: String,
    /// Tags of each reading.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The code of the answer to a reading that is stored.
    #[serde(default = "changed")]
    pub reply_code: String,
    /// The payload of that answer; `{value}` is what was sent.
    #[serde(default)]
    pub reply: String,
    /// Who may use the route: `anyone`, `devices`, or the name of an API token.
    #[serde(default = "devices")]
    pub allow: String,
}

fn post_and_put() -> Vec<String> {
    vec!["POST".to_owned(), "PUT".to_owned()]
}

fn value() -> String {
    VALUE.to_owned()
}

fn changed() -> String {
    Code::CHANGED.to_string()
}

fn devices() -> String {
    "devices".to_owned()
}

/// Why a route cannot be.
#[derive(Debug, Error)]
pub enum RouteError {
    /// A path that is none.
    #[error(
        "path {0:?} is none; write it as /sensors/{{field}}, each part in braces a whole segment with a name of its own"
    )]
    Path(String),
    /// A method that routes do not know.
    #[error("{path}: method {method:?} is none of a route; take POST, PUT and GET")]
    Method {
        /// The path.
        path: String,
        /// What was set.
        method: String,
    },
    /// Braces that stand for nothing.
    #[error("{path}: {text:?} names what the path does not; a name in braces must stand in the path, too")]
    Name {
        /// The path.
        path: String,
        /// What was set.
        text: String,
    },
    /// A code that no answer has.
    #[error("{path}: reply_code {code:?} is no code of a success; take one such as 2.04 or 2.05")]
    Code {
        /// The path.
        path: String,
        /// What was set.
        code: String,
    },
    /// Too many.
    #[error("there are {0} routes; {MAX_ROUTES} are possible")]
    Many(usize),
}

/// What a route lets its peers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Store,
    Show,
}

/// Whom a route lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Allow {
    Anyone,
    Devices,
    Token(String),
}

/// A route that can be followed.
#[derive(Debug)]
pub struct Route {
    path: Vec<Segment>,
    /// As it was set.
    pub(super) text: String,
    methods: Vec<(Code, Purpose)>,
    pub(super) database: DatabaseName,
    pub(super) allow: Allow,
    pub(super) reply_code: Code,
    table: Template,
    field: Template,
    tags: Vec<(String, Template)>,
    reply: Template,
}

#[derive(Debug, PartialEq, Eq)]
enum Segment {
    Is(String),
    /// Any, under this name.
    Any(String),
}

/// A text with names in it.
#[derive(Debug)]
struct Template(Vec<Part>);

#[derive(Debug)]
enum Part {
    Text(String),
    Name { name: String, is_capitalised: bool },
}

/// A route with what a path put in it.
pub(super) struct Followed<'r> {
    pub(super) route: &'r Route,
    pub(super) purpose: Purpose,
    found: Vec<(&'r str, String)>,
}

/// Reads routes as they are set.
pub fn routes(settings: &[RouteSettings]) -> Result<Vec<Route>, RouteError> {
    if settings.len() > MAX_ROUTES {
        return Err(RouteError::Many(settings.len()));
    }
    settings.iter().map(Route::new).collect()
}

impl Route {
    fn new(settings: &RouteSettings) -> Result<Self, RouteError> {
        let text = settings.path.clone();
        let wrong = || RouteError::Path(text.clone());
        let segments = text.strip_prefix('/').filter(|rest| !rest.is_empty()).ok_or_else(wrong)?;
        let path = segments.split('/').map(Segment::new).collect::<Option<Vec<_>>>().ok_or_else(wrong)?;
        let names: Vec<&str> = path.iter().filter_map(Segment::name).collect();
        let is_repeated =
            names.iter().enumerate().any(|(at, name)| names.iter().skip(at + 1).any(|other| other == name));
        if is_repeated || names.contains(&VALUE) {
            return Err(wrong());
        }
        let method = |method: &String| match method.to_ascii_uppercase().as_str() {
            "POST" => Ok((Code::POST, Purpose::Store)),
            "PUT" => Ok((Code::PUT, Purpose::Store)),
            "GET" => Ok((Code::GET, Purpose::Show)),
            _ => Err(RouteError::Method { path: text.clone(), method: method.clone() }),
        };
        let template = |of: &str, with_value: bool| {
            let known = |name: &str| names.contains(&name) || (with_value && name == VALUE);
            Template::new(of, known).ok_or_else(|| RouteError::Name { path: text.clone(), text: of.to_owned() })
        };
        let code = settings.reply_code.parse::<Code>().ok().filter(|code| code.class() == 2 && code.detail() != 31);
        let tags =
            settings.tags.iter().map(|(name, value)| Ok::<_, RouteError>((name.clone(), template(value, false)?)));
        Ok(Self {
            methods: settings.methods.iter().map(method).collect::<Result<_, _>>()?,
            database: settings.database.clone(),
            allow: match settings.allow.as_str() {
                "anyone" => Allow::Anyone,
                "devices" => Allow::Devices,
                token => Allow::Token(token.to_owned()),
            },
            reply_code: code
                .ok_or_else(|| RouteError::Code { path: text.clone(), code: settings.reply_code.clone() })?,
            table: template(&settings.table, false)?,
            field: template(&settings.field, false)?,
            tags: tags.collect::<Result<_, RouteError>>()?,
            reply: template(&settings.reply, true)?,
            path,
            text,
        })
    }

    /// What a path puts in the route, if it is one of the route's.
    fn matches<'r>(&'r self, path: &[&str]) -> Option<Vec<(&'r str, String)>> {
        if path.len() != self.path.len() {
            return None;
        }
        let mut found = Vec::new();
        for (segment, is) in self.path.iter().zip(path) {
            match segment {
                Segment::Is(wanted) if wanted == is => {}
                Segment::Any(name) if !is.is_empty() => found.push((name.as_str(), (*is).to_owned())),
                _ => return None,
            }
        }
        Some(found)
    }

    /// Whether the path says all by itself, so that it can be listed.
    pub(super) fn is_fixed(&self) -> bool {
        self.path.iter().all(|segment| segment.name().is_none())
    }

    /// Whether the newest value can be asked for.
    pub(super) fn is_shown(&self) -> bool {
        self.methods.iter().any(|(_, purpose)| *purpose == Purpose::Show)
    }
}

/// What routes have for a path.
pub(super) enum Way<'r> {
    Found(Followed<'r>),
    /// There is the path, and not with this method.
    Method,
    None,
}

/// The first route of a path and a method.
pub(super) fn follow<'r>(routes: &'r [Route], path: &[&str], code: Code) -> Way<'r> {
    let mut way = Way::None;
    for route in routes {
        let Some(found) = route.matches(path) else { continue };
        match route.methods.iter().find(|(method, _)| *method == code) {
            Some((_, purpose)) => return Way::Found(Followed { route, purpose: *purpose, found }),
            None => way = Way::Method,
        }
    }
    way
}

impl Followed<'_> {
    pub(super) fn table(&self) -> String {
        self.route.table.fill(&self.found, "")
    }

    pub(super) fn field(&self) -> String {
        self.route.field.fill(&self.found, "")
    }

    pub(super) fn tags(&self) -> Vec<(String, String)> {
        self.route.tags.iter().map(|(name, value)| (name.clone(), value.fill(&self.found, ""))).collect()
    }

    /// What is answered when `payload` is stored.
    pub(super) fn reply(&self, payload: &[u8]) -> String {
        self.route.reply.fill(&self.found, &String::from_utf8_lossy(payload))
    }
}

impl Segment {
    fn new(text: &str) -> Option<Self> {
        match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => is_name(name).then(|| Self::Any(name.to_owned())),
            None => (!text.is_empty() && !text.contains(['{', '}'])).then(|| Self::Is(text.to_owned())),
        }
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Any(name) => Some(name),
            Self::Is(_) => None,
        }
    }
}

/// Small letters first, because a capital one asks for capitals.
fn is_name(name: &str) -> bool {
    let is_letter = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_';
    name.starts_with(|first: char| first.is_ascii_lowercase()) && name.chars().all(is_letter)
}

impl Template {
    fn new(text: &str, known: impl Fn(&str) -> bool) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let (name, after) = behind.split_once('}')?;
            let is_capitalised = name.starts_with(|first: char| first.is_ascii_uppercase());
            let name = with_first(name, |first| first.to_ascii_lowercase());
            if !known(&name) {
                return None;
            }
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Name { name, is_capitalised });
            rest = after;
        }
        if rest.contains('}') {
            return None;
        }
        parts.push(Part::Text(rest.to_owned()));
        Some(Self(parts))
    }

    fn fill(&self, found: &[(&str, String)], value: &str) -> String {
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Name { name, is_capitalised } => {
                    let known = found.iter().find(|(known, _)| known == name);
                    let text = known.map_or(value, |(_, text)| text.as_str());
                    match is_capitalised {
                        true => filled.push_str(&with_first(text, |first| first.to_ascii_uppercase())),
                        false => filled.push_str(text),
                    }
                }
            }
        }
        filled
    }
}

fn with_first(text: &str, change: impl Fn(char) -> char) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(change);
    first.into_iter().chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laboratory() -> RouteSettings {
        RouteSettings {
            path: "/sensors/dht/{field}".to_owned(),
            methods: post_and_put(),
            database: DatabaseName::new("dht").unwrap(),
            table: "{field}".to_owned(),
            field: value(),
            tags: [("place".to_owned(), "room1".to_owned())].into(),
            reply_code: "2.05".to_owned(),
            reply: "{Field}={value} saved successfully!".to_owned(),
            allow: "anyone".to_owned(),
        }
    }

    #[test]
    fn the_laboratory_is_a_route() {
        let routes = routes(&[laboratory()]).unwrap();
        let Way::Found(followed) = follow(&routes, &["sensors", "dht", "humidity"], Code::POST) else { panic!() };
        assert_eq!((followed.table().as_str(), followed.field().as_str()), ("humidity", "value"));
        assert_eq!(followed.tags(), [("place".to_owned(), "room1".to_owned())]);
        assert_eq!(followed.reply(b"41.9"), "Humidity=41.9 saved successfully!");
        assert_eq!((followed.purpose, &followed.route.allow), (Purpose::Store, &Allow::Anyone));
        assert_eq!(followed.route.reply_code, Code::CONTENT);
    }

    #[test]
    fn a_path_is_followed_as_a_whole_and_a_method_is_told_from_a_path() {
        let routes = routes(&[laboratory()]).unwrap();
        for path in
            [&["sensors", "dht"][..], &["sensors", "dht", "a", "b"], &["sensors", "x", "a"], &["sensors", "dht", ""]]
        {
            assert!(matches!(follow(&routes, path, Code::POST), Way::None), "{path:?}");
        }
        assert!(matches!(follow(&routes, &["sensors", "dht", "a"], Code::GET), Way::Method));
    }

    #[test]
    fn what_cannot_be_is_said_with_its_path() {
        let good = laboratory();
        for (settings, word) in [
            (RouteSettings { path: "sensors".to_owned(), ..good.clone() }, "sensors"),
            (RouteSettings { path: "/a/x{field}".to_owned(), ..good.clone() }, "x{field}"),
            (RouteSettings { path: "/{field}/{field}".to_owned(), ..good.clone() }, "{field}/{field}"),
            (RouteSettings { methods: vec!["DELETE".to_owned()], ..good.clone() }, "DELETE"),
            (RouteSettings { table: "{room}".to_owned(), ..good.clone() }, "{room}"),
            (RouteSettings { table: "{value}".to_owned(), ..good.clone() }, "{value}"),
            (RouteSettings { reply: "}".to_owned(), ..good.clone() }, "}"),
            (RouteSettings { reply_code: "4.04".to_owned(), ..good.clone() }, "4.04"),
            (RouteSettings { reply_code: "2.31".to_owned(), ..good }, "2.31"),
        ] {
            let error = routes(&[settings]).unwrap_err().to_string();
            assert!(error.contains(word), "{word}: {error}");
        }
    }
}
