//! Code for devices: templates of firmware, scripts and settings, whose variables a person fills in, and the templates that
//! come with Sensorium.
//!
//! A [`Template`] has typed [`Variable`]s and files, whose names and bodies are written in a part of Jinja's language.
//! [`Template::check`] finds what is wrong with one before it is kept; [`Template::render`] checks what a person filled in and
//! makes the files. [`shipped`] are the templates of this version, and [`diff`] compares two versions of one.
//!
//! Pure: no sockets, no files, no clock. A template cannot read files either: it has no `include`, `import` or `extends`.
//!
//! Invariants:
//! - text that a person filled in reaches a file only through a filter that writes it as a literal of the file's language
//!   ([`FILTERS`]), so that no value ends its literal and becomes code; the rest of a file is its author's;
//! - rendering ends: steps, memory, output and nesting are bounded;
//! - neither a template nor a value makes this crate panic;
//! - an error names the variable or the line, and never holds the value of a secret.
//!
//! Limits: see [`limits`].

mod address;
mod check;
mod diff;
mod environment;
mod escape;
mod file_name;
pub mod limits;
mod render;
mod shipped;
mod syntax;
mod template;
#[cfg(test)]
mod tests;
mod variables;

pub use check::Problem;
pub use diff::{diff, diff_of_text};
pub use environment::{FILTERS, Filter};
pub use render::{RenderError, Rendered};
pub use shipped::shipped;
pub use template::{File, Language, Template};
pub use variables::{Choice, Given, Kind, Variable, VariableProblem};
