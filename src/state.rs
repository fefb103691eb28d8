//! What a Rust type must be able to do to be the state of a widget.

use std::borrow::Cow;

use crate::value::{Value, ValueError};

/// The name of one top-level field of a state. Names that stand in a type cost nothing to pass on.
pub type KeyName = Cow<'static, str>;

/// Who may write a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Views and Rust.
    #[default]
    Everyone,
    /// Only Rust; a view that tries is told so. `#[widget(server)]`.
    Server,
}

/// One key of a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its name, on the wire and in the page.
    pub name: KeyName,
    /// Who may write it.
    pub access: Access,
}

/// A type whose values are states of a widget: a set of named keys that can be read, written and
/// compared one by one.
///
/// `#[derive(Widget)]` writes this for a struct. By hand it is short, too:
///
/// ```
/// use anywidget_host::{Access, Key, KeyName, State, Value, ValueError};
///
/// #[derive(Clone)]
/// struct Counter {
///     count: i64,
/// }
///
/// impl State for Counter {
///     fn keys(&self) -> Vec<Key> {
///         vec![Key { name: "count".into(), access: Access::Everyone }]
///     }
///     fn read(&self, key: &str) -> Result<Value, ValueError> {
///         match key {
///             "count" => Value::encode(self.count),
///             _ => Ok(Value::Null),
///         }
///     }
///     fn write(&mut self, key: &str, value: Value) -> Result<(), ValueError> {
///         match key {
///             "count" => self.count = value.decode()?,
///             _ => {}
///         }
///         Ok(())
///     }
///     fn changes(&self, before: &Self) -> Vec<KeyName> {
///         if self.count == before.count { vec![] } else { vec!["count".into()] }
///     }
/// }
/// ```
///
/// A state is cloned for every commit, so a large field belongs in a [`Blob`](crate::Blob) or a
/// [`Shared`](crate::Shared).
pub trait State: Clone + Send + Sync + 'static {
    /// The keys of this state, in the order a page is told of them.
    fn keys(&self) -> Vec<Key>;

    /// The value of one key, [`Value::Null`] when there is no such key. Called when it has to travel.
    ///
    /// # Errors
    /// When the field cannot be written as a [`Value`]; the host logs it and sends `null`.
    fn read(&self, key: &str) -> Result<Value, ValueError>;

    /// Puts a value from outside into one key.
    ///
    /// # Errors
    /// When it is not of the field's type. The page is told the message, and nothing changes.
    fn write(&mut self, key: &str, value: Value) -> Result<(), ValueError>;

    /// The keys whose values differ from those of an earlier state. A value that is not equal to
    /// itself (NaN) must count as unchanged when it was the same before.
    fn changes(&self, before: &Self) -> Vec<KeyName>;

    /// Takes a key away that another host has taken away, where keys come and go: a type whose
    /// [`keys`](State::keys) are always the same does nothing, as here.
    fn remove(&mut self, _key: &str) {}
}

/// The state of a widget that has no Rust type: an object, each of its entries a key.
impl State for Value {
    fn keys(&self) -> Vec<Key> {
        let names = self.as_object().into_iter().flat_map(|map| map.keys());
        names.map(|name| Key { name: name.clone().into(), access: Access::Everyone }).collect()
    }

    fn read(&self, key: &str) -> Result<Value, ValueError> {
        Ok(self[key].clone())
    }

    fn write(&mut self, key: &str, value: Value) -> Result<(), ValueError> {
        self[key] = value;
        Ok(())
    }

    fn remove(&mut self, key: &str) {
        if let Value::Object(map) = self {
            map.shift_remove(key);
        }
    }

    fn changes(&self, before: &Value) -> Vec<KeyName> {
        let entries = |state: &Value| state.as_object().map(|map| map.len()).unwrap_or(0);
        let now = self.as_object().into_iter().flatten();
        let mut names: Vec<KeyName> =
            now.filter(|(key, value)| before.get(key) != Some(value)).map(|(key, _)| key.clone().into()).collect();
        if entries(self) < entries(before) + names.len() {
            let gone = before.as_object().into_iter().flatten().filter(|(key, _)| self.get(key).is_none());
            names.extend(gone.map(|(key, _)| KeyName::from(key.clone())));
        }
        names
    }
}

/// Whether two values of a field differ, for `#[derive(Widget)]`. A value that is not equal to itself
/// (it holds a NaN) is compared by what it would send, so that it is not sent again at every commit.
#[doc(hidden)]
pub fn differs<T: PartialEq + serde::Serialize>(now: &T, before: &T) -> bool {
    #[allow(clippy::eq_op)]
    let reflexive = now == now;
    now != before && (reflexive || Value::encode(now) != Value::encode(before))
}

/// Finds a type's `Default`, if it has one, for `#[derive(Widget)]`: the method of the first of the two traits that
/// fits is taken, and the second fits everything, but one reference later.
#[doc(hidden)]
pub struct DefaultOf<T>(std::marker::PhantomData<T>);

#[doc(hidden)]
pub trait ByDefault<T> {
    fn find(&self) -> Option<fn() -> T>;
}

#[doc(hidden)]
pub trait WithoutDefault<T> {
    fn find(&self) -> Option<fn() -> T>;
}

impl<T> DefaultOf<T> {
    #[allow(clippy::new_without_default)]
    pub fn new() -> DefaultOf<T> {
        DefaultOf(std::marker::PhantomData)
    }
}

impl<T: Default> ByDefault<T> for DefaultOf<T> {
    fn find(&self) -> Option<fn() -> T> {
        Some(T::default)
    }
}

impl<T> WithoutDefault<T> for &DefaultOf<T> {
    fn find(&self) -> Option<fn() -> T> {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_dynamic_state_names_new_changed_and_removed_keys() {
        let before = Value::from(json!({"a": 1, "b": 2, "c": [1]}));
        let after = Value::from(json!({"c": [1], "b": 3, "d": null}));
        assert_eq!(after.changes(&before), ["b", "d", "a"]);
        assert_eq!(before.changes(&before), [] as [&str; 0]);
    }

    #[test]
    fn a_type_with_a_default_has_one_and_others_do_not() {
        struct Without;
        assert_eq!(DefaultOf::<u8>::new().find().map(|make| make()), Some(0));
        assert!((&DefaultOf::<Without>::new()).find().is_none());
    }

    #[test]
    fn a_nan_that_stays_is_no_change() {
        assert!(!differs(&f64::NAN, &f64::NAN));
        assert!(!differs(&vec![1.0, f64::NAN], &vec![1.0, f64::NAN]));
        assert!(differs(&f64::NAN, &1.0));
        assert!(differs(&1, &2));
    }
}
