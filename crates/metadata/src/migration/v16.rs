//! The sixteenth form: what API tokens are proven with without being sent.

use super::Step;
use super::v1::optional_text;
use super::v2::add;

pub(super) fn step() -> Step {
    Step { columns: vec![add("api_token", &mut optional_text("scram", 160))], ..Step::default() }
}
