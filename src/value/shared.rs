//! A large field that is compared by its address first.

use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A large typed field of a state struct: an [`Arc`] that compares by pointer before it compares by
/// value, so a commit of another field costs nothing for this one.
///
/// ```
/// use anywidget_host::Shared;
///
/// let rows = Shared::new(vec![1.0; 100_000]);
/// let mut same = rows.clone(); // no copy
/// assert_eq!(rows, same);
/// same.make_mut().push(2.0); // copies, because `rows` still has it
/// assert_ne!(rows, same);
/// ```
#[derive(Debug, Default)]
pub struct Shared<T>(Arc<T>);

impl<T> Shared<T> {
    /// Puts a value behind a shared pointer.
    pub fn new(value: T) -> Shared<T> {
        Shared(Arc::new(value))
    }

    /// Write access; copies the value first when somebody else holds it too.
    pub fn make_mut(&mut self) -> &mut T
    where
        T: Clone,
    {
        Arc::make_mut(&mut self.0)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Shared<T> {
        Shared(self.0.clone())
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Shared<T>) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl<T> From<T> for Shared<T> {
    fn from(value: T) -> Shared<T> {
        Shared::new(value)
    }
}

impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Shared<T>, D::Error> {
        T::deserialize(deserializer).map(Shared::new)
    }
}
