//! Values of parameters: bytes in PostgreSQL's formats in, values for the query engine out.
//!
//! A value whose type is not known is text, and what it is compared with decides what it is read as.

use bytes::{Buf, Bytes};
use chrono::{DateTime, Days, NaiveDate};
use pgwire::api::Type;
use sensorium_query::Parameter;

use crate::failure::{Failure, code};
use crate::frontend::Format;
use crate::values::{EPOCH_MICROS, numeric};

/// Reads the value of the parameter with a number (from 1) and a type.
pub(crate) fn read(number: usize, data_type: u32, format: Format, value: Option<&Bytes>) -> Result<Parameter, Failure> {
    let Some(value) = value else { return Ok(Parameter::Null) };
    let read = match format {
        Format::Text => std::str::from_utf8(value).ok().and_then(|text| from_text(data_type, text)),
        Format::Binary => from_binary(data_type, value.clone()),
    };
    read.ok_or_else(|| {
        let name = Type::from_oid(data_type).map_or_else(|| data_type.to_string(), |known| known.name().to_owned());
        let sentence = format!("The value of parameter ${number} is none of type {name} that is taken here.");
        Failure::new(code::INVALID_PARAMETER, sentence)
    })
}

fn from_text(data_type: u32, text: &str) -> Option<Parameter> {
    let known = Type::from_oid(data_type).unwrap_or(Type::TEXT);
    Some(match known {
        Type::BOOL => Parameter::Boolean(match text.trim().to_ascii_lowercase().as_str() {
            "t" | "true" | "1" | "on" | "yes" | "y" => true,
            "f" | "false" | "0" | "off" | "no" | "n" => false,
            _ => return None,
        }),
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => Parameter::Integer(text.trim().parse().ok()?),
        Type::FLOAT4 | Type::FLOAT8 => Parameter::Float(text.trim().parse().ok()?),
        Type::NUMERIC => number(text.trim())?,
        Type::TIMESTAMPTZ | Type::TIMESTAMP => Parameter::Time(text.to_owned()),
        Type::DATE => Parameter::Date(text.to_owned()),
        list if element_of(&list).is_some() => {
            let element = element_of(&list)?.oid();
            let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
            Parameter::List(
                elements(inner)
                    .into_iter()
                    .map(|value| match value {
                        None => Some(Parameter::Null),
                        Some(value) => from_text(element, &value),
                    })
                    .collect::<Option<_>>()?,
            )
        }
        _ => Parameter::Text(text.to_owned()),
    })
}

fn from_binary(data_type: u32, mut bytes: Bytes) -> Option<Parameter> {
    let known = Type::from_oid(data_type).unwrap_or(Type::TEXT);
    Some(match known {
        Type::BOOL => Parameter::Boolean(fixed::<1>(&bytes)? != [0]),
        Type::INT2 => Parameter::Integer(i16::from_be_bytes(fixed(&bytes)?).into()),
        Type::INT4 => Parameter::Integer(i32::from_be_bytes(fixed(&bytes)?).into()),
        Type::OID => Parameter::Integer(u32::from_be_bytes(fixed(&bytes)?).into()),
        Type::INT8 => Parameter::Integer(i64::from_be_bytes(fixed(&bytes)?)),
        Type::FLOAT4 => Parameter::Float(f32::from_be_bytes(fixed(&bytes)?).into()),
        Type::FLOAT8 => Parameter::Float(f64::from_be_bytes(fixed(&bytes)?)),
        Type::NUMERIC => number(&numeric::read(bytes)?)?,
        Type::TIMESTAMPTZ | Type::TIMESTAMP => {
            let micros = i64::from_be_bytes(fixed(&bytes)?).checked_add(EPOCH_MICROS)?;
            Parameter::Time(DateTime::from_timestamp_micros(micros)?.to_rfc3339())
        }
        Type::DATE => {
            let days = i32::from_be_bytes(fixed(&bytes)?);
            let first = NaiveDate::from_ymd_opt(2000, 1, 1)?;
            let distance = Days::new(days.unsigned_abs().into());
            let day = if days < 0 { first.checked_sub_days(distance)? } else { first.checked_add_days(distance)? };
            Parameter::Date(day.to_string())
        }
        list if element_of(&list).is_some() => {
            // Dimensions, whether there are nulls, the type of elements; then of each dimension its length and where it begins.
            if bytes.len() < 12 {
                return None;
            }
            let (dimensions, _, element) = (bytes.get_i32(), bytes.get_i32(), bytes.get_u32());
            if dimensions == 0 {
                return Some(Parameter::List(Vec::new()));
            }
            let is_nested = Type::from_oid(element).is_some_and(|element| element_of(&element).is_some());
            if dimensions != 1 || is_nested || bytes.len() < 8 {
                return None;
            }
            let (count, _) = (bytes.get_u32(), bytes.get_i32());
            let mut values = Vec::new();
            for _ in 0..count {
                if bytes.len() < 4 {
                    return None;
                }
                values.push(match bytes.get_i32() {
                    -1 => Parameter::Null,
                    length => {
                        let length = usize::try_from(length).ok().filter(|length| *length <= bytes.len())?;
                        from_binary(element, bytes.split_to(length))?
                    }
                });
            }
            Parameter::List(values)
        }
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN | Type::CHAR => {
            Parameter::Text(String::from_utf8(bytes.into()).ok()?)
        }
        Type::UUID => Parameter::Text(uuid::Uuid::from_slice(&bytes).ok()?.to_string()),
        _ => return None,
    })
}

