//! Tests of templates as a whole, and of literals with the languages that read them.

mod literals;
mod rules;
mod shipped;
mod tools;
