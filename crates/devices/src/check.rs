//! What is wrong with a template, before it is kept or used.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Value as Json, json};

use crate::environment::{FAIL, FILTERS, environment};
use crate::limits::{
    BODY_BYTES, DESCRIPTION_CHARACTERS, FILE_NAME_CHARACTERS, FILES, HELP_CHARACTERS, NAME_CHARACTERS, OPTIONS,
    PROBLEMS, TEXT_CHARACTERS, TITLE_CHARACTERS, VARIABLES,
};
use crate::syntax::{self, KEYWORDS, Word};
use crate::template::literal_filters;
use crate::variables::{Given, Kind, Variable};
use crate::{File, Template, render};

/// How often a template is rendered for a trial, each time with other options.
const TRIALS: usize = 6;

/// Something that is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The part of the template, such as `file "main.py"` or `variable "pin"`.
    pub place: String,
    /// The line in the file, from 1.
    pub line: Option<u32>,
    /// What is wrong, and what to do.
    pub text: String,
}

impl Problem {
    pub(crate) fn new(place: &str, line: Option<u32>, text: impl Into<String>) -> Self {
        Self { place: place.to_owned(), line, text: text.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}: {}", self.place, self.text),
            None => write!(f, "{}: {}", self.place, self.text),
        }
    }
}

