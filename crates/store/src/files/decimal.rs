//! Doubles that are decimals, as integers with one scale.
//!
//! 23.7 is no double, but the double nearest to it is also what 237 / 10 gives: dividing two exact doubles rounds correctly.
//! So the integer 237 and the scale 1 stand for the same 64 bits, take a third of the room behind delta encoding, and are
//! what Parquet calls DECIMAL, which every reader understands as a number.
//!
//! Invariant: a column is converted only if dividing gives back the bits of each of its values. Negative zero, infinities, NaN
//! and numbers with more digits do not, and leave the column as it is.
//!
//! Limits: scales from 0 to 9; integers up to 2^50, for which the rounding below is exact. A scale that gives back a value
//! is then passed by all larger ones too, up to the limit.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Decimal32Array, Decimal64Array, Float64Array};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

/// A number of decimals.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Scale {
    digits: i8,
    power: f64,
}

const SCALES: [Scale; 10] = [
    Scale { digits: 0, power: 1e0 },
    Scale { digits: 1, power: 1e1 },
    Scale { digits: 2, power: 1e2 },
    Scale { digits: 3, power: 1e3 },
    Scale { digits: 4, power: 1e4 },
    Scale { digits: 5, power: 1e5 },
    Scale { digits: 6, power: 1e6 },
    Scale { digits: 7, power: 1e7 },
    Scale { digits: 8, power: 1e8 },
    Scale { digits: 9, power: 1e9 },
];

/// The largest integer. The product of a double and a power of ten is off by at most 2^-53 of itself, here an eighth.
const MAX_INTEGER: f64 = (1_i64 << 50) as f64;

/// Adding this to a number below 2^51 leaves the nearest integer in the low bits, and taking it away again leaves that integer.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// Digits of the decimals that Parquet stores in 32 bits.
const SHORT_DIGITS: u8 = 9;
/// The largest integer with them.
const SHORT_MAX: u64 = 999_999_999;
/// Digits of the decimals that Parquet stores in 64 bits.
const LONG_DIGITS: u8 = 18;

/// Values that are looked at before the next ones are.
const CHUNK: usize = 1_024;

impl Scale {
    fn of(digits: i8) -> Option<Self> {
        SCALES.into_iter().find(|scale| scale.digits == digits)
    }

    /// The integer that stands for a value, and whether it does.
    #[inline]
    fn integer(self, value: f64) -> (i64, bool) {
        let scaled = value * self.power;
        let shifted = scaled + ROUND;
        let same = ((shifted - ROUND) / self.power).to_bits() == value.to_bits();
        let integer = shifted.to_bits().cast_signed().wrapping_sub(ROUND.to_bits().cast_signed());
        (integer, same & (scaled.abs() <= MAX_INTEGER))
    }

    /// The largest of the integers that stand for the values, without its sign; or else a value that has none.
    fn largest(self, values: &[f64]) -> Result<u64, f64> {
        let mut largest = 0;
        for chunk in values.chunks(CHUNK) {
            let mut all = true;
            for value in chunk {
                let (integer, same) = self.integer(*value);
                all &= same;
                largest = largest.max(integer.unsigned_abs());
            }
            if !all {
                let other = chunk.iter().find(|value| !self.integer(**value).1);
                return Err(other.copied().unwrap_or(f64::NAN));
            }
        }
        Ok(largest)
    }
}

/// Finds the type for decimals that come from several places.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decimals {
    scale: Scale,
    /// The largest integer at that scale.
    largest: u64,
    possible: bool,
}

impl Default for Decimals {
    fn default() -> Self {
        let [scale, ..] = SCALES;
        Self { scale, largest: 0, possible: true }
    }
}

impl Decimals {
    /// Whether one type can still hold all that was added.
    pub(crate) fn possible(&self) -> bool {
        self.possible
    }

    /// Adds doubles.
    pub(crate) fn add_values(&mut self, column: &Float64Array) {
        let values = without_nulls(column);
        while self.possible {
            match self.scale.largest(&values) {
                Ok(largest) => return self.add_largest(largest),
                Err(value) => {
                    let mut larger = SCALES.into_iter().filter(|scale| scale.digits > self.scale.digits);
                    match larger.find(|scale| scale.integer(value).1) {
                        Some(scale) => self.widen(scale),
                        None => self.possible = false,
                    }
                }
            }
        }
    }

