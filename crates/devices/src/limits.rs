//! How large a template, what is filled in, and what comes out of it may be.

/// Characters of a template's title, of a variable's label and of the name of the hardware.
pub const TITLE_CHARACTERS: usize = 100;
/// Characters of a template's description.
pub const DESCRIPTION_CHARACTERS: usize = 4_000;
/// Characters of the help of a variable.
pub const HELP_CHARACTERS: usize = 500;
/// Characters of a template's id and of a variable's name.
pub const NAME_CHARACTERS: usize = 40;
/// Characters of the name of a file, with its folders, as a pattern and as rendered.
pub const FILE_NAME_CHARACTERS: usize = 100;
/// Variables of a template.
pub const VARIABLES: usize = 50;
/// Options of a choice.
pub const OPTIONS: usize = 50;
/// Files of a template.
pub const FILES: usize = 20;
/// Bytes of the body of a file before it is rendered.
pub const BODY_BYTES: usize = 64 << 10;
/// Characters of a text that is filled in, whatever its variable allows.
pub const TEXT_CHARACTERS: usize = 8_192;
/// Bytes of a rendered file.
pub const OUTPUT_BYTES: usize = 256 << 10;
/// Bytes of all rendered files of a template together.
pub const TOTAL_BYTES: usize = 1 << 20;
/// Steps that rendering a file may take; 64 bytes that are written, or made on the way, are a step too.
pub const STEPS: u64 = 20_000;
/// `{{ … }}` and `{% … %}` in a file.
pub const TAGS: usize = 2_000;
/// Words and signs in one `{{ … }}` or `{% … %}`.
pub const TOKENS: usize = 200;
/// How deep `for` and `if` may stand in each other, and how deep brackets.
pub const NESTING: usize = 16;
/// Problems of a template that are told; the others are not looked for.
pub const PROBLEMS: usize = 50;
