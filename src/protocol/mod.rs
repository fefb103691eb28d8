//! The wire: frames, their two encodings, close codes and limits. No socket, no clock, no state.
//!
//! `docs/protocol.md` is the specification for people; `tests/vectors` binds this side and the
//! browser's to the same examples.

mod client;
mod close;
mod codec;
mod frames;
mod host;
mod limits;
mod message;
mod msgpack;
mod scratch;
#[cfg(test)]
mod vectors;

pub(crate) use client::{ClientFrame, Fetches, Hello, Malformed};
pub(crate) use close::Close;
pub(crate) use codec::{Payload, decode, encode};
#[cfg(feature = "sqlite")]
pub(crate) use codec::{from_msgpack, to_msgpack};
pub(crate) use frames::{Encoded, Frames, LONGEST_HEAD, write_head};
pub(crate) use host::{Ack, HostFrame, Origin, Values};
pub use limits::Limits;
pub(crate) use message::Draft;

/// The version of the protocol that `hello` names.
pub(crate) const VERSION: u64 = 1;

/// The WebSocket subprotocol that names it in the upgrade.
pub(crate) const SUBPROTOCOL: &str = "anywidget-host.v1";
