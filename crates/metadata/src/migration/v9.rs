//! The ninth form: classes of people with quotas, and self-registration.

use super::Step;

pub(super) fn step() -> Step {
    Step::default()
}
