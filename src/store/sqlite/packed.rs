//! A value as the file has it: MessagePack, which loses nothing.

use crate::protocol::{from_msgpack, to_msgpack};
use crate::value::Value;

/// How deep a kept value may nest: more than a frame may, because Rust makes values, too.
const MAX_DEPTH: usize = 1_024;

/// # Errors
/// When the value nests so deep that it could not be read again.
pub(super) fn pack(value: &Value) -> Result<Vec<u8>, String> {
    if !fits(value, MAX_DEPTH) {
        return Err(format!("it nests deeper than the {MAX_DEPTH} levels that can be kept"));
    }
    to_msgpack(value)
}

/// # Errors
/// When these bytes are not what [`pack`] made.
pub(super) fn unpack(bytes: &[u8]) -> Result<Value, String> {
    from_msgpack(bytes, MAX_DEPTH)
}

fn fits(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(items) => depth > 0 && items.iter().all(|item| fits(item, depth - 1)),
        Value::Object(map) => depth > 0 && map.values().all(|item| fits(item, depth - 1)),
        _ => true,
    }
}
