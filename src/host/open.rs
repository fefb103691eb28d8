//! How a model comes into memory, from the store or new, and how it leaves.

use std::sync::Arc;

use super::Host;
use crate::error::{Error, Result};
use crate::model::{AnyState, Beginning, Core, Past};
use crate::registry::{Life, Place, Stay};
use crate::state::State;
use crate::store::{News, Stored};
use crate::widget::{Registered, Restored};

impl Host {
    /// The model of this id, in memory or in the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn find(&self, id: &str) -> Result<Option<Arc<Core>>> {
        let registry = &self.0.registry;
        loop {
            if let Some(core) = registry.get(id) {
                return Ok(Some(core));
            }
            let swept = registry.swept();
            let Some(stored) = self.load(id).await? else { return Ok(registry.get(id)) };
            let Some(widget) = self.widget(&stored.widget) else {
                tracing::warn!(
                    "the store has the model {id:?} of {:?}, which is no widget of this host",
                    stored.widget
                );
                return Ok(None);
            };
            let Some(initial) = widget.behaviour.initial() else {
                tracing::warn!(
                    "the store has the model {id:?} of {:?}, which no page can open before the program does: its type \
                     has no Default; give its widget an `initial`",
                    stored.widget
                );
                return Ok(None);
            };
            let restored = restore(id, &widget, &initial, stored);
            // What was loaded is the newest unless the model came and went meanwhile.
            if registry.swept() == swept {
                let news = self.news(id, restored.1.as_ref());
                let make = |place| self.begin(id.into(), widget, place, restored, news, Life::Shared);
                return Ok(Some(registry.get_or_insert(&id.into(), make)));
            }
        }
    }

    /// The model of this id and this widget: in memory, in the store, or new.
    ///
    /// # Errors
    /// When it is a model of another widget, or the store cannot be read.
    pub(super) async fn open_as<W: State>(
        &self,
        id: &Arc<str>,
        widget: &Arc<Registered>,
        initial: impl FnOnce() -> W,
        life: Life,
    ) -> Result<Arc<Core>> {
        let registry = &self.0.registry;
        let mut initial = Some(initial);
        let mut state: Option<AnyState> = None;
        let core = loop {
            if let Some(core) = registry.get(id) {
                break core;
            }
            let swept = registry.swept();
            let stored = self.load(id).await?;
            if let Some(stored) = &stored
                && stored.widget != widget.name
            {
                return Err(taken(id, &stored.widget, &widget.name));
            }
            // The state is user code, so it is made before the registry is locked.
            if let Some(initial) = initial.take() {
                state = Some(Arc::new(initial()));
            }
            let Some(state) = &state else { continue };
            let beginning = match stored {
                Some(stored) => restore(id, widget, state, stored),
                None => (state.clone(), None),
            };
            if registry.swept() == swept {
                let news = self.news(id, beginning.1.as_ref());
                let make = |place| self.begin(id.clone(), widget.clone(), place, beginning, news, life);
                break registry.get_or_insert(id, make);
            }
        };
        match Arc::ptr_eq(&core.widget, widget) {
            true => Ok(core),
            false => Err(taken(id, &core.widget.name, &widget.name)),
        }
    }

    /// A new model.
    pub(super) fn make(
        &self,
        id: Arc<str>,
        widget: Arc<Registered>,
        place: Place,
        state: AnyState,
        news: Option<News>,
        life: Life,
    ) -> Arc<Core> {
        self.begin(id, widget, place, (state, None), news, life)
    }

    /// What others write of a model from now on. The store is asked before the registry is locked.
    pub(super) fn news(&self, id: &str, past: Option<&Past>) -> Option<News> {
        self.0.keeper.as_ref()?.store().follow(id, past.map(|past| past.rev))
    }

    fn begin(
        &self,
        id: Arc<str>,
        widget: Arc<Registered>,
        place: Place,
        (state, past): (AnyState, Option<Past>),
        news: Option<News>,
        life: Life,
    ) -> Arc<Core> {
        let beginning = Beginning { state, past, keeper: self.0.keeper.clone(), news, life };
        Core::new(id, widget, self.0.limits.clone(), place, beginning)
    }

    async fn load(&self, id: &str) -> Result<Option<Stored>> {
        match &self.0.keeper {
            Some(keeper) => keeper.load(id).await,
            None => Ok(None),
        }
    }

    /// Lets models go whose time is over.
    pub(super) async fn sweep(&self, stay: &Stay) {
        let swept = self.0.registry.sweep(stay);
        for orphan in swept.orphans {
            orphan.end("nobody has viewed it");
        }
        if let Some(keeper) = &self.0.keeper
            && !swept.idle.is_empty()
            && let Err(error) = keeper.touch(swept.idle).await
        {
            tracing::warn!("the store does not note when models were used last: {error}");
        }
    }
}

/// A kept state, put into one of the present type. What does not fit is told, by key, and kept aside.
fn restore(id: &str, widget: &Registered, initial: &AnyState, stored: Stored) -> (AnyState, Option<Past>) {
    let Stored { epoch, rev, messages, clients, slots, sessions, .. } = stored;
    let Restored { state, written, aside } = widget.behaviour.restore(initial, slots, widget.open);
    for (key, error) in &aside {
        match error {
            Some(error) => tracing::error!(
                "the value that the store has for {key:?} of the model {id:?} is not of its type any more ({error}): \
                 the model starts without it, and the store keeps it aside"
            ),
            None => tracing::warn!(
                "the store has a value for {key:?} of the model {id:?}, which {} has no more: kept aside",
                widget.name
            ),
        }
    }
    let aside = aside.into_iter().map(|(key, _)| key).collect();
    (state, Some(Past { epoch, rev, written, aside, messages, clients, sessions }))
}

fn taken(id: &str, theirs: &str, ours: &str) -> Error {
    Error::duplicate(format!("the id {id:?} belongs to a model of {theirs:?}, not of {ours:?}"))
}
