//! The fifth form: places.

use super::Step;

pub(super) fn step() -> Step {
    Step::default()
}
