//! Makes a host: what it serves, where it keeps models, and for how long.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::RwLock;

use super::{Host, Inner, insert};
use crate::auth::{Authorise, Permission};
use crate::error::{Error, Result};
use crate::protocol::Limits;
use crate::registry::{Registry, Stay};
use crate::socket::Sockets;
use crate::state::State;
use crate::store::keeper::Keeper;
use crate::store::{Durability, Store};
use crate::widget::{Registered, Widget};

/// Models that nobody needs leave memory after this long, unless the builder says otherwise.
const IDLE: Duration = Duration::from_secs(3_600);
const ORPHAN: Duration = Duration::from_secs(600);

/// Between two looks for models whose time is over.
const MAX_SWEEP: Duration = Duration::from_secs(60);
const MIN_SWEEP: Duration = Duration::from_millis(20);

/// Builds a [`Host`]. Everything has a default.
pub struct HostBuilder {
    base: String,
    limits: Limits,
    origins: Vec<String>,
    authorise: Option<Authorise>,
    widgets: Vec<Register>,
    folders: Vec<PathBuf>,
    watch: bool,
    store: Option<Opens>,
    durability: Option<Durability>,
    idle: Option<Duration>,
    orphan: Duration,
}

type Register = Box<dyn FnOnce(&Arc<str>) -> Result<(TypeId, Registered)> + Send>;
/// Opens a store, when it is known whether it has to be of some durability.
type Opens = Box<dyn FnOnce(Option<Durability>) -> Result<Arc<dyn Store>> + Send>;

impl HostBuilder {
    pub(super) fn new() -> HostBuilder {
        HostBuilder {
            base: "/anywidget".to_owned(),
            limits: Limits::default(),
            origins: Vec::new(),
            authorise: None,
            widgets: Vec::new(),
            folders: Vec::new(),
            watch: cfg!(debug_assertions),
            store: None,
            durability: None,
            idle: None,
            orphan: ORPHAN,
        }
    }

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

