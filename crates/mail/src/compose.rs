//! A message as it is sent: plain text and the same as HTML (RFC 2046, section 5.1.4), marked as made by a program (RFC 3834).

use std::fmt::Write as _;

use lettre::Message;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use uuid::Uuid;

use crate::error::MailError;
use crate::words::{Letter, Text};

/// Tells other programs not to answer.
#[derive(Debug, Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Writes a letter down. The recipient is an address without a name, so that no name stands in the headers but in the subject.
pub(crate) fn message(letter: &Letter, from: &Mailbox, base: &str) -> Result<Message, MailError> {
    let text = letter.words.text(base);
    let to = letter.to.as_str().parse().map_err(MailError::To)?;
    let id = format!("<{}@{}>", Uuid::new_v4(), from.email.domain());
    Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(text.subject.as_str())
        .message_id(Some(id))
        .header(AutoSubmitted)
        .multipart(MultiPart::alternative_plain_html(plain(&text, base), html(&text, base)))
        .map_err(MailError::Message)
}

fn plain(text: &Text, base: &str) -> String {
    let paragraphs = text.before.iter().chain(&text.link).chain(&text.after);
    let mut plain = String::new();
    for paragraph in paragraphs {
        let _ = write!(plain, "{paragraph}\r\n\r\n");
    }
    let _ = write!(plain, "{}\r\n", footer(base));
    plain
}

fn html(text: &Text, base: &str) -> String {
    let mut html =
        format!("<!DOCTYPE html><html lang=\"en\"><head><title>{}</title></head><body>", escaped(&text.subject));
    let paragraph = |html: &mut String, text: &str| {
        let _ = write!(html, "<p>{}</p>", escaped(text));
    };
    text.before.iter().for_each(|text| paragraph(&mut html, text));
    if let Some(link) = &text.link {
        let link = escaped(link);
        let _ = write!(html, "<p><a href=\"{link}\">{link}</a></p>");
    }
    text.after.iter().for_each(|text| paragraph(&mut html, text));
    paragraph(&mut html, &footer(base));
    html.push_str("</body></html>");
    html
}

fn footer(base: &str) -> String {
    format!("Sensorium, {base}. Nobody reads answers to this message.")
}

/// Text as it stands between tags and in attributes of HTML.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use sensorium_model::OrgId;

    use super::*;
    use crate::words::Words;

    const BASE: &str = "https://box";

    fn letter(words: Words) -> Letter {
        Letter { org: OrgId::from_uuid(Uuid::nil()), to: "ada@example.org".parse().unwrap(), words }
    }

    /// The headers of a message, each on one line.
    fn headers(words: Words) -> Vec<String> {
        let from = "Sensorium <sensorium@example.org>".parse().unwrap();
        let written = String::from_utf8(message(&letter(words), &from, BASE).unwrap().formatted()).unwrap();
        let (head, _) = written.split_once("\r\n\r\n").unwrap();
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        unfolded.split("\r\n").map(ToOwned::to_owned).collect()
    }

    fn reset(login: &str, organisation: &str) -> Words {
        let (login, organisation) = (login.to_owned(), organisation.to_owned());
        Words::Reset { login, organisation, code: "secret".into(), expires_at_ms: 0 }
    }

    #[test]
    fn names_add_no_header_and_no_tag() {
        let organisation = "Lab\r\nBcc: eve@example.org\r\n\r\n<script>alert(\"1\")</script>\u{2028}X: y".to_owned();
        let login = "a\nTo: eve@example.org'<b>".to_owned();
        let code = "c".to_owned();
        for words in [
            reset(&login, &organisation),
            Words::LetIn { login: login.clone(), organisation: organisation.clone(), code: code.clone() },
            Words::Invitation { login, organisation, code, expires_at_ms: 0 },
        ] {
            let text = words.text(BASE);
            let html = html(&text, BASE);
            assert!(!html.contains("<script") && !html.contains("<b>") && html.contains("&lt;script&gt;"), "{html}");
            assert!(plain(&text, BASE).lines().all(|line| !line.starts_with("Bcc:") && !line.starts_with("To:")));
            let headers = headers(words);
            let mut names: Vec<&str> = headers.iter().filter_map(|header| header.split(':').next()).collect();
            names.sort_unstable();
            let known =
                ["Auto-Submitted", "Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To"];
            assert_eq!(names, known, "{headers:?}");
            assert!(headers.contains(&"To: ada@example.org".to_owned()), "{headers:?}");
            assert!(headers.iter().all(|header| !header.contains(['\r', '\n'])), "{headers:?}");
        }
    }

    #[test]
    fn a_message_says_the_same_twice_and_that_a_program_wrote_it() {
        let text = reset("ada", "Lab").text(BASE);
        let (plain, html) = (plain(&text, BASE), html(&text, BASE));
        assert_eq!(plain.matches("https://box/invitation#code=secret").count(), 1, "{plain}");
        assert_eq!(html.matches("https://box/invitation#code=secret").count(), 2, "{html}");
        for words in ["ada at Lab", "until 1 January 1970, 00:00 UTC", "your password stays as it is"] {
            assert!(plain.contains(words) && html.contains(words), "{words}");
        }
        let headers = headers(reset("ada", "Lab"));
        assert!(headers.contains(&"Auto-Submitted: auto-generated".to_owned()), "{headers:?}");
        assert!(headers.iter().any(|header| header.starts_with("Content-Type: multipart/alternative")), "{headers:?}");
    }

    #[test]
    fn a_letter_shows_no_secret() {
        let shown = format!("{:?}", letter(reset("ada", "Lab")));
        assert!(shown.contains("password_reset") && shown.contains("a…@example.org"), "{shown}");
        assert!(!shown.contains("secret") && !shown.contains("ada"), "{shown}");
    }
}