impl Template {
    /// Finds what is wrong with the template: names, limits, variables that are unknown or unused, filters of another language;
    /// and by rendering it with examples, text that goes through no filter.
    ///
    /// # Errors
    /// The problems, the first [`PROBLEMS`] of them.
    pub fn check(&self) -> Result<(), Vec<Problem>> {
        let mut problems = parts(self);
        if problems.is_empty() {
            problems.extend((0..TRIALS).find_map(|trial| self.trial(trial)));
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Renders the template with examples: all variables filled in, or only those that are required.
    fn trial(&self, trial: usize) -> Option<Problem> {
        let is_given = |variable: &&Variable| variable.required || trial.is_multiple_of(2);
        let given: Given = self
            .variables
            .iter()
            .filter(is_given)
            .map(|variable| (variable.name.clone(), example(&variable.kind, trial)))
            .collect();
        match self.fill_in(&given) {
            Ok(filled) => self.files_of(&filled, true).err(),
            Err(wrong) => wrong.first().map(|wrong| Problem::new("an example", None, wrong.to_string())),
        }
    }
}

/// A value that a variable takes.
fn example(kind: &Kind, trial: usize) -> Json {
    match kind {
        Kind::Text { max_characters, .. } | Kind::Secret { max_characters } => {
            json!("example".chars().take(*max_characters).collect::<String>())
        }
        Kind::Integer { min, max } => json!(if trial.is_multiple_of(2) { min } else { max }),
        Kind::Duration { min_seconds, .. } => json!(min_seconds),
        Kind::Host => json!("host.example"),
        Kind::Port => json!(8086),
        Kind::WifiSsid => json!("network"),
        Kind::Url => json!(if trial.is_multiple_of(3) { "https://host.example" } else { "http://host.example:8086" }),
        Kind::Choice { options } => {
            let position = trial.checked_rem(options.len()).unwrap_or(0);
            json!(options.get(position).map(|option| &option.value))
        }
        Kind::Boolean => json!(trial.is_multiple_of(2)),
    }
}

/// The problems that are found without rendering.
pub(crate) fn parts(template: &Template) -> Vec<Problem> {
    let mut found = Found(Vec::new());
    facts(template, &mut found);
    variables(&template.variables, &mut found);
    if template.files.is_empty() || template.files.len() > FILES {
        found.add("files", None, format!("a template has 1 to {FILES} files"));
    }
    let mut used = BTreeSet::new();
    let mut names = BTreeSet::new();
    for file in template.files.iter().take(FILES) {
        check_file(file, template, &mut used, &mut found);
        if !names.insert(file.name.to_ascii_lowercase()) {
            found.add(&place(file), None, "another file has the same name");
        }
    }
    if found.0.is_empty() {
        for variable in template.variables.iter().filter(|variable| !used.contains(&variable.name)) {
            found.add(&format!("variable {:?}", variable.name), None, "no file uses it; use it or remove it");
        }
    }
    found.0
}

struct Found(Vec<Problem>);

impl Found {
    fn add(&mut self, place: &str, line: Option<u32>, text: impl Into<String>) {
        if self.0.len() < PROBLEMS {
            self.0.push(Problem::new(place, line, text));
        }
    }

    /// Text that a person reads.
    fn prose(&mut self, place: &str, text: &str, most: usize, may_be_empty: bool) {
        if text.trim().is_empty() && !may_be_empty {
            self.add(place, None, "is empty");
        } else if text.chars().count() > most {
            self.add(place, None, format!("is longer than {most} characters"));
        } else if text.chars().any(|c| c != '\n' && is_hidden(c)) {
            self.add(place, None, "has a control character, or one that turns the direction of writing");
        }
    }
}

/// Characters that show a text otherwise than it is (Unicode technical report 36), and controls.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

fn facts(template: &Template, found: &mut Found) {
    if !is_word(&template.id, '-') {
        let text = format!("is 1 to {NAME_CHARACTERS} of a to z, digits and -, and begins with a letter");
        found.add("id", None, text);
    }
    if template.version == 0 {
        found.add("version", None, "is at least 1");
    }
    found.prose("title", &template.title, TITLE_CHARACTERS, false);
    found.prose("hardware", &template.hardware, TITLE_CHARACTERS, false);
    found.prose("description", &template.description, DESCRIPTION_CHARACTERS, false);
}

fn is_word(text: &str, joint: char) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == joint;
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.len() <= NAME_CHARACTERS && text.chars().all(fits)
}

fn variables(variables: &[Variable], found: &mut Found) {
    if variables.len() > VARIABLES {
        found.add("variables", None, format!("a template has at most {VARIABLES} variables"));
    }
    let mut names = BTreeSet::new();
    for variable in variables.iter().take(VARIABLES) {
        let place = format!("variable {:?}", variable.name.chars().take(NAME_CHARACTERS).collect::<String>());
        if !is_word(&variable.name, '_') {
            let text = format!("its name is 1 to {NAME_CHARACTERS} of a to z, digits and _, and begins with a letter");
            found.add(&place, None, text);
        } else if KEYWORDS.contains(&variable.name.as_str()) || variable.name == FAIL {
            found.add(&place, None, "its name has a meaning in templates; choose another");
        } else if !names.insert(&variable.name) {
            found.add(&place, None, "another variable has the same name");
        }
        found.prose(&format!("{place}, label"), &variable.label, TITLE_CHARACTERS, false);
        found.prose(&format!("{place}, help"), &variable.help, HELP_CHARACTERS, true);
        if let Some(problem) = kind_problem(&variable.kind) {
            found.add(&place, None, problem);
        } else if let Some(default) = &variable.default
            && let Err(problem) = variable.kind.read(default)
        {
            found.add(&place, None, format!("its default {problem}; it takes {}", variable.kind.allowed()));
        }
    }
}

fn kind_problem(kind: &Kind) -> Option<String> {
    match kind {
        Kind::Text { max_characters, .. } | Kind::Secret { max_characters } => {
            let fits = (1..=TEXT_CHARACTERS).contains(max_characters);
            (!fits).then(|| format!("max_characters is 1 to {TEXT_CHARACTERS}"))
        }
        Kind::Integer { min, max } => (min > max).then(|| "min is more than max".to_owned()),
        Kind::Duration { min_seconds, max_seconds } => {
            (min_seconds > max_seconds).then(|| "min_seconds is more than max_seconds".to_owned())
        }
        Kind::Choice { options } => {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
            let is_plain = |value: &str| (1..=NAME_CHARACTERS).contains(&value.len()) && value.chars().all(plain);
            let values: BTreeSet<&str> = options.iter().map(|option| option.value.as_str()).collect();
            if options.is_empty() || options.len() > OPTIONS {
                Some(format!("a choice has 1 to {OPTIONS} options"))
            } else if values.len() < options.len() {
                Some("an option stands twice".to_owned())
            } else if !values.into_iter().all(is_plain) {
                Some(format!("the value of an option is 1 to {NAME_CHARACTERS} letters, digits and _ . -"))
            } else {
                let fits = |label: &str| label.chars().count() <= TITLE_CHARACTERS && !label.chars().any(is_hidden);
                (!options.iter().all(|option| fits(&option.label)))
                    .then(|| format!("the label of an option has at most {TITLE_CHARACTERS} characters on one line"))
            }
        }
        Kind::Host | Kind::Port | Kind::WifiSsid | Kind::Url | Kind::Boolean => None,
    }
}

fn place(file: &File) -> String {
    format!("file {:?}", file.name.chars().take(FILE_NAME_CHARACTERS).collect::<String>())
}

fn check_file(file: &File, template: &Template, used: &mut BTreeSet<String>, found: &mut Found) {
    let place = place(file);
    if file.name.is_empty() || file.name.chars().count() > FILE_NAME_CHARACTERS {
        return found.add(&place, None, format!("its name is 1 to {FILE_NAME_CHARACTERS} characters"));
    }
    if file.body.len() > BODY_BYTES {
        return found.add(&place, None, format!("is larger than {BODY_BYTES} bytes"));
    }
    let hidden = |(_, line): &(usize, &str)| line.chars().any(|c| c != '\t' && c != '\r' && is_hidden(c));
    if let Some((position, _)) = file.body.split('\n').enumerate().find(hidden) {
        let line = u32::try_from(position + 1).ok();
        return found.add(&place, line, "has a control character, or one that turns the direction of writing");
    }
    if !file.name.contains('{')
        && let Some(problem) = crate::file_name::problem(&file.name)
    {
        found.add(&place, None, format!("its name {problem}"));
    }
    check_text(&format!("{place}, name"), &file.name, &["file_name"], template, used, found);
    let literals = literal_filters(&file.name).unwrap_or_default();
    check_text(&place, &file.body, literals, template, used, found);
}

/// Checks a name or a body; `literals` are the filters that write for its language, or none where any may be right.
fn check_text(
    place: &str,
    source: &str,
    literals: &[&str],
    template: &Template,
    used: &mut BTreeSet<String>,
    found: &mut Found,
) {
    let words = match syntax::scan(source) {
        Ok(words) => words,
        Err((line, problem)) => return found.add(place, Some(line), problem),
    };
    let environment = environment(true);
    let compiled = match environment.template_from_str(source) {
        Ok(compiled) => compiled,
        Err(error) => return found.0.push(render::problem(place, &error)),
    };
    // The engine does not look into every expression.
    let named = words.names.iter().map(|word| word.text);
    used.extend(
        named.filter(|name| template.variables.iter().any(|variable| variable.name == *name)).map(str::to_owned),
    );
    let undeclared: BTreeSet<String> = compiled.undeclared_variables(false).into_iter().collect();
    let is_known = |name: &String| name == FAIL || template.variables.iter().any(|variable| variable.name == *name);
    for name in undeclared.into_iter().filter(|name| !is_known(name)) {
        let line = words.names.iter().find(|word| word.text == name).map(|word| word.line);
        let known: Vec<&str> = template.variables.iter().map(|variable| variable.name.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        found.add(place, line, format!("there is no variable {name:?}; there are {known}"));
    }
    let last = words.last_filters.into_iter().map(|word| (word, true));
    for (Word { text, line }, is_last) in words.filters.into_iter().map(|word| (word, false)).chain(last) {
        let Some(filter) = FILTERS.iter().find(|filter| filter.name == text) else {
            let known: Vec<&str> = FILTERS.iter().map(|filter| filter.name).collect();
            found.add(place, Some(line), format!("there is no filter {text:?}; there are {}", known.join(", ")));
            continue;
        };
        let is_literal = filter.is_final && !matches!(text, "comment" | "file_name");
        if is_last && is_literal && !literals.is_empty() && !literals.contains(&text) {
            let right = literals.join(" or ");
            found.add(place, Some(line), format!("{text} writes {}; use {right} in this file", filter.help));
        }
    }
}
