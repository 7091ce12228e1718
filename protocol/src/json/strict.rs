//! A serializer that refuses what JSON could write and never give back.
//!
//! `serde_json` writes `null` for a float that is not finite, and nests deeper than it reads. Both would be found
//! when a state is loaded again, too late. [`Strict`] stands around its serializer at every level and hands
//! everything on but these. It collects the way to the culprit while the error unwinds, so a success pays for
//! nothing but the checks.

use serde::{
    Serialize, Serializer,
    ser::{
        Error, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
        SerializeTupleStruct, SerializeTupleVariant,
    },
};
use std::{
    cell::{Cell, RefCell},
    fmt::Display,
};

/// How deep arrays and objects may nest: as deep as `serde_json` reads.
const DEPTH_MAX: u8 = 127;

/// Where an error happened, as a path from the outermost value.
#[derive(Default)]
pub(super) struct Trail {
    path: RefCell<String>,
    /// Whether the error is a sentence about the value at the path, and not one of its own.
    ours: Cell<bool>,
}

impl Trail {
    /// The error's text with its place.
    pub(super) fn explain(&self, error: &serde_json::Error) -> String {
        let path = self.path.borrow();
        let path = path.strip_prefix('.').unwrap_or(&path);
        match (self.ours.get(), path) {
            (true, "") => format!("the value {error}"),
            (true, path) => format!("`{path}` {error}"),
            (false, "") => error.to_string(),
            (false, path) => format!("`{path}`: {error}"),
        }
    }

    #[cold]
    fn refuse<E: Error>(&self, sentence: &str) -> E {
        self.ours.set(true);
        E::custom(sentence)
    }

    /// Puts a step in front of the path of an error.
    fn step<R, E>(&self, result: Result<R, E>, step: impl FnOnce() -> String) -> Result<R, E> {
        if result.is_err() {
            self.prepend(step);
        }
        result
    }

    #[cold]
    fn prepend(&self, step: impl FnOnce() -> String) {
        self.path.borrow_mut().insert_str(0, &step());
    }
}

/// A serializer that hands everything on to `inner`, but refuses floats that are not finite and too deep nesting.
pub(super) struct Strict<'t, S> {
    inner: S,
    trail: &'t Trail,
    depth: u8,
}

impl<'t, S: Serializer> Strict<'t, S> {
    /// Stands around `inner`; a failure leaves its place in `trail`.
    pub(super) fn new(inner: S, trail: &'t Trail) -> Self {
        Self { inner, trail, depth: 0 }
    }

    fn inside<'v, T: ?Sized>(&self, value: &'v T) -> Inside<'v, 't, T> {
        Inside { value, trail: self.trail, depth: self.depth }
    }

    /// Opens `levels` arrays or objects by `open`.
    fn nest<C>(
        self,
        levels: u8,
        open: impl FnOnce(S) -> Result<C, S::Error>,
    ) -> Result<Compound<'t, C>, S::Error> {
        let Self { inner, trail, depth } = self;
        if depth + levels > DEPTH_MAX {
            return Err(trail.refuse("is nested too deep: JSON is read up to 127 levels"));
        }
        Ok(Compound { inner: open(inner)?, trail, depth: depth + levels, index: 0 })
    }
}

/// A value whose serializer is to be strict.
struct Inside<'v, 't, T: ?Sized> {
    value: &'v T,
    trail: &'t Trail,
    depth: u8,
}

impl<T: Serialize + ?Sized> Serialize for Inside<'_, '_, T> {
    fn serialize<S: Serializer>(&self, inner: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Strict { inner, trail: self.trail, depth: self.depth })
    }
}

/// Hands on what needs no check.
macro_rules! hand_on {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.inner.$method(value)
        })*
    };
}

/// Hands on a float if it is finite.
macro_rules! finite {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            if value.is_finite() {
                self.inner.$method(value)
            } else {
                let name = if value.is_nan() { "NaN" } else if value > 0.0 { "infinity" } else { "-infinity" };
                Err(self.trail.refuse(&format!("is {name}: JSON has no such number")))
            }
        })*
    };
}