fn fixed<const N: usize>(bytes: &Bytes) -> Option<[u8; N]> {
    bytes.as_ref().try_into().ok()
}

/// A number as digits, or one of the words for none.
fn number(text: &str) -> Option<Parameter> {
    match text {
        "NaN" | "Infinity" | "-Infinity" => Some(Parameter::Number(text.to_owned())),
        digits => digits.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| {
            let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
            if is_plain { Parameter::Number(digits.to_owned()) } else { Parameter::Float(number) }
        }),
    }
}

/// The type of the elements of a list.
fn element_of(list: &Type) -> Option<Type> {
    Some(match *list {
        Type::BOOL_ARRAY => Type::BOOL,
        Type::INT2_ARRAY => Type::INT2,
        Type::INT4_ARRAY => Type::INT4,
        Type::INT8_ARRAY => Type::INT8,
        Type::OID_ARRAY => Type::OID,
        Type::FLOAT4_ARRAY => Type::FLOAT4,
        Type::FLOAT8_ARRAY => Type::FLOAT8,
        Type::NUMERIC_ARRAY => Type::NUMERIC,
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::NAME_ARRAY | Type::CHAR_ARRAY => Type::TEXT,
        Type::TIMESTAMPTZ_ARRAY | Type::TIMESTAMP_ARRAY => Type::TIMESTAMPTZ,
        _ => return None,
    })
}

/// The elements of a list of one dimension without its braces; none for null.
fn elements(inner: &str) -> Vec<Option<String>> {
    let mut elements = Vec::new();
    let mut characters = inner.chars();
    let (mut element, mut is_quoted, mut was_quoted) = (String::new(), false, false);
    let mut finish = |element: &mut String, was_quoted: &mut bool| {
        let text = std::mem::take(element);
        let is_null = !*was_quoted && text.trim().eq_ignore_ascii_case("null");
        elements.push((!is_null).then_some(text));
        *was_quoted = false;
    };
    while let Some(character) = characters.next() {
        match character {
            '"' => (is_quoted, was_quoted) = (!is_quoted, true),
            '\\' => element.extend(characters.next()),
            ',' if !is_quoted => finish(&mut element, &mut was_quoted),
            other => element.push(other),
        }
    }
    if !inner.is_empty() {
        finish(&mut element, &mut was_quoted);
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(data_type: Type, text: &'static str) -> Result<Parameter, Failure> {
        read(1, data_type.oid(), Format::Text, Some(&Bytes::from_static(text.as_bytes())))
    }

    fn binary(data_type: Type, bytes: &'static [u8]) -> Result<Parameter, Failure> {
        read(1, data_type.oid(), Format::Binary, Some(&Bytes::from_static(bytes)))
    }

    #[test]
    fn both_formats_give_the_same_values() {
        assert_eq!(text(Type::INT4, "-5"), binary(Type::INT4, &[255, 255, 255, 251]));
        assert_eq!(text(Type::FLOAT8, "0.5"), binary(Type::FLOAT8, &0.5f64.to_be_bytes().to_vec().leak()[..]));
        assert_eq!(text(Type::BOOL, "t"), binary(Type::BOOL, &[1]));
        assert_eq!(text(Type::TEXT, "ü"), binary(Type::TEXT, "ü".as_bytes()));
        assert_eq!(text(Type::DATE, "2000-01-02"), binary(Type::DATE, &[0, 0, 0, 1]));
        let time = Parameter::Time("2000-01-01T00:00:01+00:00".to_owned());
        assert_eq!(binary(Type::TIMESTAMPTZ, &1_000_000i64.to_be_bytes().to_vec().leak()[..]), Ok(time));
        let list = Parameter::List(vec![Parameter::Text("a,b".to_owned()), Parameter::Null]);
        assert_eq!(text(Type::TEXT_ARRAY, "{\"a,b\",NULL}"), Ok(list));
        let numbers = Parameter::List(vec![Parameter::Integer(7)]);
        let bytes = b"\0\0\0\x01\0\0\0\0\0\0\0\x17\0\0\0\x01\0\0\0\x01\0\0\0\x04\0\0\0\x07";
        assert_eq!(binary(Type::INT4_ARRAY, bytes), Ok(numbers));
        assert_eq!(text(Type::NUMERIC, "1.50"), Ok(Parameter::Number("1.50".to_owned())));
        assert_eq!(read(1, 0, Format::Text, None), Ok(Parameter::Null));
    }

    #[test]
    fn what_is_no_value_is_refused_with_its_number() {
        for refused in [
            text(Type::INT4, "five"),
            text(Type::BOOL, "perhaps"),
            binary(Type::INT8, &[1, 2]),
            binary(Type::TEXT, &[0xff]),
            binary(Type::INT4_ARRAY, b"\0\0\0\x01\0\0\0\0\0\0\0\x17\x7f\xff\xff\xff\0\0\0\x01"),
            binary(Type::INT4_ARRAY, b"\0\0\0\x01\0\0\0\0\0\0\x03\xef\0\0\0\0\0\0\0\x01"),
            binary(Type::POINT, &[0; 16]),
        ] {
            let refused = refused.unwrap_err();
            assert_eq!(refused.code, code::INVALID_PARAMETER);
            assert!(refused.message.contains("$1"), "{}", refused.message);
        }
    }
}
