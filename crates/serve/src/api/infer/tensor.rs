//! A tensor's data in JSON: flat or nested lists, as the protocol allows both, without building a tree of them.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

/// The leaves, in their order.
#[derive(Debug, Default)]
pub(crate) struct Data {
    pub numbers: Vec<f32>,
    pub texts: Vec<String>,
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut data = Self::default();
        // A bare number or text is no list.
        deserializer.deserialize_seq(Leaves {
            data: &mut data,
            list: true,
        })?;
        Ok(data)
    }
}

struct Leaves<'a> {
    data: &'a mut Data,
    list: bool,
}

impl<'de> DeserializeSeed<'de> for Leaves<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Leaves<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.list {
            "a list of numbers or texts"
        } else {
            "a number, a text, or a list of them"
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let data = self.data;
        while list
            .next_element_seed(Leaves { data, list: false })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.data.numbers.push(value as f32);
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.data.numbers.push(value as f32);
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.data.numbers.push(value as f32);
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.data.texts.push(value.to_owned());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_and_flat_lists_are_the_same() {
        let read = |json: &str| serde_json::from_str::<Data>(json);
        let flat = read("[1, -2, 0.5, 4]").expect("reads").numbers;
        assert_eq!(flat, [1.0, -2.0, 0.5, 4.0]);
        assert_eq!(read("[[1, -2], [[0.5], 4]]").expect("reads").numbers, flat);
        assert_eq!(read(r#"["a", ["b"]]"#).expect("reads").texts, ["a", "b"]);
        for bad in ["1", r#""a""#, "[null]", "[true]", "[{}]", "{}"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let deep = "[".repeat(10_000);
        assert!(read(&deep).is_err());
    }
}
