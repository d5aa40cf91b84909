//! Values on the line between two others.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, PrimitiveArray, PrimitiveBuilder};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use datafusion::common::{Result, internal_err};

/// What a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is that of a row.
    Row(usize),
    /// It lies between those of two rows.
    Between {
        /// The row before.
        before: usize,
        /// The row after.
        after: usize,
        /// The time since the row before.
        part: i128,
        /// The time from the row before to the row after; more than nothing.
        whole: i128,
    },
    /// There is none.
    Nowhere,
}

/// Whether there is a line between values of this type.
pub(super) fn is_supported(kind: &DataType) -> bool {
    kind.is_integer() || matches!(kind, DataType::Float32 | DataType::Float64)
}

/// The values of places, in the type of the column. Integers are rounded to the nearest.
pub(super) fn values(column: &ArrayRef, places: &[Place]) -> Result<ArrayRef> {
    Ok(match column.data_type() {
        DataType::Float64 => of::<Float64Type>(column.as_primitive(), places),
        DataType::Float32 => of::<Float32Type>(column.as_primitive(), places),
        DataType::Int64 => of::<Int64Type>(column.as_primitive(), places),
        DataType::Int32 => of::<Int32Type>(column.as_primitive(), places),
        DataType::Int16 => of::<Int16Type>(column.as_primitive(), places),
        DataType::Int8 => of::<Int8Type>(column.as_primitive(), places),
        DataType::UInt64 => of::<UInt64Type>(column.as_primitive(), places),
        DataType::UInt32 => of::<UInt32Type>(column.as_primitive(), places),
        DataType::UInt16 => of::<UInt16Type>(column.as_primitive(), places),
        DataType::UInt8 => of::<UInt8Type>(column.as_primitive(), places),
        other => return internal_err!("no line between values of type {other}"),
    })
}

fn of<T: ArrowPrimitiveType<Native: Line>>(column: &PrimitiveArray<T>, places: &[Place]) -> ArrayRef {
    let mut values = PrimitiveBuilder::<T>::with_capacity(places.len());
    for place in places {
        values.append_option(match *place {
            Place::Row(row) => Some(column.value(row)),
            Place::Between { before, after, part, whole } => {
                Some(column.value(before).towards(column.value(after), part, whole))
            }
            Place::Nowhere => None,
        });
    }
    Arc::new(values.finish())
}

/// A number that others lie between.
trait Line: Copy {
    /// What lies `part` of `whole` on the way to the end.
    fn towards(self, end: Self, part: i128, whole: i128) -> Self;
}

macro_rules! whole_numbers {
    ($($number:ty),*) => {$(
        impl Line for $number {
            fn towards(self, end: Self, part: i128, whole: i128) -> Self {
                let start = i128::from(self);
                Self::try_from(start + share(i128::from(end) - start, part, whole)).unwrap_or(end)
            }
        }
    )*};
}

whole_numbers!(i8, i16, i32, i64, u8, u16, u32, u64);

impl Line for f64 {
    fn towards(self, end: Self, part: i128, whole: i128) -> Self {
        let (rise, share) = (end - self, part as f64 / whole as f64);
        if rise.is_finite() { self + rise * share } else { self * (1.0 - share) + end * share }
    }
}

impl Line for f32 {
    fn towards(self, end: Self, part: i128, whole: i128) -> Self {
        f64::from(self).towards(f64::from(end), part, whole) as Self
    }
}

/// `rise * part / whole`, rounded to the nearest; exact unless the product has more than 127 bits.
fn share(rise: i128, part: i128, whole: i128) -> i128 {
    match rise.checked_mul(part) {
        Some(product) => (product + product.signum() * (whole / 2)) / whole,
        None => (rise as f64 * (part as f64 / whole as f64)).round() as i128,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_rounded_to_the_nearest() {
        assert_eq!(0_i64.towards(10, 1, 4), 3);
        assert_eq!(0_i64.towards(-10, 1, 4), -3);
        assert_eq!(10_u64.towards(0, 3, 4), 2);
        assert_eq!(7_i64.towards(7, 1, 3), 7);
        assert_eq!(i64::MIN.towards(i64::MAX, 1, 2), 0);
        assert_eq!(0_u64.towards(u64::MAX, 1, 2), u64::MAX / 2 + 1);
        // More than 127 bits on the way, but it stays between both.
        assert!(i64::MIN.towards(i64::MAX, i128::from(i64::MAX), i128::from(u64::MAX)).abs() < 4_096);
        assert_eq!(u64::MAX.towards(u64::MAX, i128::from(i64::MAX), i128::from(u64::MAX)), u64::MAX);
    }

    #[test]
    fn floats_are_not_lost_in_between() {
        assert_eq!(0.1_f64.towards(0.1, 7, 10), 0.1);
        assert_eq!(1.0_f64.towards(2.0, 1, 4), 1.25);
        assert_eq!(f64::MIN.towards(f64::MAX, 1, 2), 0.0);
        assert_eq!(1.0_f32.towards(2.0, 1, 4), 1.25);
        assert!(f64::NAN.towards(1.0, 1, 2).is_nan());
    }
}
