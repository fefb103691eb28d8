//! A living state with an id.

mod changes;
mod core;
mod extract;
mod follower;
mod log;
mod message;
mod sessions;

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;

pub use self::changes::{Change, Changes};
pub(crate) use self::core::{
    AnyState, Beginning, By, Change as CoreChange, Core, Cursor, Moment, Page, Past, Reader, Step,
};
pub(crate) use self::follower::Follower;
pub use self::message::Message;
pub(crate) use self::message::Sender;
use crate::error::{Error, Result};
use crate::protocol::Draft;
use crate::state::State;
use crate::value::{Blob, Value};

/// A handle to one model: a state of type `W` that every view of it follows.
///
/// Cloning is cheap and gives another handle to the same model. The model lives in the registry of
/// its [`Host`](crate::Host) until [`end`](Model::end) is called.
///
/// ```
/// use anywidget_host::{Host, Widget};
///
/// #[derive(Clone, Default, Widget)]
/// #[widget(esm = "export default { render({ model, el }) { el.textContent = model.get('count') } }")]
/// struct Counter {
///     count: i64,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> anywidget_host::Result<()> {
/// let host = Host::builder().widget(Counter::widget()).build().await?;
/// let counter = host.open("global", Counter::default).await?;
/// counter.update(|state| state.count += 1);
/// assert_eq!(counter.get().count, 1);
/// # Ok(())
/// # }
/// ```
pub struct Model<W> {
    pub(crate) core: Arc<Core>,
    state: PhantomData<fn() -> W>,
}

impl<W: State> Model<W> {
    pub(crate) fn new(core: Arc<Core>) -> Model<W> {
        Model { core, state: PhantomData }
    }

    /// The id: in URLs, in the `model` attribute and behind `anywidget:` in references.
    pub fn id(&self) -> &str {
        &self.core.id
    }

    /// The reference by which the state of another widget names this model: `anywidget:<id>`.
    pub fn reference(&self) -> String {
        format!("anywidget:{}", self.core.id)
    }

    /// How many commits this model has seen in its epoch.
    pub fn rev(&self) -> u64 {
        self.core.rev()
    }

    /// Names this history of revs: a rev means something only within its epoch.
    pub fn epoch(&self) -> Arc<str> {
        self.core.epoch()
    }

    /// The state as of now. Costs a counter, not a copy; it does not change later.
    pub fn get(&self) -> Arc<W> {
        typed(self.core.state())
    }

    /// Changes the state. What differs afterwards is one commit that goes to every view; when nothing
    /// differs, nothing happens.
    ///
    /// The closure works on a copy and no lock is held meanwhile. It **runs again** from the newer
    /// state when another commit came in between, so it should do nothing but change what it is given.
    pub fn update<R>(&self, mut change: impl FnMut(&mut W) -> R) -> R {
        loop {
            let before = self.core.state();
            let old: Arc<W> = typed(before.clone());
            let mut new = W::clone(&old);
            let result = change(&mut new);
            let keys = new.changes(&old);
            if keys.is_empty() || self.core.commit(&before, Arc::new(new), keys) {
                return result;
            }
        }
    }

    /// Replaces the state; sends what differs.
    pub fn set(&self, state: W) {
        self.update(|current| *current = state.clone());
    }

    /// Sends a custom message to every view: the `msg:custom` event of the widget.
    ///
    /// Views that are away get it when they come back, as long as it is among the newest 4,096
    /// messages and 4 MiB of this model ([`Limits`](crate::Limits)); otherwise they are told of the gap.
    ///
    /// # Errors
    /// When `content` cannot be written as JSON and bytes.
    pub fn send(&self, content: impl Serialize) -> Result<()> {
        self.send_with(content, [])
    }

    /// Sends a custom message with buffers, which the widget gets as `DataView`s.
    ///
    /// # Errors
    /// As [`send`](Model::send).
    pub fn send_with(&self, content: impl Serialize, buffers: impl IntoIterator<Item = Blob>) -> Result<()> {
        let message = Draft::new(content, buffers.into_iter().collect());
        self.core.send(message.map_err(|source| Error::value("a custom message", source))?);
        Ok(())
    }

