//! What of Jinja's language a template may use, and where its words stand.
//!
//! The engine parses templates by itself and bounds what rendering one costs; this looks at them before. It refuses statements
//! that no template of a single file needs, and bounds how deep things stand in each other. Where it reads a template otherwise
//! than the engine, it may refuse one that would do no harm.

use crate::limits::{NESTING, TAGS, TOKENS};

/// Statements that a template may use.
const STATEMENTS: &[&str] = &["if", "elif", "else", "endif", "for", "endfor"];
/// Words that are no names of variables.
pub(crate) const KEYWORDS: &[&str] =
    &["if", "elif", "else", "endif", "for", "endfor", "in", "is", "not", "and", "or", "true", "false", "none", "loop"];

/// A word and its line, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word<'s> {
    pub(crate) text: &'s str,
    pub(crate) line: u32,
}

/// The words of a template.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Words<'s> {
    /// Names that may be variables; also those that a `for` makes.
    pub(crate) names: Vec<Word<'s>>,
    /// Filters whose result no other filter takes.
    pub(crate) last_filters: Vec<Word<'s>>,
    /// The other filters.
    pub(crate) filters: Vec<Word<'s>>,
}

/// Something that a template may not use, and the line where it stands.
pub(crate) type Refused = (u32, String);

/// Finds the words of a template, or what it may not use.
pub(crate) fn scan(source: &str) -> Result<Words<'_>, Refused> {
    let mut scan = Scan { rest: source, line: 1, words: Words::default(), tags: 0, depth: 0, elifs: 0 };
    // In comments too: nothing is lost, and a text that the engine takes for code here cannot hide.
    scan.statements(source)?;
    while let Some(start) = scan.rest.find('{') {
        scan.skip(start);
        match scan.rest.as_bytes().get(1) {
            Some(b'#') => scan.comment()?,
            Some(b'{') => scan.expression("}}")?,
            Some(b'%') => scan.expression("%}")?,
            _ => _ = scan.skip(1),
        }
    }
    Ok(scan.words)
}

struct Scan<'s> {
    rest: &'s str,
    line: u32,
    words: Words<'s>,
    tags: usize,
    depth: usize,
    elifs: usize,
}

