//! Models by id, and how long they stay in memory. The only file that knows how they are kept there.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::time::Instant;

use crate::model::Core;

type Models = DashMap<Arc<str>, Arc<Core>>;

/// The models of one host.
pub(crate) struct Registry {
    models: Arc<Models>,
    /// Models that were swept out so far.
    swept: AtomicU64,
    /// From which idleness is counted, in milliseconds.
    start: Instant,
}

/// A model's place in the registry: its way out, and whether anybody needs it.
pub(crate) struct Place {
    models: Weak<Models>,
    /// Somebody has asked for it since the last look.
    used: AtomicBool,
    /// A page has been connected to it.
    viewed: AtomicBool,
    /// Since when nobody needs it, in milliseconds; 0 while somebody does.
    idle_since: AtomicU64,
}

/// What a model was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// The one model of a widget folder, which stays.
    Folder,
    /// Opened by an id that many may know.
    Shared,
    /// Made with an id of its own, for one visitor.
    Own,
}

/// How long models stay in memory that nobody views and no handle holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stay {
    /// After the last view and handle.
    pub(crate) idle: Duration,
    /// A model of its own, before the first view.
    pub(crate) orphan: Duration,
    /// Whether shared models leave as well. Without a store they would be lost.
    pub(crate) shared_leave: bool,
}

impl Default for Registry {
    fn default() -> Registry {
        Registry { models: Arc::default(), swept: AtomicU64::new(0), start: Instant::now() }
    }
}

impl Registry {
    /// The living model of this id.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Core>> {
        self.models.get(id).map(|core| used(&core))
    }

    /// The living model of this id, made by `make` if there is none. Two callers at once get the same.
    pub(crate) fn get_or_insert(&self, id: &Arc<str>, make: impl FnOnce(Place) -> Arc<Core>) -> Arc<Core> {
        match self.models.entry(id.clone()) {
            Entry::Occupied(entry) => used(entry.get()),
            Entry::Vacant(entry) => entry.insert(make(Place::new(&self.models))).clone(),
        }
    }

    #[cfg(feature = "watch")]
    pub(crate) fn all(&self) -> Vec<Arc<Core>> {
        self.models.iter().map(|entry| entry.value().clone()).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.models.len()
    }

    /// How many models were swept out until now. While it stays the same, what a store has is not older than it was.
    pub(crate) fn swept(&self) -> u64 {
        self.swept.load(Ordering::Acquire)
    }

    /// Takes out the models whose time is over, and says which of them nobody ever viewed. Costs a look at each
    /// model.
    pub(crate) fn sweep(&self, stay: &Stay) -> Swept {
        let now = self.start.elapsed().as_millis() as u64 + 1;
        let mut swept = Swept::default();
        self.models.retain(|_, core| {
            let stays = core.place.stays(core, stay, now);
            if !stays {
                // Nobody else has it: what is new of it was stored, or it would be on the keeper's list.
                self.swept.fetch_add(1, Ordering::AcqRel);
                match core.life == Life::Own && !core.place.is_viewed() {
                    true => swept.orphans.push(core.clone()),
                    false => swept.idle.push(core.id.clone()),
                }
            }
            stays
        });
        swept
    }
}

/// What a sweep took out.
#[derive(Default)]
pub(crate) struct Swept {
    pub(crate) idle: Vec<Arc<str>>,
    pub(crate) orphans: Vec<Arc<Core>>,
}

fn used(core: &Arc<Core>) -> Arc<Core> {
    core.place.used.store(true, Ordering::Relaxed);
    core.clone()
}

impl Place {
    fn new(models: &Arc<Models>) -> Place {
        Place {
            models: Arc::downgrade(models),
            used: AtomicBool::new(true),
            viewed: AtomicBool::new(false),
            idle_since: AtomicU64::new(0),
        }
    }

    /// A page is connected.
    pub(crate) fn view(&self) {
        self.viewed.store(true, Ordering::Relaxed);
    }

    fn is_viewed(&self) -> bool {
        self.viewed.load(Ordering::Relaxed)
    }

    /// Takes a model out, unless another one has its id by now.
    pub(crate) fn leave(&self, core: &Core) {
        if let Some(models) = self.models.upgrade() {
            models.remove_if(&core.id, |_, current| std::ptr::eq(&**current, core));
        }
    }

