//! A widget: its code, and the rules of its state.

mod behaviour;
mod manifest;
mod registered;
mod source;

use std::collections::HashMap;
use std::fmt;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use self::behaviour::{Absorbed, Behaviour, Next, Request, Restored, invoke};
#[cfg(feature = "watch")]
pub(crate) use self::manifest::Folder;
pub(crate) use self::registered::{Code, Registered};
pub(crate) use self::source::Files;
pub use self::source::{Embedded, Source};
use crate::error::Refusal;
use crate::model::{Change, Message, Model};
use crate::state::{KeyName, State};
use crate::value::{Blob, Value};

/// A widget for states of type `W`: code for the page, and what the host does with writes, messages
/// and commands. `#[derive(Widget)]` gives a struct the function `widget()` that makes one.
///
/// ```
/// use anywidget_host::{Refusal, Source, Value, Widget};
///
/// // A widget without a struct: its state is any object.
/// let widget = Widget::<Value>::new("hello", Source::inline("export default { render({ el }) { el.append('hi') } }"))
///     .validate(|next, _changed| match next["name"].as_str() {
///         Some("") => Err(Refusal::new("a name, please")),
///         _ => Ok(()),
///     });
/// ```
pub struct Widget<W: State> {
    pub(crate) name: String,
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) source: Source,
    /// Whether keys come into being by being set.
    pub(crate) open: bool,
    pub(crate) rules: Rules<W>,
}

type Initial<W> = Box<dyn Fn() -> W + Send + Sync>;
type Validate<W> = Box<dyn Fn(&mut W, &[KeyName]) -> Result<(), Refusal> + Send + Sync>;
type OnChange<W> = Box<dyn Fn(&Model<W>, &Change<W>) + Send + Sync>;
type OnMessage<W> = Box<dyn Fn(&Model<W>, &Message) + Send + Sync>;
/// What a command answers: a response and its buffers.
pub(crate) type Answer = Result<(Value, Vec<Blob>), Refusal>;
type Command<W> = Box<dyn Fn(Model<W>, Request, Vec<Blob>) -> BoxFuture<'static, Answer> + Send + Sync>;

/// What user code has to say about the states of one widget.
pub(crate) struct Rules<W> {
    initial: Option<Initial<W>>,
    validate: Option<Validate<W>>,
    on_change: Vec<OnChange<W>>,
    on_message: Vec<OnMessage<W>>,
    commands: HashMap<String, Command<W>>,
}

impl<W: State> Widget<W> {
    /// A widget called `name`, which stands in its URLs and in error messages.
    pub fn new(name: impl Into<String>, source: Source) -> Widget<W> {
        let rules = Rules {
            initial: None,
            validate: None,
            on_change: Vec::new(),
            on_message: Vec::new(),
            commands: HashMap::new(),
        };
        Widget { name: name.into(), title: None, description: None, source, open: false, rules }
    }

    /// Another name than the default, for two widgets of the same name in one host.
    pub fn name(mut self, name: impl Into<String>) -> Widget<W> {
        self.name = name.into();
        self
    }

    /// What a model begins with that a page asks for before the program has opened it: after a restart, with a
    /// [store](crate::store). The values that were kept are put into it, so it matters for keys that are new.
    /// `#[derive(Widget)]` takes the type's `Default`, if it has one. Without it such a page is told that there is
    /// no such model.
    pub fn initial(mut self, initial: impl Fn() -> W + Send + Sync + 'static) -> Widget<W> {
        self.rules.initial = Some(Box::new(initial));
        self
    }

    #[doc(hidden)] // for `#[derive(Widget)]`
    pub fn with_default(mut self, default: Option<fn() -> W>) -> Widget<W> {
        self.rules.initial = default.map(|default| Box::new(default) as Initial<W>);
        self
    }