impl<'s> Scan<'s> {
    /// Leaves `bytes` of the rest behind, which end between characters.
    fn skip(&mut self, bytes: usize) -> &'s str {
        let (skipped, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        let lines = skipped.bytes().filter(|byte| *byte == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.rest = rest;
        skipped
    }

    fn refuse<T>(&self, problem: impl Into<String>) -> Result<T, Refused> {
        Err((self.line, problem.into()))
    }

    /// Looks at the first word of every `{%`, wherever it stands.
    fn statements(&mut self, source: &str) -> Result<(), Refused> {
        for (position, _) in source.match_indices("{%") {
            let behind = source.get(position + 2..).unwrap_or_default();
            let behind = behind.strip_prefix(['-', '+']).unwrap_or(behind).trim_start();
            let end = behind.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(behind.len());
            let word = behind.get(..end).unwrap_or_default();
            let refused = match word {
                word if !STATEMENTS.contains(&word) => {
                    let shown: String = word.chars().take(20).collect();
                    Some(format!("the statement {shown:?} is not available; there are if, elif, else and for"))
                }
                "if" | "for" => {
                    self.depth += 1;
                    (self.depth > NESTING).then(|| format!("if and for stand more than {NESTING} deep in each other"))
                }
                "endif" | "endfor" => {
                    self.depth = self.depth.saturating_sub(1);
                    None
                }
                "elif" => {
                    self.elifs += 1;
                    (self.elifs > TOKENS).then(|| format!("there are more than {TOKENS} elif"))
                }
                _ => None,
            };
            if let Some(problem) = refused {
                let lines = source.get(..position).unwrap_or_default().bytes().filter(|byte| *byte == b'\n').count();
                return Err((u32::try_from(lines).unwrap_or(u32::MAX).saturating_add(1), problem));
            }
        }
        Ok(())
    }

    fn comment(&mut self) -> Result<(), Refused> {
        match self.rest.get(2..).and_then(|rest| rest.find("#}")) {
            Some(end) => {
                self.skip(end + 4);
                Ok(())
            }
            None => self.refuse("a comment begins here with {# and does not end; write { # if it is none"),
        }
    }

    /// From `{{` or `{%` to its end.
    fn expression(&mut self, end: &str) -> Result<(), Refused> {
        self.tags += 1;
        if self.tags > TAGS {
            return self.refuse(format!("there are more than {TAGS} {{{{ … }}}} and {{% … %}}"));
        }
        let (opened, mut tokens, mut brackets) = (self.line, 0, 0_usize);
        self.skip(2);
        if self.rest.starts_with(['-', '+']) {
            self.skip(1);
        }
        // What stood before a word decides what it is.
        let mut before = ' ';
        while let Some(character) = self.rest.chars().next() {
            if character.is_whitespace() {
                self.skip(character.len_utf8());
                continue;
            }
            if brackets == 0 {
                let bare = self.rest.strip_prefix('-').unwrap_or(self.rest);
                if bare.starts_with(end) {
                    self.skip(self.rest.len() - bare.len() + end.len());
                    return Ok(());
                }
            }
            tokens += 1;
            if tokens > TOKENS {
                return self.refuse(format!("more than {TOKENS} words and signs in one {{{{ … }}}} or {{% … %}}"));
            }
            match character {
                '"' | '\'' => self.string(character)?,
                c if c.is_alphabetic() || c == '_' => {
                    self.word(before);
                    before = 'a';
                    continue;
                }
                '(' | '[' | '{' => {
                    brackets += 1;
                    if brackets > NESTING {
                        return self.refuse(format!("brackets stand more than {NESTING} deep in each other"));
                    }
                    self.skip(1);
                }
                ')' | ']' | '}' => {
                    brackets = brackets.saturating_sub(1);
                    self.skip(1);
                }
                c => _ = self.skip(c.len_utf8()),
            }
            before = character;
        }
        Err((opened, format!("{} begins here and does not end with {end}", if end == "}}" { "{{" } else { "{%" })))
    }

    fn string(&mut self, quote: char) -> Result<(), Refused> {
        let mut escaped = false;
        for (position, character) in self.rest.char_indices().skip(1) {
            match character {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                c if c == quote => {
                    self.skip(position + 1);
                    return Ok(());
                }
                _ => {}
            }
        }
        self.refuse(format!("a text begins here with {quote} and does not end"))
    }

    fn word(&mut self, before: char) {
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let line = self.line;
        let text = self.skip(end);
        match before {
            '.' => {}
            '|' if self.rest.trim_start().starts_with('|') => self.words.filters.push(Word { text, line }),
            '|' => self.words.last_filters.push(Word { text, line }),
            _ if KEYWORDS.contains(&text) => {}
            _ => self.words.names.push(Word { text, line }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(source: &str) -> (u32, String) {
        scan(source).expect_err(source)
    }

    #[test]
    fn names_and_filters_have_their_lines() {
        let words =
            scan("a\n{{ b | y|c_string }}{# {{ d }} #}\n{% if e.f is https %}\n{{- 'g' | x -}}{% endif %} { {h}")
                .unwrap();
        let of =
            |words: &[Word<'_>]| words.iter().map(|w| format!("{}:{}", w.text, w.line)).collect::<Vec<_>>().join(" ");
        assert_eq!(of(&words.names), "b:2 e:3 https:3");
        assert_eq!((of(&words.filters), of(&words.last_filters)), ("y:2".into(), "c_string:2 x:4".into()));
        assert_eq!(scan("int a[] = {1, 2}; ${x} #{y} 100%").unwrap(), Words::default());
    }

    #[test]
    fn what_a_template_may_not_use_is_refused_with_its_line() {
        for (source, line, part) in [
            ("\n{% set x = 1 %}", 2, "set"),
            ("{% macro m() %}{% endmacro %}", 1, "macro"),
            ("{%- include 'x' %}", 1, "include"),
            ("{#\n{%+raw%}#}", 2, "raw"),
            ("{% %}", 1, "\"\""),
            ("{{ a", 1, "does not end with }}"),
            ("\n{% if a", 2, "does not end with %}"),
            ("{{ \"a }}", 1, "does not end"),
            ("${#a}", 1, "write { #"),
            ("{{ [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]] }}", 1, "brackets"),
        ] {
            let (found, problem) = refused(source);
            assert_eq!(found, line, "{source}: {problem}");
            assert!(problem.contains(part), "{source}: {problem}");
        }
        assert!(refused(&"{% if a %}".repeat(NESTING + 1)).1.contains("deep"));
        assert!(refused(&"{{ a }}".repeat(TAGS + 1)).1.contains("more than"));
        assert!(refused(&format!("{{{{ {} a }}}}", "not ".repeat(TOKENS))).1.contains("words"));
        assert!(scan("{{ \"~ * + }}\" }}{{ {'a': 1}['a'] }}").is_ok());
    }
}