    /// Decides who may do what, for every route: fragments, state, sockets, writes, commands. Asked once for each
    /// request, and for a socket when it opens; it should be quick, so what takes long belongs in a layer of the
    /// application that puts its result into the request's extensions. Models of a visitor's own
    /// ([`Visitor::own`](crate::Visitor::own)) are refused to others before it is asked.
    ///
    /// ```
    /// use anywidget_host::{Host, Permission};
    ///
    /// let builder = Host::builder().authorise(|request| match request.headers.contains_key("authorization") {
    ///     true => Permission::Write,
    ///     false => Permission::Read,
    /// });
    /// ```
    pub fn authorise(
        mut self,
        decide: impl Fn(&crate::auth::Request<'_>) -> Permission + Send + Sync + 'static,
    ) -> HostBuilder {
        self.authorise = Some(Arc::new(decide));
        self
    }

    /// Whether edits of widget files on disk reload open pages. With debug assertions they do.
    /// Without the feature `watch` they never do.
    pub fn watch(mut self, watch: bool) -> HostBuilder {
        self.watch = watch;
        self
    }

    /// Keeps models in this SQLite file, which is made if it is not there: they outlive the process.
    ///
    /// ```
    /// use anywidget_host::{Durability, Host, Widget};
    ///
    /// #[derive(Clone, Default, Widget)]
    /// #[widget(esm = "export default {}")]
    /// struct Counter {
    ///     count: i64,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> anywidget_host::Result<()> {
    /// # let folder = tempfile::tempdir().map_err(|_| ()).unwrap();
    /// # let file = folder.path().join("state.db");
    /// let host = async || Host::builder().widget(Counter::widget()).sqlite(&file).build().await;
    ///
    /// let first = host().await?;
    /// first.open("global", Counter::default).await?.update(|counter| counter.count = 5);
    /// first.shutdown().await;
    ///
    /// let second = host().await?;
    /// assert_eq!(second.open("global", Counter::default).await?.get().count, 5);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "sqlite")]
    pub fn sqlite(mut self, file: impl Into<PathBuf>) -> HostBuilder {
        let file = file.into();
        let open = move |durability: Option<Durability>| {
            Ok(Arc::new(crate::store::Sqlite::open(file, durability.unwrap_or_default())?) as Arc<dyn Store>)
        };
        self.store = Some(Box::new(open));
        self
    }

    /// Keeps models in a store of one's own.
    pub fn store(mut self, store: impl Store) -> HostBuilder {
        self.store = Some(Box::new(|_| Ok(Arc::new(store) as Arc<dyn Store>)));
        self
    }

    /// When a page's write is acknowledged, where there is a store. Unless set, it is what the store was opened with
    /// ([`Store::durability`]), else [`Durability::Applied`].
    pub fn durability(mut self, durability: Durability) -> HostBuilder {
        self.durability = Some(durability);
        self
    }

    /// How long a model stays in memory that no page views and no [`Model`](crate::Model) holds: an hour unless set.
    ///
    /// With a store it comes back when it is asked for. Without one it is gone, and a page that returns later is
    /// told so; therefore models of [`Host::open`] stay there unless this is set, and only those of
    /// [`Host::create`] leave. The models of widget folders always stay. Looked at four times in that span, at
    /// least once a minute.
    pub fn idle(mut self, idle: Duration) -> HostBuilder {
        self.idle = Some(idle);
        self
    }

    /// How long a model of [`Host::create`] waits for its first view: ten minutes unless set. Then it ends.
    pub fn orphan(mut self, orphan: Duration) -> HostBuilder {
        self.orphan = orphan;
        self
    }

    /// Reads the widgets, opens the store and makes the host.
    ///
    /// # Errors
    /// When the files of a widget cannot be read, two widgets have one name, the store cannot be opened or was opened
    /// with another durability, or [`Durability::Stored`] is asked for without a store.
    ///
    /// # Panics
    /// With a store, outside of a tokio runtime.
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
        let keeper = match self.store {
            Some(open) => {
                let store = open(self.durability)?;
                let durability = agreed(self.durability, store.durability())?;
                Some(Keeper::start(store, durability))
            }
            None if self.durability == Some(Durability::Stored) => {
                let what = "needs a store: add .sqlite(\"state.db\") to the builder of the host";
                return Err(Error::store("durability `stored`", what));
            }
            None => None,
        };
        let stay = Stay {
            idle: self.idle.unwrap_or(IDLE),
            orphan: self.orphan,
            shared_leave: self.idle.is_some() || keeper.is_some(),
        };
        let watch = self.watch;
        let host = Host(Arc::new_cyclic(|_host: &Weak<Inner>| Inner {
            base,
            limits: Arc::new(self.limits),
            origins: self.origins,
            authorise: self.authorise,
            by_type,
            by_name: RwLock::new(by_name),
            registry: Registry::default(),
            keeper,
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
        sweep(&host, stay);
        Ok(host)
    }
}

/// The one durability of a host and its store.
fn agreed(host: Option<Durability>, store: Option<Durability>) -> Result<Durability> {
    match (host, store) {
        (Some(host), Some(store)) if host != store => {
            let what = format!(
                "is not that of the store, which was opened with `Durability::{store:?}`: open it with \
                 `Durability::{host:?}`, or leave .durability(…) away"
            );
            Err(Error::store(format_args!("durability `{}`", format!("{host:?}").to_lowercase()), what))
        }
        _ => Ok(host.or(store).unwrap_or_default()),
    }
}

/// Lets models go whose time is over, as long as the host lives.
fn sweep(host: &Host, stay: Stay) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    let every = (stay.idle.min(stay.orphan) / 4).clamp(MIN_SWEEP, MAX_SWEEP);
    let host = Arc::downgrade(&host.0);
    runtime.spawn(async move {
        loop {
            tokio::time::sleep(every).await;
            let Some(inner) = host.upgrade() else { return };
            Host(inner).sweep(&stay).await;
        }
    });
}

impl fmt::Debug for HostBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostBuilder").field("base", &self.base).finish_non_exhaustive()
    }
}
