//! placeholder
extern crate self as anywidget_host;

mod assets;
mod auth;
mod error;
mod host;
mod html;
mod model;
mod protocol;
mod registry;
#[cfg(feature = "watch")]
mod reload;
mod routes;
mod session;
mod socket;
mod state;
mod value;
mod widget;

pub use anywidget_host_macros::{Widget, embed};
pub use error::{Error, Refusal, Result};
pub use host::{Host, HostBuilder};
pub use html::View;
pub use model::{About, Change, Changes, Message, Model};
pub use protocol::Limits;
#[doc(hidden)]
pub use state::differs;
pub use state::{Access, Key, KeyName, State};
pub use value::{Blob, Map, Shared, Value, ValueError};
pub use widget::{Embedded, Source, Widget};
