//! Choices that are read from a name or from a table of one entry, and what else stands in that table.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{self, IntoDeserializer as _, MapAccess, Visitor, value::MapAccessDeserializer},
};

/// A choice of a name, or of a name with what belongs to it: `"int64"`, `{ decimal = { … } }`.
///
/// What is derived for an enum takes the first entry of a table for the choice, and of some formats never sees another.
///
/// # Errors
/// The format's; an entry behind the first one.
pub fn one_entry<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    from.deserialize_any(Choice(PhantomData))
}

/// The same where there may be none.
///
/// # Errors
/// As [`one_entry`].
pub fn one_entry_at_most<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    struct OneEntry<T>(T);

    impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneEntry<T> {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            one_entry(from).map(OneEntry)
        }
    }

    let read: Option<OneEntry<T>> = Deserialize::deserialize(from)?;
    Ok(read.map(|OneEntry(value)| value))
}

struct Choice<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Choice<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name, or a table of one")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<T, E> {
        T::deserialize(name.into_deserializer())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let value = T::deserialize(MapAccessDeserializer::new(&mut map))?;
        match map.next_key::<String>()? {
            None => Ok(value),
            Some(other) => Err(de::Error::custom(format!(
                "unknown field `{other}`: a choice is a name, or a table with that name alone"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use figment::{
        Figment,
        providers::{Format as _, Toml},
    };

    use super::*;

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    #[serde(rename_all = "snake_case", deny_unknown_fields)]
    enum Kind {
        Whole,
        Decimal { scale: u8 },
    }

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Column {
        #[serde(deserialize_with = "one_entry")]
        kind: Kind,
        #[serde(default, deserialize_with = "one_entry_at_most")]
        other: Option<Kind>,
    }

    /// As a file of ours has it, and as a document has it.
    fn read(kind: &str, other: &str) -> [Result<Column, String>; 2] {
        let toml = Figment::from(Toml::string(&format!("kind = {kind}\nother = {other}")));
        let json = |text: &str| {
            let quoted = |text: String, name: &str| text.replace(name, &format!("\"{name}\""));
            ["decimal", "scale", "x"].into_iter().fold(text.replace(" =", ":"), quoted)
        };
        let json = format!("{{\"kind\": {}, \"other\": {}}}", json(kind), json(other));
        let words = |error: &dyn fmt::Display| error.to_string();
        [toml.extract().map_err(|e| words(&e)), serde_json::from_str(&json).map_err(|e| words(&e))]
    }

    #[test]
    fn a_choice_is_read_from_its_name_or_from_a_table_of_that_alone() {
        let two = "{ decimal = { scale = 2 } }";
        for read in read("\"whole\"", two) {
            let due = Column { kind: Kind::Whole, other: Some(Kind::Decimal { scale: 2 }) };
            assert_eq!(read, Ok(due));
        }
        let beside = "{ decimal = { scale = 2 }, x = 1 }";
        for read in [read(beside, two), read(two, beside)].into_iter().flatten() {
            assert!(read.as_ref().is_err_and(|words| words.contains("`x`")), "{read:?}");
        }
        for wrong in ["\"half\"", "{ decimal = { scale = 2, x = 1 } }", "{ x = 1 }", "3"] {
            assert!(read(wrong, two).iter().all(Result::is_err), "{wrong}");
        }
    }
}
