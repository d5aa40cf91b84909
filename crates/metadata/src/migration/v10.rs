//! The tenth form: e-mail addresses of people, and the links that confirm them.

use super::v1::{optional_text, optional_time};
use super::v2::add;
use super::{Step, index};

pub(super) fn step() -> Step {
    Step {
        columns: vec![
            add("user_account", &mut optional_text("email", 254)),
            add("user_account", &mut optional_time("email_confirmed_at_ms")),
            add("user_account", &mut optional_text("email_code", 64)),
            add("user_account", &mut optional_time("email_code_expires_at_ms")),
        ],
        indexes: vec![
            index("user_account_by_email", "user_account", &["email"]),
            index("user_account_by_email_code", "user_account", &["email_code"]),
        ],
        ..Step::default()
    }
}
