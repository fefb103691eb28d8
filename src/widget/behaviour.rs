//! The rules of a widget with the Rust type of its state forgotten, so that models of every type live
//! in one registry and speak through one kind of connection.

use std::any::TypeId;
use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use super::{Answer, Rules};
use crate::error::Refusal;
use crate::model::{AnyState, Change, Core, CoreChange, Message, Model};
use crate::state::{Key, KeyName, State};
use crate::store::StoredSlot;
use crate::value::{Blob, Map, Value, ValueError};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;

/// What a model's core asks of its widget. Every state given to it is of the widget's type.
pub(crate) trait Behaviour: Send + Sync {
    fn keys(&self, state: &AnyState) -> Vec<Key>;

    /// The value of a key; `null`, with an error in the log, when the field cannot be written.
    fn read(&self, state: &AnyState, key: &str) -> Value;

    /// A state to begin with, where the widget has one.
    fn initial(&self) -> Option<AnyState>;

    /// A state with kept values put in. With `open`, keys that it does not have come into being.
    fn restore(&self, initial: &AnyState, slots: Vec<StoredSlot>, open: bool) -> Restored;

    /// A state with values put in that another host has written, and keys taken away.
    fn absorb(&self, before: &AnyState, slots: &[StoredSlot], open: bool) -> Absorbed;

    /// The value that a text of a form stands for in this key.
    ///
    /// # Errors
    /// When it cannot be of the kind that is there, where no Rust type decides.
    fn read_text(&self, state: &AnyState, key: &str, text: Value) -> Result<Value, String>;

    /// The state after a page's writes, or why each of them is refused. Pure but for user code.
    fn apply(&self, before: &AnyState, writes: &Map) -> Result<Next, Map>;

    /// Whether anybody wants to know of commits.
    fn listens(&self) -> bool;

    fn changed(&self, core: &Arc<Core>, change: &CoreChange);

    fn message(&self, core: &Arc<Core>, message: &Message);

    /// The answer to a command, if there is one of this name.
    fn invoke(
        &self,
        core: &Arc<Core>,
        name: &str,
        request: Request,
        buffers: Vec<Blob>,
    ) -> Option<BoxFuture<'static, Answer>>;
}

/// What a command is asked with.
pub(crate) enum Request {
    Value(Value),
    /// The fields of a form: texts that become what the command's type asks for.
    Form(Value),
}

impl Request {
    pub(crate) fn decode<Q: DeserializeOwned>(self) -> Result<Q, ValueError> {
        match self {
            Request::Value(value) => value.decode(),
            Request::Form(fields) => fields.decode_form(),
        }
    }
}

/// A state that was kept.
pub(crate) struct Restored {
    pub(crate) state: AnyState,
    /// The rev of each key that was put in, or had been taken away.
    pub(crate) written: HashMap<KeyName, u64>,
    /// The keys whose values do not fit, with the reason; none for a key that is not there any more.
    pub(crate) aside: Vec<(KeyName, Option<ValueError>)>,
}

/// A state with what another host wrote.
pub(crate) struct Absorbed {
    pub(crate) state: AnyState,
    /// As in [`Restored`].
    pub(crate) aside: Vec<(KeyName, Option<ValueError>)>,
}

/// A state that may become the next commit.
pub(crate) struct Next {
    pub(crate) state: AnyState,
    /// The keys that differ from the state before.
    pub(crate) keys: Vec<KeyName>,
    /// The keys whose values are not what the page sent, or that it did not send at all.
    pub(crate) altered: Vec<KeyName>,
}

impl Next {
    pub(crate) fn unchanged(state: AnyState) -> Next {
        Next { state, keys: Vec::new(), altered: Vec::new() }
    }
}

fn typed<W: State>(state: &AnyState) -> &W {
    match state.downcast_ref() {
        Some(state) => state,
        // The registry pairs each model with the widget that made its state.
        None => unreachable!("a state of another widget"),
    }
}

fn read<W: State>(state: &W, key: &str) -> Value {
    state.read(key).unwrap_or_else(|error| {
        tracing::error!(key, %error, "a field cannot be sent; pages see null");
        Value::Null
    })
}

impl<W: State> Behaviour for Rules<W> {
    fn keys(&self, state: &AnyState) -> Vec<Key> {
        typed::<W>(state).keys()
    }

    fn read(&self, state: &AnyState, key: &str) -> Value {
        read(typed::<W>(state), key)
    }

    fn initial(&self) -> Option<AnyState> {
        self.initial.as_ref().map(|initial| Arc::new(initial()) as AnyState)
    }

    fn restore(&self, initial: &AnyState, slots: Vec<StoredSlot>, open: bool) -> Restored {
        let mut state = typed::<W>(initial).clone();
        let known: HashSet<KeyName> = state.keys().into_iter().map(|key| key.name).collect();
        let (mut written, mut aside) = (HashMap::new(), Vec::new());
        for StoredSlot { key, rev, value } in slots {
            let Some(value) = value else {
                if !known.contains(&key) {
                    written.insert(key, rev);
                }
                continue;
            };
            if !open && !known.contains(&key) {
                aside.push((key, None));
                continue;
            }
            match state.write(&key, value) {
                Ok(()) => drop(written.insert(key, rev)),
                Err(error) => aside.push((key, Some(error))),
            }
        }
        Restored { state: Arc::new(state), written, aside }
    }