    fn stays(&self, core: &Arc<Core>, stay: &Stay, now: u64) -> bool {
        let limit = match core.life {
            Life::Folder => return true,
            Life::Shared if !stay.shared_leave => return true,
            Life::Own if !self.is_viewed() => stay.orphan,
            Life::Shared | Life::Own => stay.idle,
        };
        // Handles, connections and the keeper hold it as well as the registry does.
        if self.used.swap(false, Ordering::Relaxed) || Arc::strong_count(core) > 1 {
            self.idle_since.store(0, Ordering::Relaxed);
            return true;
        }
        let since = match self.idle_since.load(Ordering::Relaxed) {
            0 => now,
            since => since,
        };
        self.idle_since.store(since, Ordering::Relaxed);
        now - since < limit.as_millis() as u64
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant as Clock;

    use super::*;
    use crate::protocol::Payload;
    use crate::session::{Next, Session};
    use crate::{Host, Source, Value, Widget};

    const IDLE: Duration = Duration::from_secs(100);

    async fn host() -> Host {
        let widget = Widget::<Value>::new("thing", Source::inline("export default {}"));
        Host::builder().widget(widget).idle(IDLE).orphan(IDLE / 2).build().await.unwrap()
    }

    /// A page opens the model, takes everything and leaves.
    fn view(core: &Arc<Core>) {
        let now = Clock::now();
        let mut session = Session::new(core.clone(), false, now);
        let hello = r#"{"type":"hello","version":1,"session":"page"}"#;
        session.receive(&Payload::Text(hello.into()), now).unwrap();
        let Next::Send(Payload::Text(hello)) = session.next(now) else { panic!("no hello") };
        assert!(hello.contains(r#""state":{"n":"#), "{hello}");
    }

    /// Resident memory of this process, in bytes.
    #[cfg(target_os = "linux")]
    fn resident() -> usize {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4_096
    }

    #[cfg(target_os = "linux")]
    #[tokio::test(start_paused = true)]
    async fn a_million_models_created_viewed_and_dropped_leave_memory_where_it_was() {
        const ALL: usize = 1_000_000;
        const AT_ONCE: usize = 20_000;
        let host = host().await;
        let mut before = 0;
        for round in 0..ALL / AT_ONCE {
            for n in 0..AT_ONCE {
                let mut state = Value::object();
                state["n"] = (n as u64).into();
                let model = host.create(state).await.unwrap();
                view(&model.core);
            }
            assert_eq!(host.models(), AT_ONCE);
            tokio::time::sleep(2 * IDLE).await; // the clock jumps
            assert_eq!(host.models(), 0);
            if round == 4 {
                before = resident();
            }
        }
        let after = resident();
        println!("resident after {} models: {before} bytes, after {ALL}: {after}", 5 * AT_ONCE);
        // Half a pointer left of each of the other 900,000 would be more.
        assert!(after < before + (4 << 20), "{before} bytes before, {after} after");
    }

    #[tokio::test(start_paused = true)]
    async fn a_model_that_nobody_views_waits_as_an_orphan_and_one_that_was_viewed_as_idle() {
        let host = host().await;
        let orphan = host.create(Value::object()).await.unwrap().id().to_owned();
        let viewed = {
            let mut state = Value::object();
            state["n"] = 1.into();
            let model = host.create(state).await.unwrap();
            view(&model.core);
            model.id().to_owned()
        };
        tokio::time::sleep(IDLE * 9 / 10).await;
        assert!(host.view(&orphan).is_none(), "the orphan is still there");
        assert!(host.view(&viewed).is_some(), "the viewed one is gone too early");
        tokio::time::sleep(IDLE * 2).await;
        assert!(host.view(&viewed).is_none(), "the idle one is still there");
    }

    #[tokio::test(start_paused = true)]
    async fn a_handle_a_page_and_every_use_keep_a_model() {
        let host = host().await;
        let mut state = Value::object();
        state["n"] = 1.into();
        let model = host.create(state).await.unwrap();
        view(&model.core);
        let session = Session::new(model.core.clone(), false, Clock::now());
        let id = model.id().to_owned();
        tokio::time::sleep(IDLE * 3).await;
        drop(model);
        tokio::time::sleep(IDLE * 3).await;
        assert_eq!(host.models(), 1, "the page is still there");
        drop(session);
        for _ in 0..6 {
            tokio::time::sleep(IDLE / 2).await;
            assert!(host.view(&id).is_some(), "it is in use");
        }
        tokio::time::sleep(IDLE * 3).await;
        assert_eq!(host.models(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_store_opened_models_stay_unless_idle_is_set() {
        let widget = || Widget::<Value>::new("thing", Source::inline("export default {}"));
        let stays = Host::builder().widget(widget()).build().await.unwrap();
        let leaves = Host::builder().widget(widget()).idle(IDLE).build().await.unwrap();
        for host in [&stays, &leaves] {
            drop(host.open("shared", Value::object).await.unwrap());
            drop(host.create(Value::object()).await.unwrap());
            assert_eq!(host.models(), 2);
        }
        tokio::time::sleep(Duration::from_secs(3 * 3_600)).await;
        assert_eq!((stays.models(), leaves.models()), (1, 0));
    }
}
