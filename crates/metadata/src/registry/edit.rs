//! A change of something that may be absent.

use serde::{Deserialize, Deserializer};

/// What becomes of a value that may be absent. In JSON: left out, `null`, or the value; a field of this type needs
/// `#[serde(default)]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Edit<T> {
    /// It stays.
    #[default]
    Keep,
    /// It goes.
    Clear,
    /// It becomes this.
    Set(T),
}

impl<T> Edit<T> {
    /// What a value becomes.
    pub fn apply(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }

    /// The same change of a value that is made from this one.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Edit<U> {
        match self {
            Self::Keep => Edit::Keep,
            Self::Clear => Edit::Clear,
            Self::Set(value) => Edit::Set(change(value)),
        }
    }
}

impl<T> From<Option<T>> for Edit<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Clear, Self::Set)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Edit<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Change {
        #[serde(default)]
        number: Edit<u8>,
    }

    #[test]
    fn absent_null_and_a_value_are_three_things() {
        for (json, expected) in
            [("{}", Edit::Keep), (r#"{"number":null}"#, Edit::Clear), (r#"{"number":7}"#, Edit::Set(7))]
        {
            assert_eq!(serde_json::from_str::<Change>(json).unwrap().number, expected, "{json}");
        }
        assert!(serde_json::from_str::<Change>(r#"{"number":"x"}"#).is_err());
        assert_eq!([Edit::Keep, Edit::Clear, Edit::Set(2)].map(|edit| edit.apply(Some(1))), [Some(1), None, Some(2)]);
    }
}
