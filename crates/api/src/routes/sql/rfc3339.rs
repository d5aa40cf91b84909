//! Writes times as RFC 3339 in UTC, as Arrow prints them, without the general machinery: an answer holds one in each row.

/// Appends a time, whose year is 1677 to 2262 for all that fit. The fraction has 0, 3, 6 or 9 digits, as many as it takes.
pub(in crate::routes) fn write(nanoseconds: i64, bytes: &mut Vec<u8>) {
    const SECOND: i64 = 1_000_000_000;
    const DAY: i64 = 86_400;
    let (seconds, fraction) = (nanoseconds.div_euclid(SECOND), nanoseconds.rem_euclid(SECOND));
    let (day, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    // Days from the civil calendar, by eras of 400 years that begin with March (Howard Hinnant, "chrono-Compatible Low-Level
    // Date Algorithms").
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    digits(year, 4, bytes);
    for (mark, number) in
        [(b'-', month), (b'-', day_of_month), (b'T', second / 3_600), (b':', second / 60 % 60), (b':', second % 60)]
    {
        bytes.push(mark);
        digits(number, 2, bytes);
    }
    if fraction > 0 {
        bytes.push(b'.');
        if fraction % 1_000_000 == 0 {
            digits(fraction / 1_000_000, 3, bytes);
        } else if fraction % 1_000 == 0 {
            digits(fraction / 1_000, 6, bytes);
        } else {
            digits(fraction, 9, bytes);
        }
    }
    bytes.push(b'Z');
}

/// Appends a number of at most `count` digits, with leading zeros.
fn digits(mut number: i64, count: usize, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    bytes.resize(start + count, b'0');
    for digit in bytes.iter_mut().skip(start).rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(nanoseconds: i64) -> String {
        let mut bytes = Vec::new();
        write(nanoseconds, &mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn times_look_as_chrono_writes_them() {
        let mut nanoseconds: i64 = -9_223_372_036_854_775_808;
        // A step without a round part, over all times that there are.
        let step = 1_234_567_890_123_457 * 7;
        while let Some(next) = nanoseconds.checked_add(step) {
            for time in [next, next / 1_000 * 1_000, next / 1_000_000 * 1_000_000, next / 1_000_000_000 * 1_000_000_000]
            {
                let expected = chrono::DateTime::from_timestamp_nanos(time);
                let expected = expected.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
                assert_eq!(written(time), expected);
            }
            nanoseconds = next;
        }
        assert_eq!(written(1_709_164_800_000_000_000), "2024-02-29T00:00:00Z");
    }
}