    /// Checks, and may alter, what a page wrote, before it becomes a commit. `next` is the state with
    /// the page's values in it, `changed` the keys that differ.
    ///
    /// A refusal reaches the page as the reason why the write was refused, and the view shows the true
    /// values again; so it does when the values were altered (clamped, say). Writes from Rust are not
    /// validated. The function may run again when another commit came in between.
    pub fn validate(
        mut self,
        rule: impl Fn(&mut W, &[KeyName]) -> Result<(), Refusal> + Send + Sync + 'static,
    ) -> Widget<W> {
        self.rules.validate = Some(Box::new(rule));
        self
    }

    /// Runs after each commit of each model of this widget, in commit order, outside any lock. What it
    /// writes is a commit of its own, which it is told of as well; a listener that answers every change
    /// with another is stopped after 16 rounds. It runs on the thread that made a commit: spawn what
    /// takes long.
    pub fn on_change(mut self, listener: impl Fn(&Model<W>, &Change<W>) + Send + Sync + 'static) -> Widget<W> {
        self.rules.on_change.push(Box::new(listener));
        self
    }

    /// Runs for each custom message from a page (`model.send` in the widget), in the order they were
    /// sent. It runs on the task of the page's connection: spawn what takes long.
    pub fn on_message(mut self, listener: impl Fn(&Model<W>, &Message) + Send + Sync + 'static) -> Widget<W> {
        self.rules.on_message.push(Box::new(listener));
        self
    }

    /// Answers `experimental.invoke(name, msg)` of the widget. The argument is deserialised into the
    /// function's type; the result, or a refusal with its kind and message, settles the page's promise.
    ///
    /// ```
    /// use anywidget_host::{Model, Refusal, Widget};
    ///
    /// #[derive(Clone, Default, Widget)]
    /// #[widget(esm = "export default {}")]
    /// struct Counter {
    ///     count: i64,
    /// }
    ///
    /// async fn add(counter: Model<Counter>, amount: i64) -> Result<i64, Refusal> {
    ///     Ok(counter.update(|state| {
    ///         state.count += amount;
    ///         state.count
    ///     }))
    /// }
    ///
    /// let widget = Counter::widget().command("add", add);
    /// ```
    pub fn command<Q, A, E, F>(
        self,
        name: impl Into<String>,
        function: impl Fn(Model<W>, Q) -> F + Send + Sync + 'static,
    ) -> Widget<W>
    where
        Q: DeserializeOwned + Send + 'static,
        A: Serialize,
        E: Into<Refusal>,
        F: Future<Output = Result<A, E>> + Send + 'static,
    {
        self.command_with(name, move |model, request, _buffers| {
            function(model, request).map(|answer| answer.map(|answer| (answer, Vec::new())))
        })
    }

    /// A [`command`](Widget::command) that takes and answers buffers as well.
    pub fn command_with<Q, A, E, F>(
        mut self,
        name: impl Into<String>,
        function: impl Fn(Model<W>, Q, Vec<Blob>) -> F + Send + Sync + 'static,
    ) -> Widget<W>
    where
        Q: DeserializeOwned + Send + 'static,
        A: Serialize,
        E: Into<Refusal>,
        F: Future<Output = Result<(A, Vec<Blob>), E>> + Send + 'static,
    {
        let command = move |model, request: Request, buffers| match request.decode() {
            Err(error) => {
                let refusal = Refusal::new(format!("the argument does not fit: {error}"));
                std::future::ready(Err(refusal.with_kind("InvalidArgument"))).boxed()
            }
            Ok(request) => function(model, request, buffers)
                .map(|answer| {
                    let (response, buffers) = answer.map_err(Into::into)?;
                    Ok((Value::encode(response).map_err(Refusal::from_error)?, buffers))
                })
                .boxed(),
        };
        self.rules.commands.insert(name.into(), Box::new(command));
        self
    }
}

impl<W: State> fmt::Debug for Widget<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Widget").field("name", &self.name).field("source", &self.source).finish_non_exhaustive()
    }
}
