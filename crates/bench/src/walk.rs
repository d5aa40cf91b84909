//! A decimal value that wanders between two bounds.

use std::fmt;

use rand::Rng;
use rand::rngs::StdRng;

/// The value, counted in units of its last decimal, so that it never has more of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walk {
    units: i64,
    min: i64,
    max: i64,
    /// The largest change of one step.
    step: i64,
    decimals: u32,
}

impl Walk {
    /// Begins anywhere between two whole numbers; `step` counts in the last decimal.
    pub(crate) fn anywhere(min: i64, max: i64, decimals: u32, step: i64, rng: &mut StdRng) -> Self {
        let scale = 10_i64.pow(decimals);
        let (min, max) = (min * scale, max * scale);
        Self { units: rng.random_range(min..=max), min, max, step, decimals }
    }

    /// Takes one step.
    pub(crate) fn advance(&mut self, rng: &mut StdRng) {
        self.units = (self.units + rng.random_range(-self.step..=self.step)).clamp(self.min, self.max);
    }
}

impl fmt::Display for Walk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.units < 0 { "-" } else { "" };
        let units = self.units.unsigned_abs();
        if self.decimals == 0 {
            return write!(f, "{sign}{units}");
        }
        let scale = 10_u64.pow(self.decimals);
        write!(f, "{sign}{}.{:0width$}", units / scale, units % scale, width = self.decimals as usize)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_value_is_written_as_the_decimal_that_it_is() {
        let written = |units, decimals| Walk { units, min: i64::MIN, max: i64::MAX, step: 0, decimals }.to_string();
        assert_eq!(written(4_820_771, 5), "48.20771");
        assert_eq!(written(-7, 5), "-0.00007");
        assert_eq!(written(-105, 1), "-10.5");
        assert_eq!(written(360, 0), "360");
        assert_eq!(written(0, 2), "0.00");
    }

    #[test]
    fn bounds_hold_and_steps_are_small() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut walk = Walk::anywhere(0, 1, 2, 5, &mut rng);
        for _ in 0..10_000 {
            let before = walk.units;
            walk.advance(&mut rng);
            assert!((0..=100).contains(&walk.units) && (walk.units - before).abs() <= 5);
        }
    }
}
