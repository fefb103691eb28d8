//! MessagePack, as far as the protocol takes it: <https://github.com/msgpack/msgpack/blob/master/spec.md>.
//!
//! Written here and not taken from a library, because the protocol is stricter than they are: text is
//! valid UTF-8, keys are text, there are no extension types, and nothing is reserved before it has
//! arrived. And they copy blobs, which may be as large as memory.

mod read;
mod write;

pub(super) use read::read;
pub(super) use write::write;
