//! Bytes that are shared, not copied.

use std::cell::Cell;
use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// Reference-counted bytes: a `DataView` in the page, `Blob` in a state struct.
///
/// Cloning costs a counter, and two clones compare equal by their address, so a commit of another
/// key never touches the bytes of this one, however many there are.
///
/// ```
/// use anywidget_host::Blob;
///
/// let pixels = Blob::from(vec![0u8; 1 << 20]);
/// let again = pixels.clone(); // no copy
/// assert_eq!(pixels, again); // no comparison of a megabyte either
/// assert_eq!(pixels.len(), 1 << 20);
/// ```
#[derive(Clone, Default, Eq)]
pub struct Blob(Bytes);

/// The name under which a blob announces itself to [`Value`](super::Value)'s serializer, as
/// `serde_json` does for raw values. Other formats see plain bytes.
pub(super) const NAME: &str = "$anywidget_host::Blob";

thread_local! {
    /// Carries a blob past serde, which knows only borrowed bytes. It is filled and taken within one
    /// call of `serialize_newtype_struct` or `deserialize_newtype_struct` under [`NAME`].
    static HANDOVER: Cell<Option<Blob>> = const { Cell::new(None) };
}

pub(super) fn hand_over(blob: Blob) {
    HANDOVER.set(Some(blob));
}

pub(super) fn take_over() -> Option<Blob> {
    HANDOVER.take()
}

impl Blob {
    /// Bytes that are part of the program; costs nothing.
    pub const fn from_static(bytes: &'static [u8]) -> Blob {
        Blob(Bytes::from_static(bytes))
    }

    /// The same bytes as a [`Bytes`], shared.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Blob {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for Blob {
    fn eq(&self, other: &Blob) -> bool {
        self.len() == other.len() && (self.as_ptr() == other.as_ptr() || self.0 == other.0)
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.len())
    }
}

impl<T: Into<Bytes>> From<T> for Blob {
    fn from(bytes: T) -> Blob {
        Blob(bytes.into())
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        hand_over(self.clone());
        let done = serializer.serialize_newtype_struct(NAME, &Raw(&self.0));
        take_over();
        done
    }
}

struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Blob, D::Error> {
        deserializer.deserialize_newtype_struct(NAME, BlobVisitor)
    }
}

struct BlobVisitor;

impl<'de> Visitor<'de> for BlobVisitor {
    type Value = Blob;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Blob, D::Error> {
        match take_over() {
            Some(blob) => Ok(blob),
            None => deserializer.deserialize_byte_buf(self),
        }
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Blob, E> {
        Ok(Blob(Bytes::copy_from_slice(bytes)))
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Blob, E> {
        Ok(Blob(bytes.into()))
    }

    /// Formats without bytes (JSON) have a list of numbers.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Blob, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = items.next_element::<u8>()? {
            bytes.push(byte);
        }
        Ok(Blob(bytes.into()))
    }
}