impl<'t, S: Serializer> Serializer for Strict<'t, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Compound<'t, S::SerializeSeq>;
    type SerializeTuple = Compound<'t, S::SerializeTuple>;
    type SerializeTupleStruct = Compound<'t, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Compound<'t, S::SerializeTupleVariant>;
    type SerializeMap = Compound<'t, S::SerializeMap>;
    type SerializeStruct = Compound<'t, S::SerializeStruct>;
    type SerializeStructVariant = Compound<'t, S::SerializeStructVariant>;

    hand_on! {
        serialize_bool: bool,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
        serialize_char: char, serialize_str: &str, serialize_bytes: &[u8], serialize_unit_struct: &'static str,
    }
    finite! { serialize_f32: f32, serialize_f64: f64 }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let value = self.inside(value);
        self.inner.serialize_some(&value)
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let value = self.inside(value);
        self.inner.serialize_newtype_struct(name, &value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let Compound { inner, trail, depth, .. } = self.nest(1, Ok)?;
        let result = inner.serialize_newtype_variant(name, index, variant, &Inside { value, trail, depth });
        trail.step(result, || format!(".{variant}"))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        self.nest(1, |inner| inner.serialize_seq(length))
    }

    fn serialize_tuple(self, length: usize) -> Result<Self::SerializeTuple, S::Error> {
        self.nest(1, |inner| inner.serialize_tuple(length))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        self.nest(1, |inner| inner.serialize_tuple_struct(name, length))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.nest(2, |inner| inner.serialize_tuple_variant(name, index, variant, length))
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        self.nest(1, |inner| inner.serialize_map(length))
    }

    fn serialize_struct(self, name: &'static str, length: usize) -> Result<Self::SerializeStruct, S::Error> {
        self.nest(1, |inner| inner.serialize_struct(name, length))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        self.nest(2, |inner| inner.serialize_struct_variant(name, index, variant, length))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// An open array or object.
pub(super) struct Compound<'t, C> {
    inner: C,
    trail: &'t Trail,
    depth: u8,
    /// Of the next element.
    index: usize,
}

impl<'t, C> Compound<'t, C> {
    fn inside<'v, T: ?Sized>(&self, value: &'v T) -> Inside<'v, 't, T> {
        Inside { value, trail: self.trail, depth: self.depth }
    }
}

/// An array: its elements are found by their index.
macro_rules! array {
    ($($trait:ident: $method:ident),* $(,)?) => {
        $(impl<C: $trait> $trait for Compound<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                let value = self.inside(value);
                let index = self.index;
                self.index += 1;
                self.trail.step(self.inner.$method(&value), || format!("[{index}]"))
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        })*
    };
}

array! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field,
}

/// An object with fields: they are found by their name.
macro_rules! object {
    ($($trait:ident),* $(,)?) => {
        $(impl<C: $trait> $trait for Compound<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), C::Error> {
                let value = self.inside(value);
                self.trail.step(self.inner.serialize_field(key, &value), || format!(".{key}"))
            }

            fn skip_field(&mut self, key: &'static str) -> Result<(), C::Error> {
                self.inner.skip_field(key)
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        })*
    };
}

object! { SerializeStruct, SerializeStructVariant }

impl<C: SerializeMap> SerializeMap for Compound<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        let key = self.inside(key);
        self.trail.step(self.inner.serialize_key(&key), || ".<key>".to_owned())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        let value = self.inside(value);
        self.trail.step(self.inner.serialize_value(&value), || ".<value>".to_owned())
    }

    fn serialize_entry<K, V>(&mut self, key: &K, value: &V) -> Result<(), C::Error>
    where
        K: Serialize + ?Sized,
        V: Serialize + ?Sized,
    {
        self.serialize_key(key)?;
        let value = self.inside(value);
        self.trail.step(self.inner.serialize_value(&value), || {
            format!("[{}]", serde_json::to_string(key).unwrap_or_default())
        })
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}
