//! Models by id. The only file that knows how they are kept in memory, and the place where a store
//! will be asked for a model that is not.

use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::model::Core;

/// The models of one host.
#[derive(Default)]
pub(crate) struct Registry {
    models: DashMap<Arc<str>, Arc<Core>>,
}

impl Registry {
    /// The living model of this id.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Core>> {
        let core = self.models.get(id)?.clone();
        if core.ended() {
            self.models.remove_if(id, |_, current| Arc::ptr_eq(current, &core));
            return None;
        }
        Some(core)
    }

    /// The living model of this id, made by `make` if there is none. Two callers at once get the same.
    pub(crate) fn get_or_insert(&self, id: &Arc<str>, make: impl FnOnce() -> Arc<Core>) -> Arc<Core> {
        match self.models.entry(id.clone()) {
            Entry::Occupied(entry) if !entry.get().ended() => entry.get().clone(),
            Entry::Occupied(mut entry) => {
                let core = make();
                entry.insert(core.clone());
                core
            }
            Entry::Vacant(entry) => entry.insert(make()).clone(),
        }
    }

    pub(crate) fn all(&self) -> Vec<Arc<Core>> {
        self.models.iter().map(|entry| entry.value().clone()).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.models.len()
    }
}