    /// Adds what is stored as decimals of a scale already, of which `largest` is the largest integer without its sign.
    pub(crate) fn add_decimals(&mut self, digits: i8, largest: u64) {
        let Some(scale) = Scale::of(digits) else {
            self.possible = false;
            return;
        };
        if scale.digits > self.scale.digits {
            self.widen(scale);
        }
        let missing = u32::try_from(self.scale.digits - digits).unwrap_or(0);
        self.add_largest(largest.saturating_mul(10_u64.saturating_pow(missing)));
    }

    fn widen(&mut self, scale: Scale) {
        let more = u32::try_from(scale.digits - self.scale.digits).unwrap_or(0);
        self.scale = scale;
        self.add_largest(self.largest.saturating_mul(10_u64.saturating_pow(more)));
    }

    fn add_largest(&mut self, largest: u64) {
        self.largest = self.largest.max(largest);
        self.possible &= self.largest <= MAX_INTEGER as u64;
    }

    /// The type that holds all; `None` if only doubles do.
    pub(crate) fn data_type(&self) -> Option<DataType> {
        match (self.possible, self.largest <= SHORT_MAX) {
            (false, _) => None,
            (true, true) => Some(DataType::Decimal32(SHORT_DIGITS, self.scale.digits)),
            (true, false) => Some(DataType::Decimal64(LONG_DIGITS, self.scale.digits)),
        }
    }
}

/// The column as decimals of a type; `None` if they would not give back all of its values.
pub(crate) fn to_decimals(column: &Float64Array, data_type: &DataType) -> Result<Option<ArrayRef>, ArrowError> {
    let (DataType::Decimal32(_, digits) | DataType::Decimal64(_, digits)) = data_type else { return Ok(None) };
    let Some(scale) = Scale::of(*digits) else { return Ok(None) };
    let values = without_nulls(column);
    let Ok(largest) = scale.largest(&values) else { return Ok(None) };
    let integers = values.iter().map(|value| scale.integer(*value).0);
    let nulls = column.nulls().cloned();
    Ok(match data_type {
        DataType::Decimal32(precision, _) if largest <= SHORT_MAX => {
            let decimals = Decimal32Array::try_new(integers.map(|integer| integer as i32).collect(), nulls)?;
            Some(Arc::new(decimals.with_precision_and_scale(*precision, *digits)?))
        }
        DataType::Decimal64(precision, _) => {
            let decimals = Decimal64Array::try_new(integers.collect(), nulls)?;
            Some(Arc::new(decimals.with_precision_and_scale(*precision, *digits)?))
        }
        _ => None,
    })
}

