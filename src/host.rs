//! The host: what an application holds to open models and to serve them.

use std::any::{TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;

use crate::error::{Error, Result};
use crate::model::{Core, Model};
use crate::protocol::Limits;
use crate::registry::{Place, Registry};
use crate::routes;
use crate::socket::{Guard, Sockets};
use crate::state::State;
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
    /// By state type, for `open` and `create`. The last one registered for a type counts.
    by_type: HashMap<TypeId, Arc<Registered>>,
    /// By name, for URLs. Folders are added while the host runs.
    by_name: RwLock<HashMap<String, Arc<Registered>>>,
    registry: Registry,
    sockets: Sockets,
    #[cfg(feature = "watch")]
    reload: Option<crate::reload::Reload>,
}

/// Builds a [`Host`]. Everything has a default.
pub struct HostBuilder {
    base: String,
    limits: Limits,
    origins: Vec<String>,
    widgets: Vec<Register>,
    folders: Vec<PathBuf>,
    watch: bool,
}

type Register = Box<dyn FnOnce(&Arc<str>) -> Result<(TypeId, Registered)> + Send>;

impl Host {
    /// Starts building a host.
    pub fn builder() -> HostBuilder {
        HostBuilder {
            base: "/anywidget".to_owned(),
            limits: Limits::default(),
            origins: Vec::new(),
            widgets: Vec::new(),
            folders: Vec::new(),
            watch: cfg!(debug_assertions),
        }
    }

    /// The model of this id; made from `initial` if there is none yet.
    ///
    /// # Errors
    /// When no widget for `W` was registered, or the id belongs to a model of another widget.
    pub async fn open<W: State>(&self, id: impl Into<String>, initial: impl FnOnce() -> W) -> Result<Model<W>> {
        let id: Arc<str> = id.into().into();
        let widget = self.registered::<W>()?;
        let make = |place| self.make(id.clone(), widget.clone(), place, initial());
        let core = self.0.registry.get_or_insert(&id, make);
        match Arc::ptr_eq(&core.widget, &widget) {
            true => Ok(Model::new(core)),
            false => Err(Error::duplicate(format!(
                "the id {id:?} belongs to a model of {:?}, not of {:?}",
                core.widget.name, widget.name
            ))),
        }
    }

    /// The model of this id, if there is one and its states are of this type.
    pub fn get<W: State>(&self, id: &str) -> Option<Model<W>> {
        self.core(id).filter(|core| core.state().is::<W>()).map(Model::new)
    }

    /// A new model with an id of its own: a random UUID.
    ///
    /// # Errors
    /// When no widget for `W` was registered.
    pub async fn create<W: State>(&self, state: W) -> Result<Model<W>> {
        let id = uuid::Uuid::new_v4().to_string();
        self.open(id, || state).await
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
        let core = self.0.registry.get_or_insert(&id, |place| self.make(id.clone(), registered.clone(), place, state));
        match Arc::ptr_eq(&core.widget, &registered) {
            true => Ok(Model::new(core)),
            false => Err(Error::duplicate(format!("a model with the id {id:?} exists already"))),
        }
    }

    /// The routes that serve this host's widgets, to be merged into any router.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        routes::router(self.clone()).with_state(())
    }

    /// The HTML of one view of the model of this id, if there is one.
    pub fn view(&self, id: &str) -> Option<crate::View> {
        self.core(id).map(crate::View::new)
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

    /// Living models.
    pub fn models(&self) -> usize {
        self.0.registry.len()
    }

    /// Closes every socket, telling its page to come back after a moment, and accepts no new one.
    /// Waits until all are closed; the pages are asked to spread their return over two seconds.
    ///
    /// For the graceful shutdown of a server, which does not wait for WebSockets by itself.
    pub async fn shutdown(&self) {
        self.0.sockets.close().await;
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

    pub(crate) fn core(&self, id: &str) -> Option<Arc<Core>> {
        self.0.registry.get(id)
    }

    pub(crate) fn widget(&self, name: &str) -> Option<Arc<Registered>> {
        self.0.by_name.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// A place among the open sockets; none while the host shuts down.
    pub(crate) fn open_socket(&self) -> Option<Guard> {
        self.0.sockets.open()
    }

    fn make(&self, id: Arc<str>, widget: Arc<Registered>, place: Place, state: impl State) -> Arc<Core> {
        Arc::new(Core::new(id, widget, self.0.limits.clone(), place, Arc::new(state)))
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
            let mut by_name = self.0.by_name.write().unwrap_or_else(PoisonError::into_inner);
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

impl HostBuilder {
    /// Registers a widget with the Rust type of its states.
    pub fn widget<W: State>(mut self, widget: Widget<W>) -> HostBuilder {
        self.widgets.push(Box::new(move |base| Ok((TypeId::of::<W>(), Registered::new(widget, base)?.0))));
        self
    }

    /// Opens a widget folder without a Rust type, as [`Host::folder`] does.
    pub fn folder(mut self, path: impl Into<PathBuf>) -> HostBuilder {
        self.folders.push(path.into());
        self
    }

    /// Where the routes are: `/anywidget` unless set. Begins with a `/`, does not end with one.
    pub fn base(mut self, path: impl Into<String>) -> HostBuilder {
        let path = path.into();
        let path = path.trim_matches('/');
        self.base = if path.is_empty() { String::new() } else { format!("/{path}") };
        self
    }

    /// Other limits than the defaults.
    pub fn limits(mut self, limits: Limits) -> HostBuilder {
        self.limits = limits;
        self
    }

    /// Lets pages of another origin (`https://example.com`) open sockets. Pages of the host's own
    /// origin and programs that send none always may.
    pub fn allow_origin(mut self, origin: impl Into<String>) -> HostBuilder {
        self.origins.push(origin.into());
        self
    }

    /// Whether edits of widget files on disk reload open pages. With debug assertions they do.
    /// Without the feature `watch` they never do.
    pub fn watch(mut self, watch: bool) -> HostBuilder {
        self.watch = watch;
        self
    }

    /// Reads the widgets and makes the host.
    ///
    /// # Errors
    /// When the files of a widget cannot be read, or two widgets have one name.
    pub async fn build(self) -> Result<Host> {
        let base: Arc<str> = self.base.into();
        let mut by_type = HashMap::new();
        let mut by_name = HashMap::new();
        for register in self.widgets {
            let (state, registered) = register(&base)?;
            let registered = Arc::new(registered);
            insert(&mut by_name, registered.clone())?;
            by_type.insert(state, registered);
        }
        let widgets: Vec<Arc<Registered>> = by_name.values().cloned().collect();
        let watch = self.watch;
        let host = Host(Arc::new_cyclic(|_host: &std::sync::Weak<Inner>| Inner {
            base,
            limits: Arc::new(self.limits),
            origins: self.origins,
            by_type,
            by_name: RwLock::new(by_name),
            registry: Registry::default(),
            sockets: Sockets::default(),
            #[cfg(feature = "watch")]
            reload: watch.then(|| {
                let host = _host.clone();
                crate::reload::Reload::new(move |widget| {
                    if let Some(inner) = host.upgrade() {
                        Host(inner).ring(widget);
                    }
                })
            }),
        }));
        let _ = watch;
        for widget in &widgets {
            host.watch(widget);
        }
        for folder in self.folders {
            host.folder(folder)?;
        }
        Ok(host)
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

impl fmt::Debug for HostBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostBuilder").field("base", &self.base).finish_non_exhaustive()
    }
}
