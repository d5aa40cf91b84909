//! What messages say.

use std::fmt;

use chrono::DateTime;
use sensorium_model::{EmailAddress, OrgId};

/// A message to somebody.
#[derive(Clone)]
pub struct Letter {
    /// The organisation whose record says that it was sent.
    pub org: OrgId,
    /// Where it goes.
    pub to: EmailAddress,
    /// What it says.
    pub words: Words,
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter").field("kind", &self.words.kind()).field("to", &self.to.masked()).finish()
    }
}

/// The kinds of message, each with what it says about the person. A `code` is the secret of a one-time link.
#[derive(Clone)]
#[expect(missing_docs, reason = "each kind says what its parts are for")]
pub enum Words {
    /// To see whether mail arrives.
    Test,
    /// An invitation, with the link that lets the person choose a password.
    Invitation { login: String, organisation: String, code: String, expires_at_ms: i64 },
    /// Somebody asked for another password; the link chooses it.
    Reset { login: String, organisation: String, code: String, expires_at_ms: i64 },
    /// The password is another one since now.
    PasswordChanged { login: String, organisation: String },
    /// An administrator let somebody in who had asked; the link confirms the address.
    LetIn { login: String, organisation: String, code: String },
    /// The link shows that the person reads what is sent to this address.
    Confirm { login: String, organisation: String, code: String, expires_at_ms: i64 },
    /// To the address that somebody had before.
    AddressChanged { login: String, organisation: String },
}

/// The text of a message, before it becomes plain text and HTML: names in it are as people chose them.
pub(crate) struct Text {
    pub(crate) subject: String,
    pub(crate) before: Vec<String>,
    pub(crate) link: Option<String>,
    pub(crate) after: Vec<String>,
}

impl Words {
    /// The stable word for the kind, as figures, logs and the record of changes have it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Invitation { .. } => "invitation",
            Self::Reset { .. } => "password_reset",
            Self::PasswordChanged { .. } => "password_changed",
            Self::LetIn { .. } => "let_in",
            Self::Confirm { .. } => "confirm_address",
            Self::AddressChanged { .. } => "address_changed",
        }
    }

    /// The text; links begin with `base`.
    pub(crate) fn text(&self, base: &str) -> Text {
        match self {
            Self::Test => Text {
                subject: "A test message from Sensorium".to_owned(),
                before: vec!["Mail from Sensorium arrives here. There is nothing to do.".to_owned()],
                link: None,
                after: Vec::new(),
            },
            Self::Invitation { login, organisation, code, expires_at_ms } => Text {
                subject: format!("You are invited to {}", name(organisation)),
                before: vec![
                    format!("You are invited to {} on Sensorium. Your login is {}.", name(organisation), name(login)),
                    "Choose a password with this link:".to_owned(),
                ],
                link: Some(format!("{base}/invitation#code={code}")),
                after: vec![until(*expires_at_ms)],
            },
            Self::Reset { login, organisation, code, expires_at_ms } => Text {
                subject: "Choose another password".to_owned(),
                before: vec![
                    format!("Somebody asked for another password for {} at {}.", name(login), name(organisation)),
                    "If it was you, choose one with this link:".to_owned(),
                ],
                link: Some(format!("{base}/invitation#code={code}")),
                after: vec![
                    until(*expires_at_ms),
                    "If it was not you, there is nothing to do: your password stays as it is.".to_owned(),
                ],
            },
            Self::PasswordChanged { login, organisation } => Text {
                subject: "Your password was changed".to_owned(),
                before: vec![
                    format!("The password of {} at {} was changed just now.", name(login), name(organisation)),
                    "If it was not you, tell an administrator at once.".to_owned(),
                ],
                link: None,
                after: Vec::new(),
            },
            Self::LetIn { login, organisation, code } => Text {
                subject: format!("You may use {} now", name(organisation)),
                before: vec![
                    format!(
                        "You asked for an account at {}, and an administrator has let you in. Sign in as {} with the password that you chose.",
                        name(organisation),
                        name(login)
                    ),
                    "Confirm with this link that this is your address, so that you can choose another password if you forget yours:"
                        .to_owned(),
                ],
                link: Some(format!("{base}/confirm-email#code={code}")),
                after: Vec::new(),
            },
            Self::Confirm { login, organisation, code, expires_at_ms } => Text {
                subject: "Confirm your e-mail address".to_owned(),
                before: vec![
                    format!("{} at {} is to have this e-mail address.", name(login), name(organisation)),
                    "If it is yours, confirm it with this link:".to_owned(),
                ],
                link: Some(format!("{base}/confirm-email#code={code}")),
                after: vec![until(*expires_at_ms), "If you know nothing of this, there is nothing to do.".to_owned()],
            },
            Self::AddressChanged { login, organisation } => Text {
                subject: "Your e-mail address was changed".to_owned(),
                before: vec![
                    format!("{} at {} has no longer this e-mail address.", name(login), name(organisation)),
                    "If it was not you, tell an administrator at once.".to_owned(),
                ],
                link: None,
                after: Vec::new(),
            },
        }
    }
}

/// A name on one line, however it came to be stored: nothing in it ends a header.
fn name(text: &str) -> String {
    let is_break = |character: char| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}');
    text.chars().take(100).map(|character| if is_break(character) { ' ' } else { character }).collect()
}

fn until(expires_at_ms: i64) -> String {
    let time = DateTime::from_timestamp_millis(expires_at_ms).unwrap_or_default();
    format!("The link works once, until {}.", time.format("%-d %B %Y, %H:%M UTC"))
}
