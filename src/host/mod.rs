//! The host: what an application holds to open models and to serve them.

mod builder;
mod open;

use std::any::{TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use futures_executor::block_on;
use parking_lot::RwLock;

pub use self::builder::HostBuilder;
use crate::auth::{Authorise, Permission, permission};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::protocol::Limits;
use crate::registry::{Life, Registry};
use crate::routes;
use crate::socket::{Guard, Sockets};
use crate::state::State;
use crate::store::keeper::Keeper;
use crate::value::Value;
use crate::widget::{Registered, Source, Widget};

/// A registry of widgets and models, and the routes that serve them.
///
/// It is a handle: cheap to clone, and made to be the state of an axum router.
///
/// ```
/// use anywidget_host::{Host, Model, Widget};
/// use axum::{Router, extract::State, response::Html, routing::get};
///
/// #[derive(Clone, Default, Widget)]
/// #[widget(esm = "export default { render({ model, el }) { el.textContent = model.get('count') } }")]
/// struct Counter {
///     count: i64,
/// }
///
/// async fn page(State(host): State<Host>) -> anywidget_host::Result<Html<String>> {
///     let counter = host.open("global", Counter::default).await?;
///     Ok(Html(format!("<h1>Count</h1>{}", counter.view())))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> anywidget_host::Result<()> {
/// let host = Host::builder().widget(Counter::widget()).build().await?;
/// let app: Router = Router::new().route("/", get(page)).merge(host.router()).with_state(host);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    base: Arc<str>,
    limits: Arc<Limits>,
    origins: Vec<String>,
    authorise: Option<Authorise>,
    /// By state type, for `open` and `create`. The last one registered for a type counts.
    by_type: HashMap<TypeId, Arc<Registered>>,
    /// By name, for URLs. Folders are added while the host runs.
    by_name: RwLock<HashMap<String, Arc<Registered>>>,
    registry: Registry,
    keeper: Option<Keeper>,
    sockets: Sockets,
    #[cfg(feature = "watch")]
    reload: Option<crate::reload::Reload>,
}

impl Host {
    /// Starts building a host.
    pub fn builder() -> HostBuilder {
        HostBuilder::new()
    }

    /// The model of this id: the living one, else the one that the store has, else a new one made from `initial`.
    ///
    /// # Errors
    /// When no widget for `W` was registered, the id belongs to a model of another widget, or the store cannot be
    /// read.
    pub async fn open<W: State>(&self, id: impl Into<String>, initial: impl FnOnce() -> W) -> Result<Model<W>> {
        let widget = self.registered::<W>()?;
        let core = self.open_as(&id.into().into(), &widget, initial, Life::Shared).await?;
        Ok(Model::new(core))
    }

    /// The model of this id, if it is in memory and its states are of this type.
    pub fn get<W: State>(&self, id: &str) -> Option<Model<W>> {
        self.0.registry.get(id).filter(|core| core.state().is::<W>()).map(Model::new)
    }

    /// A new model with an id of its own, a random UUID: for one visitor. It ends ten minutes later if no page has
    /// connected to it, and leaves memory an hour after the last page and handle
    /// ([`HostBuilder::orphan`], [`HostBuilder::idle`]).
    ///
    /// # Errors
    /// When no widget for `W` was registered.
    pub async fn create<W: State>(&self, state: W) -> Result<Model<W>> {
        let id: Arc<str> = uuid::Uuid::new_v4().to_string().into();
        let widget = self.registered::<W>()?;
        let news = self.news(&id, None);
        let make = |place| self.make(id.clone(), widget, place, Arc::new(state), news, Life::Own);
        Ok(Model::new(self.0.registry.get_or_insert(&id, make)))
    }

    /// A widget folder without a Rust type: its model, whose id is the folder's name and whose state
    /// starts as `widget.json` says. A bare `NAME.js` is a widget, too. Reads the files at once. A folder that needs
    /// rules, or has messages to be heard, is given to [`add`](Host::add).
    ///
    /// # Errors
    /// When there is no widget, its `widget.json` does not parse, or the name is taken.
    pub fn folder(&self, path: impl Into<PathBuf>) -> Result<Model<Value>> {
        let path = path.into();
        let name = folder_name(&path)?;
        let source = match path.extension().is_some_and(|end| end == "js") && !path.is_dir() {
            true => Source(crate::widget::Files::Bare(path)),
            false => Source::folder(path),
        };
        self.add(Widget::new(name, source))
    }

    /// Registers a widget without a Rust type and opens its one model, whose id is the widget's name.
    ///
    /// ```no_run
    /// use anywidget_host::{Host, Source, Value, Widget};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> anywidget_host::Result<()> {
    /// let host = Host::builder().build().await?;
    /// let pad = Widget::<Value>::new("pad", Source::folder("widgets/pad")).on_message(|model, message| {
    ///     println!("{}: {:?}", model.id(), message.content);
    /// });
    /// let model = host.add(pad)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`folder`](Host::folder).
    pub fn add(&self, widget: Widget<Value>) -> Result<Model<Value>> {
        let name = widget.name.clone();
        let (mut registered, state) = Registered::new(widget, &self.0.base)?;
        registered.open = state.is_none();
        let registered = self.register(registered)?;
        let state = Value::Object(state.unwrap_or_default());
        let id: Arc<str> = name.into();
        let core = block_on(self.open_as(&id, &registered, || state, Life::Folder))?;
        Ok(Model::new(core))
    }

