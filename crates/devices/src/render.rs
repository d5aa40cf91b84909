//! From a template and what was filled in to files.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use minijinja::{Environment, Error, ErrorKind, Value};
use thiserror::Error as ThisError;

use crate::check::Problem;
use crate::environment::environment;
use crate::limits::{OUTPUT_BYTES, STEPS, TOTAL_BYTES};
use crate::variables::{Filled, Given, Kind, VariableProblem};
use crate::{Template, check, file_name};

/// A file that came out of a template.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Its name, with folders parted by `/`; always below the folder where it is put.
    pub name: String,
    /// Its text, which holds the secrets that were filled in.
    pub text: String,
}

/// Secrets stay out of logs.
impl std::fmt::Debug for Rendered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rendered({:?}, {} bytes)", self.name, self.text.len())
    }
}

/// Why no files came out.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum RenderError {
    /// The template has mistakes.
    #[error("the template cannot be used: {}", sentence(.0))]
    Template(Vec<Problem>),
    /// Something was filled in wrongly.
    #[error("{}", sentence(.0))]
    Variables(Vec<VariableProblem>),
    /// A file could not be made of these values.
    #[error("{0}")]
    File(Problem),
}

fn sentence<T: ToString>(problems: &[T]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join(". ")
}

impl Template {
    /// Makes the files, in the template's order.
    ///
    /// # Errors
    /// If the template would not pass the parts of [`Template::check`] that need no trial, if something was filled in wrongly, or
    /// if a file needs more steps or becomes larger than [`crate::limits`] allow.
    pub fn render(&self, given: &Given) -> Result<Vec<Rendered>, RenderError> {
        let problems = check::parts(self);
        if !problems.is_empty() {
            return Err(RenderError::Template(problems));
        }
        let filled = self.fill_in(given).map_err(RenderError::Variables)?;
        self.files_of(&filled, false).map_err(RenderError::File)
    }

    /// Makes the files of values that were checked.
    pub(crate) fn files_of(&self, filled: &BTreeMap<&str, Filled>, trial: bool) -> Result<Vec<Rendered>, Problem> {
        let environment = environment(trial);
        let context = self.context(filled);
        let (mut files, mut names, mut total) = (Vec::new(), BTreeSet::new(), 0);
        for file in &self.files {
            let place = format!("file {:?}", file.name);
            let name = one(&environment, &file.name, &context).map_err(|e| problem("the name of a file", &e))?;
            if let Some(wrong) = file_name::problem(&name) {
                return Err(Problem::new(&place, None, format!("its name {wrong}")));
            }
            if !names.insert(name.to_ascii_lowercase()) {
                return Err(Problem::new(&place, None, "another file has the same name".to_owned()));
            }
            let text = one(&environment, &file.body, &context).map_err(|error| problem(&place, &error))?;
            total += text.len();
            if total > TOTAL_BYTES {
                return Err(Problem::new(
                    &place,
                    None,
                    format!("the files have more than {TOTAL_BYTES} bytes together"),
                ));
            }
            files.push(Rendered { name, text });
        }
        Ok(files)
    }

    fn context(&self, filled: &BTreeMap<&str, Filled>) -> Value {
        let values = self.variables.iter().map(|variable| {
            let value = match filled.get(variable.name.as_str()) {
                Some(Filled::Text(text)) => Value::from(text.as_str()),
                Some(Filled::Word(word)) => Value::from_safe_string(word.clone()),
                Some(Filled::Integer(number)) => Value::from(*number),
                Some(Filled::Boolean(truth)) => Value::from(*truth),
                // Empty in a literal, false in a condition.
                Some(Filled::Nothing) | None => match variable.kind {
                    Kind::Integer { .. } | Kind::Port | Kind::Duration { .. } | Kind::Boolean => Value::from(()),
                    _ => Value::from(""),
                },
            };
            (variable.name.clone(), value)
        });
        Value::from(values.collect::<BTreeMap<String, Value>>())
    }
}

/// Renders one text.
fn one(environment: &Environment<'_>, source: &str, context: &Value) -> Result<String, Error> {
    let mut out = Bounded { bytes: Vec::new(), is_full: false };
    let rendered = environment.template_from_str(source)?.render_captured_to(context, &mut out);
    if out.is_full {
        let detail = format!("the file becomes larger than {OUTPUT_BYTES} bytes");
        return Err(Error::new(ErrorKind::WriteFailure, detail));
    }
    rendered.map(drop)?;
    String::from_utf8(out.bytes).map_err(|_| Error::new(ErrorKind::WriteFailure, "the file is not text"))
}

/// What an error of the engine means, without any value.
pub(crate) fn problem(place: &str, error: &Error) -> Problem {
    let line = error.line().and_then(|line| u32::try_from(line).ok()).filter(|line| *line > 0);
    let text = match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => format!("rendering takes more than {STEPS} steps; does a loop go on too long?"),
        (ErrorKind::InvalidOperation | ErrorKind::WriteFailure, Some(detail)) => detail.to_owned(),
        (ErrorKind::UndefinedError, _) => "something stands here that does not exist".to_owned(),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    };
    Problem::new(place, line, text)
}

/// A buffer that takes so many bytes and no more.
struct Bounded {
    bytes: Vec<u8>,
    is_full: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > OUTPUT_BYTES {
            self.is_full = true;
            return Err(io::Error::other("the file is too large"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
