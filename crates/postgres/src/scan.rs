//! Where statements end in a text, and their first words, without understanding more of them: texts, names and comments of SQL are
//! passed over as PostgreSQL reads them (section 4.1 of its documentation).

/// A statement of a text, without the semicolon behind it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub(crate) text: &'a str,
    /// The byte at which it begins.
    pub(crate) begins: usize,
}

/// The statements of a text. Those that hold nothing but comments are left out.
pub(crate) fn statements(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut begins = 0;
    let mut is_empty = true;
    let mut push = |begins: usize, end: usize, is_empty: bool| {
        if !is_empty && let Some(text) = text.get(begins..end) {
            pieces.push(Piece { text, begins });
        }
    };
    for (at, token) in (Tokens { text, at: 0 }) {
        match token {
            Token::Space => {}
            Token::Other(";") => {
                push(begins, at, is_empty);
                (begins, is_empty) = (at + 1, true);
            }
            // A statement begins with its first word, so that places in it are counted from there.
            _ if is_empty => (begins, is_empty) = (at, false),
            _ => {}
        }
    }
    push(begins, text.len(), is_empty);
    pieces
}

/// The first words, names, values and signs of a statement; at most so many.
pub(crate) fn words(statement: &str, at_most: usize) -> Vec<&str> {
    let tokens = Tokens { text: statement, at: 0 }.filter_map(|(_, token)| match token {
        Token::Space => None,
        Token::Word(text) | Token::Other(text) => Some(text),
    });
    tokens.take(at_most).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    /// Blanks and comments.
    Space,
    Word(&'a str),
    /// Texts, quoted names, and signs one by one.
    Other(&'a str),
}

struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = (usize, Token<'a>);

    fn next(&mut self) -> Option<(usize, Token<'a>)> {
        let rest = self.text.get(self.at..)?;
        let first = rest.chars().next()?;
        let (length, make): (usize, fn(&'a str) -> Token<'a>) = if first.is_whitespace() {
            (rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len()), |_| Token::Space)
        } else if rest.starts_with("--") {
            (rest.find('\n').unwrap_or(rest.len()), |_| Token::Space)
        } else if rest.starts_with("/*") {
            (comment(rest), |_| Token::Space)
        } else if rest.starts_with(['E', 'e']) && rest.get(1..2) == Some("'") {
            (1 + quoted(rest.get(1..).unwrap_or_default(), '\'', true), Token::Other)
        } else if first == '\'' || first == '"' {
            (quoted(rest, first, false), Token::Other)
        } else if first == '$'
            && let Some(length) = dollar_quoted(rest)
        {
            (length, Token::Other)
        } else if is_word(first) {
            (rest.find(|c: char| !is_word(c)).unwrap_or(rest.len()), Token::Word)
        } else {
            (first.len_utf8(), Token::Other)
        };
        let at = self.at;
        self.at += length;
        Some((at, make(rest.get(..length).unwrap_or_default())))
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Bytes of a comment; comments may be in each other.
fn comment(text: &str) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth = depth.saturating_sub(1);
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Bytes of a text or a name with its quotes; a quote in it is doubled, or has a backslash before it.
fn quoted(text: &str, quote: char, has_escapes: bool) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if has_escapes && character == '\\' {
            characters.next();
        } else if character == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    text.len()
}

/// Bytes of `$tag$ … $tag$`; none when this is something else, such as a parameter.
fn dollar_quoted(text: &str) -> Option<usize> {
    let tag = text.get(..text.get(1..)?.find('$')? + 2)?;
    let name = tag.trim_matches('$');
    if name.starts_with(|first: char| first.is_ascii_digit()) || !name.chars().all(is_word) {
        return None;
    }
    let end = text.get(tag.len()..)?.find(tag);
    Some(end.map_or(text.len(), |end| tag.len() + end + tag.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        statements(text).into_iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn statements_end_at_semicolons_that_are_in_nothing_else() {
        assert_eq!(texts("BEGIN; SELECT 1 ;COMMIT"), ["BEGIN", "SELECT 1 ", "COMMIT"]);
        for one in [
            "SELECT 'a;b'",
            "SELECT 'it''s;'",
            r"SELECT E'\';'",
            "SELECT \"a;\"\"b\"",
            "SELECT $$a;b$$",
            "SELECT $x$a;$$;b$x$",
            "SELECT 1 /* ; /* ; */ ; */ + 1",
            "SELECT 1 -- ;\n + 1",
            "SELECT $1, $2",
        ] {
            assert_eq!(texts(one), [one]);
        }
        for none in ["", " ", ";;", "-- nothing", "/* nothing */;"] {
            assert_eq!(texts(none), Vec::<&str>::new(), "{none}");
        }
        assert_eq!(statements("; -- x\n SELECT 1")[0], Piece { text: "SELECT 1", begins: 8 });
    }

    #[test]
    fn what_never_ends_ends_with_the_text() {
        for open in ["SELECT 'a;", "SELECT \"a;", "SELECT $$a;", "SELECT 1 /* ;", "SELECT E'\\"] {
            assert_eq!(texts(open), [open]);
        }
    }

    #[test]
    fn words_are_told_from_signs() {
        assert_eq!(words("SET /* x */ \"a\" = 'b c'", 9), ["SET", "\"a\"", "=", "'b c'"]);
        assert_eq!(words("SELECT 1", 1), ["SELECT"]);
    }
}
