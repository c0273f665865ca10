//! From a node to a type that derives `Deserialize`. A text is taken as it was written, so that
//! `rd: 65000:10` and `password: 0123` need no quotes; numbers and truth values must be such.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use super::{Node, Value, unknown_key};
use crate::error::{Error, Result};
use crate::text::did_you_mean;

/// [`Error`] on its way up through serde: it has a place as soon as a node is known.
#[derive(Debug)]
pub struct Fault(Error);

pub(super) fn decode<T: DeserializeOwned>(node: &Node) -> Result<T> {
    T::deserialize(node).map_err(|Fault(error)| node.place_error(error))
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Error::config(message.to_string()))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self(unknown_key(field, expected))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let error = Error::config(format!("`{variant}` is none of {}", expected.join(", ")));
        Self(match did_you_mean(variant, expected.iter().copied()) {
            Some(hint) => error.hint(hint),
            None => error,
        })
    }

    fn missing_field(field: &'static str) -> Self {
        Self(Error::config(format!("the key `{field}` is missing")))
    }

    fn invalid_length(length: usize, expected: &dyn de::Expected) -> Self {
        Self(Error::config(format!("a list of {length}, but {expected} is wanted")))
    }
}

impl Node {
    fn fault(&self, message: impl Into<String>) -> Fault {
        Fault(self.error(message))
    }

    fn wanted(&self, what: &str) -> Fault {
        match &self.value {
            Value::Scalar { text, .. } => self.fault(format!("`{}` is not {what}", shown(text))),
            _ => self.fault(format!("{what} is wanted, not {}", self.describe())),
        }
    }

    fn placed<T>(&self, result: Result<T, Fault>) -> Result<T, Fault> {
        result.map_err(|Fault(error)| Fault(self.place_error(error)))
    }

    fn truth(&self) -> Option<bool> {
        match self.text()?.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        }
    }
}

/// At most forty characters of a text.
fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

macro_rules! number {
    ($($method:ident $visit:ident $kind:ty, $what:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            match self.text().and_then(|text| text.parse::<$kind>().ok()) {
                Some(number) => self.placed(visitor.$visit(number)),
                None => Err(self.wanted($what)),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for &Node {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.value {
            Value::Null => self.placed(visitor.visit_unit()),
            Value::List(_) => self.deserialize_seq(visitor),
            Value::Map(_) => self.deserialize_map(visitor),
            Value::Scalar { text, plain } => {
                let result = match (plain, text.as_str()) {
                    (true, "true" | "True" | "TRUE") => visitor.visit_bool(true),
                    (true, "false" | "False" | "FALSE") => visitor.visit_bool(false),
                    (true, text) => match text.parse::<i64>() {
                        Ok(number) => visitor.visit_i64(number),
                        Err(_) => visitor.visit_str(text),
                    },
                    (false, text) => visitor.visit_str(text),
                };
                self.placed(result)
            }
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.truth() {
            Some(truth) => self.placed(visitor.visit_bool(truth)),
            None => Err(self.wanted("true or false")),
        }
    }

    number! {
        deserialize_i8 visit_i8 i8, "a whole number from -128 to 127";
        deserialize_i16 visit_i16 i16, "a whole number from -32768 to 32767";
        deserialize_i32 visit_i32 i32, "a whole number";
        deserialize_i64 visit_i64 i64, "a whole number";
        deserialize_u8 visit_u8 u8, "a whole number from 0 to 255";
        deserialize_u16 visit_u16 u16, "a whole number from 0 to 65535";
        deserialize_u32 visit_u32 u32, "a whole number from 0 on";
        deserialize_u64 visit_u64 u64, "a whole number from 0 on";
        deserialize_f32 visit_f32 f32, "a number";
        deserialize_f64 visit_f64 f64, "a number";
        deserialize_char visit_char char, "one character";
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.value {
            Value::Scalar { text, .. } => self.placed(visitor.visit_str(text)),
            _ => Err(self.wanted("a text")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.is_null() { self.placed(visitor.visit_none()) } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.value {
            Value::List(items) => self.placed(visitor.visit_seq(Items(items.iter()))),
            _ => Err(self.wanted("a list")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        match &self.value {
            Value::List(items) if items.len() == length => {
                self.placed(visitor.visit_seq(Items(items.iter())))
            }
            _ => Err(self.wanted(&format!("a list of {length}"))),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.value {
            Value::Map(entries) => {
                self.placed(visitor.visit_map(Entries { entries: entries.iter(), value: None }))
            }
            _ => Err(self.wanted("a mapping")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.value {
            Value::Scalar { .. } => self.placed(visitor.visit_enum(Variant { name: self, value: None })),
            Value::Map(entries) => match entries.as_slice() {
                [(name, value)] => self.placed(visitor.visit_enum(Variant { name, value: Some(value) })),
                _ => Err(self.wanted("a mapping of one key")),
            },
            _ => Err(self.wanted("a word")),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.is_null() { visitor.visit_unit() } else { Err(self.wanted("nothing")) }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }
}

struct Items<'a>(std::slice::Iter<'a, Node>);

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        self.0.next().map(|node| node.placed(seed.deserialize(node))).transpose()
    }
}

struct Entries<'a> {
    entries: std::slice::Iter<'a, (Node, Node)>,
    value: Option<&'a Node>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((key, value)) = self.entries.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        key.placed(seed.deserialize(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        match self.value.take() {
            Some(value) => value.placed(seed.deserialize(value)),
            None => Err(de::Error::custom("a value was asked for before its key")),
        }
    }
}

struct Variant<'a> {
    name: &'a Node,
    value: Option<&'a Node>,
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let text = self.name.text().unwrap_or_default();
        let found = seed.deserialize(StrDeserializer::<Fault>::new(text));
        self.name.placed(found).map(|found| (found, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.value {
            None => Ok(()),
            Some(value) => Err(value.fault("this word takes no value")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        match self.value {
            Some(value) => value.placed(seed.deserialize(value)),
            None => Err(self.name.fault("this word needs a value")),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Some(value) => value.deserialize_tuple(length, visitor),
            None => Err(self.name.fault("this word needs a value")),
        }
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.value {
            Some(value) => value.deserialize_map(visitor),
            None => Err(self.name.fault("this word needs a value")),
        }
    }
}
