//! JSON that people and devices leave for each other: what is taken, and where what is differs from what is wanted.
//!
//! Limits: [`MAX_BYTES`], [`MAX_DEPTH`] and [`MAX_KEY`] of a text, [`MAX_DIFFERENCES`] of a comparison.

use serde_json::{Map, Value};

use super::{shown, wrong};
use crate::error::MetadataError;

/// The most bytes of a state, of the arguments of a command or of its result, written without spaces.
pub const MAX_BYTES: usize = 16_384;
/// How deep objects and lists may lie in each other.
pub const MAX_DEPTH: usize = 8;
/// The most characters of a name in an object.
pub const MAX_KEY: usize = 100;
/// The most differences that are told.
pub const MAX_DIFFERENCES: usize = 100;

/// A JSON object.
pub type Object = Map<String, Value>;

/// A wanted value that is not reported.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Where it stands, as a JSON Pointer (RFC 6901).
    pub path: String,
    /// What is wanted.
    pub desired: Value,
    /// What is reported; none if nothing is.
    pub reported: Option<Value>,
}

/// Where what is reported differs from what is wanted: all is counted, the first is told.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Differences {
    /// The first ones.
    pub first: Vec<Difference>,
    /// How many there are.
    pub total: u64,
}

impl Differences {
    /// Compares what is wanted with what is reported. What is reported beyond it does not matter.
    pub(crate) fn between(desired: &Object, reported: &Object) -> Self {
        let mut found = Self::default();
        found.compare(&mut String::new(), desired, reported);
        found
    }

    fn compare(&mut self, path: &mut String, desired: &Object, reported: &Object) {
        for (name, wanted) in desired {
            let length = path.len();
            path.push('/');
            path.push_str(&name.replace('~', "~0").replace('/', "~1"));
            match (wanted, reported.get(name)) {
                (Value::Object(wanted), Some(Value::Object(is))) => self.compare(path, wanted, is),
                (wanted, Some(is)) if same(wanted, is) => {}
                (wanted, is) => self.add(path, wanted, is),
            }
            path.truncate(length);
        }
    }

    fn add(&mut self, path: &str, desired: &Value, reported: Option<&Value>) {
        self.total += 1;
        if self.first.len() < MAX_DIFFERENCES {
            let (desired, reported) = (desired.clone(), reported.cloned());
            self.first.push(Difference { path: path.to_owned(), desired, reported });
        }
    }
}

/// Whether two values mean the same: a device may write 21 as 21.0.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => a == b || (a.is_f64() != b.is_f64() && a.as_f64() == b.as_f64()),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        _ => one == other,
    }
}

/// The text of a JSON object that can be kept; `what` says what it is to be.
pub(crate) fn checked_object(what: &str, value: &Value) -> Result<String, MetadataError> {
    if !value.is_object() {
        return Err(wrong(format!("{what} cannot be used"), "send a JSON object, such as {\"interval\":30}"));
    }
    checked_value(what, value)
}

/// The text of any JSON that can be kept.
pub(crate) fn checked_value(what: &str, value: &Value) -> Result<String, MetadataError> {
    check(what, value, MAX_DEPTH)?;
    let text = value.to_string();
    if text.len() > MAX_BYTES {
        let rule = format!("it takes at most {MAX_BYTES} (MAX_BYTES, a fixed limit), written without spaces");
        return Err(wrong(format!("{what} has {} bytes", text.len()), rule));
    }
    Ok(text)
}

fn check(what: &str, value: &Value, depth_left: usize) -> Result<(), MetadataError> {
    if !value.is_object() && !value.is_array() {
        return Ok(());
    }
    let Some(depth_left) = depth_left.checked_sub(1) else {
        let rule = format!("objects and lists lie at most {MAX_DEPTH} deep in each other (MAX_DEPTH, a fixed limit)");
        return Err(wrong(format!("{what} is too deep"), rule));
    };
    for (name, value) in value.as_object().into_iter().flatten() {
        if name.is_empty() || name.chars().count() > MAX_KEY || name.chars().any(char::is_control) {
            let rule = format!("use 1 to {MAX_KEY} characters (MAX_KEY, a fixed limit), without control characters");
            return Err(wrong(format!("the name {} in {what} cannot be used", shown(name)), rule));
        }
        check(what, value, depth_left)?;
    }
    value.as_array().into_iter().flatten().try_for_each(|value| check(what, value, depth_left))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Object {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn differences_name_what_is_wanted_and_not_so() {
        let desired = object(json!({
            "led": {"colour": "red", "on": true}, "interval": 30, "a/b~c": 1, "list": [1, 2], "empty": {}, "gone": null,
        }));
        let reported = object(json!({
            "led": {"colour": "blue"}, "interval": 30.0, "a/b~c": 2, "list": [1.0, 2], "empty": {"more": 1}, "more": 1,
        }));
        let found = Differences::between(&desired, &reported);
        let told: Vec<_> =
            found.first.iter().map(|found| (found.path.as_str(), &found.desired, found.reported.as_ref())).collect();
        let (blue, two) = (json!("blue"), json!(2));
        assert_eq!(
            told,
            [
                ("/a~1b~0c", &json!(1), Some(&two)),
                ("/gone", &Value::Null, None),
                ("/led/colour", &json!("red"), Some(&blue)),
                ("/led/on", &json!(true), None),
            ]
        );
        assert_eq!(found.total, 4);
        assert_eq!(Differences::between(&desired, &desired), Differences::default());
        let large = u64::MAX - 1;
        let apart = Differences::between(&object(json!({"a": large})), &object(json!({"a": large - 1})));
        assert_eq!(apart.total, 1, "whole numbers are compared exactly");
    }

    #[test]
    fn only_the_first_differences_are_told() {
        let many: Object = (0..MAX_DIFFERENCES + 5).map(|number| (format!("n{number}"), json!(1))).collect();
        let found = Differences::between(&many, &Object::new());
        assert_eq!((found.first.len(), found.total), (MAX_DIFFERENCES, MAX_DIFFERENCES as u64 + 5));
    }

    #[test]
    fn what_is_too_large_too_deep_or_badly_named_is_refused() {
        let nested = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!({"a": inner}));
        assert!(checked_object("it", &nested(MAX_DEPTH)).is_ok());
        let refused = |value: &Value| checked_object("it", value).unwrap_err().to_string();
        assert!(refused(&nested(MAX_DEPTH + 1)).contains("MAX_DEPTH"));
        let lists = (0..MAX_DEPTH).fold(json!([]), |inner, _| json!([inner]));
        assert!(checked_value("it", &lists).unwrap_err().to_string().contains("MAX_DEPTH"));
        for name in [String::new(), "a\nb".into(), "\u{0}".into(), "x".repeat(MAX_KEY + 1)] {
            assert!(refused(&json!({"a": [{name.clone(): 1}]})).contains("MAX_KEY"), "{name:?}");
        }
        for value in [json!([]), json!(1), json!("x"), Value::Null] {
            assert!(refused(&value).contains("JSON object"), "{value}");
            assert!(checked_value("it", &value).is_ok(), "{value}");
        }
        let long = |bytes: usize| json!({"a": "x".repeat(bytes - r#"{"a":""}"#.len())});
        assert_eq!(checked_object("it", &long(MAX_BYTES)).unwrap().len(), MAX_BYTES);
        assert!(refused(&long(MAX_BYTES + 1)).contains("MAX_BYTES"));
    }
}