    /// Raises a DOM event on every view's element: it bubbles, so that parts of the page can listen to it, as in
    /// htmx's `hx-trigger="cart-updated from:body"`. It arrives after the state and the messages of now, and counts
    /// as one of the messages that views which are away get when they come back ([`send`](Model::send)).
    ///
    /// ```
    /// # fn sold(cart: anywidget_host::Model<anywidget_host::Value>) -> anywidget_host::Result<()> {
    /// cart.dispatch("cart-updated", serde_json::json!({ "items": 3 }))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When `detail` cannot be written as JSON and bytes.
    pub fn dispatch(&self, event: impl Into<String>, detail: impl Serialize) -> Result<()> {
        let detail = Value::encode(detail).map_err(|source| Error::value("the detail of an event", source))?;
        self.core.dispatch(event.into(), detail);
        Ok(())
    }

    /// Waits until every connected page has been sent all that this model is and said before this call: the
    /// operating system has taken it. A sender that does so now and then goes as fast as its slowest reader,
    /// instead of leaving it a gap.
    ///
    /// It may take as long as [`Limits::write`](crate::Limits::write) (60 s) when a page has stopped reading,
    /// until that page is given up; put a `tokio::time::timeout` around it to wait less. Pages that
    /// connect meanwhile count as well. Costs a look at each connected page whenever one has taken something.
    ///
    /// ```
    /// # async fn stream(model: anywidget_host::Model<anywidget_host::Value>) -> anywidget_host::Result<()> {
    /// let mut before = model.flush();
    /// for (n, token) in ["one", "after", "another"].iter().enumerate() {
    ///     model.send(token)?;
    ///     if n % 1_000 == 999 {
    ///         // Never more than 2,000 ahead, as the log holds 4,096, and not idle while they are sent.
    ///         std::mem::replace(&mut before, model.flush()).await;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn flush(&self) -> impl Future<Output = ()> {
        self.core.flush()
    }

    /// Waits until the [store](crate::store) has all that this model is now; at once where there is none. What is
    /// told to others after it, in an HTTP answer, say, outlives the process. With [`Durability::Stored`] pages see
    /// nothing before that anyway.
    ///
    /// It takes a write to the disk, which many models share, and as long as the store fails.
    ///
    /// [`Durability::Stored`]: crate::store::Durability::Stored
    pub async fn stored(&self) {
        self.core.kept().await;
    }

    /// Every change from now on, as a [`Stream`](futures_util::Stream). A slow reader is told of
    /// several commits at once and always ends with the latest state.
    pub fn changes(&self) -> Changes<W> {
        Changes::new(self.core.clone())
    }

    /// The state as JSON: bytes as `{"$bytes": "<base64>"}`, non-finite numbers as `{"$number": "NaN"}`.
    pub fn state_json(&self) -> serde_json::Value {
        Value::Object(self.core.snapshot().2).to_plain_json()
    }

    /// What is known of this model's widget.
    pub fn widget(&self) -> About<'_> {
        let widget = &self.core.widget;
        About {
            name: &widget.name,
            title: widget.title.as_deref(),
            description: widget.description.as_deref(),
            wide: widget.wide,
            problem: widget.problem(),
        }
    }

    /// Ends the model: open views show the reason, and the id is free again.
    pub fn end(&self, reason: &str) {
        self.core.end(reason);
    }
}

/// What is known of a widget: its name, what its `widget.json` says of it, and what is wrong with it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct About<'a> {
    /// The name in URLs and messages.
    pub name: &'a str,
    /// A title for people.
    pub title: Option<&'a str>,
    /// A sentence or two about it.
    pub description: Option<&'a str>,
    /// Whether it wants all the width a page has, as tables and plots do: `"wide": true`.
    pub wide: bool,
    /// Why its files cannot be used since the last edit; it serves what it had before.
    pub problem: Option<Error>,
}

fn typed<W: State>(state: AnyState) -> Arc<W> {
    match state.downcast() {
        Ok(state) => state,
        // A model is made with the state type of its widget, and handles only of that type.
        Err(_) => unreachable!("the state of this model is not a {}", type_name::<W>()),
    }
}

impl<W> Clone for Model<W> {
    fn clone(&self) -> Model<W> {
        Model { core: self.core.clone(), state: PhantomData }
    }
}

impl<W> fmt::Debug for Model<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").field("id", &self.core.id).field("rev", &self.core.rev()).finish()
    }
}