    fn absorb(&self, before: &AnyState, slots: &[StoredSlot], open: bool) -> Absorbed {
        let mut state = typed::<W>(before).clone();
        let known: HashSet<KeyName> = state.keys().into_iter().map(|key| key.name).collect();
        let mut aside = Vec::new();
        for StoredSlot { key, value, .. } in slots {
            match value {
                None => state.remove(key),
                Some(_) if !open && !known.contains(key) => aside.push((key.clone(), None)),
                Some(value) => {
                    if let Err(error) = state.write(key, value.clone()) {
                        aside.push((key.clone(), Some(error)));
                    }
                }
            }
        }
        Absorbed { state: Arc::new(state), aside }
    }

    fn read_text(&self, state: &AnyState, key: &str, text: Value) -> Result<Value, String> {
        let state = typed::<W>(state);
        let present = read(state, key);
        let readings = text.readings(&present);
        if TypeId::of::<W>() == TypeId::of::<Value>() {
            let fits = readings.into_iter().find(|value| value.is_like(&present));
            return fits.ok_or_else(|| format!("expected {}", present.kind()));
        }
        let likeliest = readings[0].clone();
        let fits = |value: &Value| state.clone().write(key, value.clone()).is_ok();
        Ok(readings.into_iter().find(fits).unwrap_or(likeliest))
    }

    fn apply(&self, before: &AnyState, writes: &Map) -> Result<Next, Map> {
        let old = typed::<W>(before);
        let mut new = old.clone();
        let mut reasons = Map::new();
        for (key, value) in writes {
            if let Err(error) = new.write(key, value.clone()) {
                reasons.insert(key.clone(), error.to_string().into());
            }
        }
        if reasons.is_empty()
            && let Some(validate) = &self.validate
            && let changed = new.changes(old)
            && !changed.is_empty()
            && let Err(refusal) = caught("validate", || validate(&mut new, &changed))
        {
            let refused = changed.iter().filter(|key| writes.contains_key(&***key));
            reasons.extend(refused.map(|key| (key.to_string(), refusal.to_string().into())));
        }
        if !reasons.is_empty() {
            let because = reasons.keys().cloned().collect::<Vec<_>>().join(", ");
            for key in writes.keys().filter(|key| !reasons.contains_key(*key)).cloned().collect::<Vec<_>>() {
                reasons.insert(key, format!("not applied, because {because} was refused").into());
            }
            return Err(reasons);
        }
        let keys = new.changes(old);
        let sent = writes.iter().filter(|(key, value)| read(&new, key) != **value);
        let mut altered: Vec<KeyName> = sent.map(|(key, _)| key.clone().into()).collect();
        altered.extend(keys.iter().filter(|key| !writes.contains_key(&***key)).cloned());
        Ok(Next { state: Arc::new(new), keys, altered })
    }

    fn listens(&self) -> bool {
        !self.on_change.is_empty()
    }

    fn changed(&self, core: &Arc<Core>, change: &CoreChange) {
        let model = Model::new(core.clone());
        let change = Change::of(change);
        for listener in &self.on_change {
            listener(&model, &change);
        }
    }

    fn message(&self, core: &Arc<Core>, message: &Message) {
        let model = Model::new(core.clone());
        for listener in &self.on_message {
            let told = caught("on_message", || {
                listener(&model, message);
                Ok(())
            });
            drop(told); // a panic was logged there, and nobody waits for an answer
        }
    }

    fn invoke(
        &self,
        core: &Arc<Core>,
        name: &str,
        request: Request,
        buffers: Vec<Blob>,
    ) -> Option<BoxFuture<'static, Answer>> {
        let command = self.commands.get(name)?;
        Some(command(Model::new(core.clone()), request, buffers))
    }
}

/// Runs user code for a page. A panic in it is logged and refused: it must not cost the page its
/// connection, after which it would only send the same again.
fn caught<T>(what: &str, run: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    std::panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        tracing::error!("{what} panicked");
        Err(Refusal::new(format!("{what} failed on the host")).with_kind("Panic"))
    })
}

/// Runs a command. One that panics is answered, too: nobody should wait for it.
pub(crate) async fn invoke(core: &Arc<Core>, name: &str, request: Request, buffers: Vec<Blob>) -> Answer {
    match core.widget.behaviour.invoke(core, name, request, buffers) {
        Some(answer) => AssertUnwindSafe(answer).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!(model = %core.id, command = name, "a command panicked");
            Err(Refusal::new(format!("the command {name:?} failed")).with_kind("Panic"))
        }),
        None => {
            let widget = &core.widget.name;
            Err(Refusal::new(format!("{widget} has no command {name:?}")).with_kind("UnknownCommand"))
        }
    }
}
