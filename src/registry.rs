//! Models by id. The only file that knows how they are kept in memory, and the place where a store
//! will be asked for a model that is not.

use std::sync::{Arc, Weak};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::model::Core;

type Models = DashMap<Arc<str>, Arc<Core>>;

/// The models of one host.
#[derive(Default)]
pub(crate) struct Registry {
    models: Arc<Models>,
}

/// A model's way out of the registry it is in.
pub(crate) struct Place(Weak<Models>);

impl Registry {
    /// The living model of this id.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Core>> {
        self.models.get(id).map(|core| core.clone())
    }

    /// The living model of this id, made by `make` if there is none. Two callers at once get the same.
    pub(crate) fn get_or_insert(&self, id: &Arc<str>, make: impl FnOnce(Place) -> Arc<Core>) -> Arc<Core> {
        match self.models.entry(id.clone()) {
            Entry::Occupied(entry) => entry.get().clone(),
            Entry::Vacant(entry) => entry.insert(make(Place(Arc::downgrade(&self.models)))).clone(),
        }
    }

    #[cfg(feature = "watch")]
    pub(crate) fn all(&self) -> Vec<Arc<Core>> {
        self.models.iter().map(|entry| entry.value().clone()).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.models.len()
    }
}

impl Place {
    /// Takes a model out, unless another one has its id by now.
    pub(crate) fn leave(&self, core: &Core) {
        if let Some(models) = self.0.upgrade() {
            models.remove_if(&core.id, |_, current| std::ptr::eq(&**current, core));
        }
    }
}