/// The values, with zeros where there are none.
fn without_nulls(column: &Float64Array) -> Cow<'_, [f64]> {
    if column.null_count() == 0 {
        return Cow::Borrowed(column.values());
    }
    Cow::Owned(column.iter().map(Option::unwrap_or_default).collect())
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::compute::cast;
    use arrow::datatypes::Float64Type;
    use proptest::prelude::*;

    use super::*;

    fn as_decimals(column: &Float64Array) -> Option<ArrayRef> {
        let mut decimals = Decimals::default();
        decimals.add_values(column);
        Some(to_decimals(column, &decimals.data_type()?).unwrap().unwrap())
    }

    fn scale_of(values: &[f64]) -> Option<DataType> {
        as_decimals(&Float64Array::from(values.to_vec())).map(|decimals| decimals.data_type().clone())
    }

    /// The bits after the way to decimals and back; `None` if they are no decimals.
    fn there_and_back(values: &[f64]) -> Option<Vec<u64>> {
        let decimals = as_decimals(&Float64Array::from(values.to_vec()))?;
        let doubles = cast(&decimals, &DataType::Float64).unwrap();
        Some(doubles.as_primitive::<Float64Type>().values().iter().map(|value| value.to_bits()).collect())
    }

    #[test]
    fn the_scale_is_the_smallest_that_loses_nothing() {
        assert_eq!(scale_of(&[23.7, 21.0, 23.75]), Some(DataType::Decimal32(9, 2)));
        assert_eq!(scale_of(&[1.0, -2.0, 0.0]), Some(DataType::Decimal32(9, 0)));
        assert_eq!(scale_of(&[48.20771, 11.5]), Some(DataType::Decimal32(9, 5)));
        assert_eq!(scale_of(&[0.000_000_001]), Some(DataType::Decimal32(9, 9)));
        assert_eq!(scale_of(&[1.5, 1e9]), Some(DataType::Decimal64(18, 1)));
        assert_eq!(scale_of(&[]), Some(DataType::Decimal32(9, 0)));
        // The one with more decimals hides where no sample looks.
        let mut values = vec![1.5; 10_000];
        values[5_001] = 1.25;
        assert_eq!(scale_of(&values), Some(DataType::Decimal32(9, 2)));
        values[7_003] = std::f64::consts::PI;
        assert_eq!(scale_of(&values), None);
    }

    #[test]
    fn what_no_decimal_gives_back_stays_a_double() {
        let specials = [-0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e16, 5e-324, 0.1 + 0.2, 1.0 / 3.0];
        for special in specials {
            assert_eq!(scale_of(&[1.5, special]), None, "{special}");
        }
        assert_eq!(scale_of(&[MAX_INTEGER]), Some(DataType::Decimal64(18, 0)));
        assert_eq!(scale_of(&[MAX_INTEGER + 1.0]), None);
    }

    #[test]
    fn values_that_are_absent_do_not_count() {
        let column = Float64Array::from(vec![Some(1.5), None, Some(2.25)]);
        let decimals = as_decimals(&column).unwrap();
        assert_eq!(decimals.data_type(), &DataType::Decimal32(9, 2));
        assert_eq!(cast(&decimals, &DataType::Float64).unwrap().as_primitive::<Float64Type>(), &column);
        let hidden = Float64Array::new(vec![1.5, f64::NAN].into(), Some(vec![true, false].into()));
        assert_eq!(as_decimals(&hidden).unwrap().data_type(), &DataType::Decimal32(9, 1));
    }

    #[test]
    fn decimals_of_several_places_get_a_type_for_all() {
        let mut decimals = Decimals::default();
        decimals.add_decimals(0, 999_999);
        assert_eq!(decimals.data_type(), Some(DataType::Decimal32(9, 0)));
        decimals.add_decimals(3, 1_000);
        assert_eq!(decimals.data_type(), Some(DataType::Decimal32(9, 3)));
        decimals.add_values(&Float64Array::from(vec![0.0001]));
        assert_eq!(decimals.data_type(), Some(DataType::Decimal64(18, 4)));
        let doubles = Float64Array::from(vec![999_999.0, 1.0, 0.0001]);
        let held = to_decimals(&doubles, &DataType::Decimal64(18, 4)).unwrap().unwrap();
        assert_eq!(cast(&held, &DataType::Float64).unwrap().as_primitive::<Float64Type>(), &doubles);
        assert!(to_decimals(&doubles, &DataType::Decimal64(18, 3)).unwrap().is_none());
        assert!(to_decimals(&doubles, &DataType::Decimal32(9, 4)).unwrap().is_none());
        decimals.add_decimals(9, 1);
        decimals.add_decimals(0, 2_000_000);
        assert_eq!(decimals.data_type(), None);
    }

    #[test]
    fn a_million_decimals_come_back_bit_by_bit() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for digits in 0..=9 {
            let values: Vec<f64> = (0..100_000)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let integer = (state.cast_signed() >> 14) >> (state % 45);
                    format!("{integer}e-{digits}").parse().unwrap()
                })
                .collect();
            let bits: Vec<u64> = values.iter().map(|value| value.to_bits()).collect();
            assert_eq!(there_and_back(&values), Some(bits), "{digits} digits");
        }
    }

    proptest! {
        #[test]
        fn whatever_becomes_a_decimal_comes_back(values in proptest::collection::vec(any::<f64>(), 0..3)) {
            if let Some(bits) = there_and_back(&values) {
                prop_assert_eq!(bits, values.iter().map(|value| value.to_bits()).collect::<Vec<_>>());
            }
        }

        #[test]
        fn decimals_of_one_scale_are_found(
            integers in proptest::collection::vec(-999_999_999_i64..=999_999_999, 1..50),
            digits in 0..=9,
        ) {
            let values: Vec<f64> = integers.iter().map(|i| format!("{i}e-{digits}").parse().unwrap()).collect();
            prop_assert_eq!(there_and_back(&values), Some(values.iter().map(|value| value.to_bits()).collect()));
        }
    }
}