    /// The routes that serve this host's widgets, to be merged into any router.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        routes::router(self.clone()).with_state(())
    }

    /// The HTML of one view of the model of this id, if it is in memory.
    pub fn view(&self, id: &str) -> Option<crate::View> {
        self.0.registry.get(id).map(crate::View::new)
    }

    /// A `<link>` for the `<head>` of a page: the browser then asks for the runtime before it has come
    /// to the first view. Optional.
    pub fn preloads(&self) -> String {
        format!("<link rel=\"modulepreload\" href=\"{}/{}\">\n", self.0.base, routes::LOADER)
    }

    /// Open WebSockets.
    pub fn sockets(&self) -> usize {
        self.0.sockets.count()
    }

    /// Models in memory.
    pub fn models(&self) -> usize {
        self.0.registry.len()
    }

    /// Closes every socket, telling its page to come back after a moment, and accepts no new one. Then writes
    /// what the store does not have yet and closes it; commits made after that are not stored.
    ///
    /// Waits until all is done; the pages are asked to spread their return over two seconds. For the graceful
    /// shutdown of a server, which does not wait for WebSockets by itself. Put a `tokio::time::timeout` around it to
    /// wait less than a stuck page (four seconds) or disk may take.
    pub async fn shutdown(&self) {
        let sockets = &self.0.sockets;
        sockets.close();
        let store = async {
            sockets.silent().await;
            if let Some(keeper) = &self.0.keeper
                && let Err(error) = keeper.close().await
            {
                tracing::error!("the store does not close: {error}");
            }
        };
        // Pages that take their time to close hold up nothing but this call.
        tokio::join!(store, sockets.closed());
    }

    /// A layer that tells visitors apart by a cookie, which it gives to those that have none: to be put around the
    /// routes of the host and of the application, as `.layer(axum::middleware::from_fn(Host::visitors))`. See
    /// [`Visitor`](crate::Visitor).
    pub async fn visitors(request: axum::extract::Request, next: axum::middleware::Next) -> axum::response::Response {
        crate::auth::recognise(request, next).await
    }

    /// What a request may do with a model.
    pub(crate) fn permission(&self, parts: &http::request::Parts, model: &str) -> Permission {
        permission(self.0.authorise.as_ref(), parts, model)
    }

    pub(crate) fn base(&self) -> &str {
        &self.0.base
    }

    pub(crate) fn limits(&self) -> &Arc<Limits> {
        &self.0.limits
    }

    pub(crate) fn origins(&self) -> &[String] {
        &self.0.origins
    }

    pub(crate) fn widget(&self, name: &str) -> Option<Arc<Registered>> {
        self.0.by_name.read().get(name).cloned()
    }

    /// A place among the open sockets; none while the host shuts down.
    pub(crate) fn open_socket(&self) -> Option<Guard> {
        self.0.sockets.open()
    }

    fn registered<W: State>(&self) -> Result<Arc<Registered>> {
        self.0.by_type.get(&TypeId::of::<W>()).cloned().ok_or_else(|| {
            let name = type_name::<W>();
            Error::unregistered(format!("no widget for {name}: give its widget to Host::builder().widget(…)"))
        })
    }

    fn register(&self, registered: Registered) -> Result<Arc<Registered>> {
        let registered = Arc::new(registered);
        {
            let mut by_name = self.0.by_name.write();
            insert(&mut by_name, registered.clone())?;
        }
        self.watch(&registered);
        Ok(registered)
    }

    #[cfg(feature = "watch")]
    fn watch(&self, widget: &Arc<Registered>) {
        if let Some(reload) = &self.0.reload {
            reload.follow(widget);
        }
    }

    #[cfg(not(feature = "watch"))]
    fn watch(&self, _widget: &Arc<Registered>) {}

    /// Tells the open pages of a widget that its code changed.
    #[cfg(feature = "watch")]
    fn ring(&self, widget: &Arc<Registered>) {
        for core in self.0.registry.all().iter().filter(|core| Arc::ptr_eq(&core.widget, widget)) {
            core.ring();
        }
    }
}

fn insert(by_name: &mut HashMap<String, Arc<Registered>>, widget: Arc<Registered>) -> Result<()> {
    if by_name.contains_key(&widget.name) {
        let name = &widget.name;
        return Err(Error::duplicate(format!("there are two widgets called {name:?}: rename one")));
    }
    by_name.insert(widget.name.clone(), widget);
    Ok(())
}

/// A widget's name is its folder's, or its module's without the ending.
fn folder_name(path: &Path) -> Result<String> {
    let path = match path.file_name() {
        Some(_) => path.to_owned(),
        None => path.canonicalize().map_err(|error| Error::io(path, error))?, // `.` or `..`
    };
    let name = if path.is_dir() { path.file_name() } else { path.file_stem() };
    let name = name.and_then(|name| name.to_str());
    name.map(str::to_owned).ok_or_else(|| Error::missing(&path, "a widget's folder needs a name in UTF-8"))
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("base", &self.0.base).field("models", &self.models()).finish_non_exhaustive()
    }
}
