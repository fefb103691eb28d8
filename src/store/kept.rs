//! What a batch does to a model, and what of a model is above a rev: a store in two functions.

use std::collections::HashSet;

use super::{Batch, Stored, StoredSession, StoredSlot};

impl Stored {
    /// A model of this widget with nothing in it, for a [`Store`](super::Store) to fill.
    pub fn new(widget: impl Into<String>) -> Stored {
        Stored {
            widget: widget.into(),
            epoch: None,
            rev: 0,
            messages: 0,
            clients: 0,
            slots: Vec::new(),
            sessions: Vec::new(),
        }
    }

    /// What is kept of a model when this batch is written: what every [`Store`](super::Store) has to do, each in its
    /// way. Whether the batch expects what is kept is for the store to see.
    ///
    /// A key keeps its place. A session whose frame is not above the one that is kept keeps that: several hosts may
    /// tell of it, and the news of one of them may be old. With another epoch, sessions and taken away keys go.
    /// Costs a look at each key and session that is kept.
    pub fn apply(kept: &mut Option<Stored>, batch: &Batch) {
        if batch.ended {
            *kept = None;
            return;
        }
        let stored = kept.get_or_insert_with(|| Stored::new(&batch.widget));
        if stored.epoch.as_deref() != Some(&*batch.epoch) {
            stored.sessions.clear();
            stored.slots.retain(|slot| slot.value.is_some());
        }
        stored.widget.clone_from(&batch.widget);
        stored.epoch = Some(batch.epoch.to_string());
        (stored.rev, stored.messages, stored.clients) = (batch.rev, batch.messages, batch.clients);
        let aside: HashSet<&str> = batch.aside.iter().map(|key| &**key).collect();
        stored.slots.retain(|slot| !aside.contains(&*slot.key));
        for slot in &batch.slots {
            match stored.slots.iter_mut().find(|kept| kept.key == slot.key) {
                Some(kept) => kept.clone_from(slot),
                None => stored.slots.push(slot.clone()),
            }
        }
        let forgotten: HashSet<&str> = batch.forgotten.iter().map(String::as_str).collect();
        stored.sessions.retain(|session| !forgotten.contains(&*session.secret));
        for session in &batch.sessions {
            match stored.sessions.iter_mut().find(|kept| kept.secret == session.secret) {
                Some(kept) => kept.go_on(session, batch.answers_kept),
                None => stored.sessions.push(session.clone()),
            }
        }
    }

    /// This model with nothing but the slots above a rev; with all of them where that is none or of the future, as
    /// it is when the model was made anew. Sessions have no rev, so all are there.
    ///
    /// ```
    /// use anywidget_host::store::{Stored, StoredSlot};
    ///
    /// let mut stored = Stored::new("counter");
    /// stored.rev = 2;
    /// stored.slots = vec![
    ///     StoredSlot { key: "name".into(), rev: 1, value: Some("up".into()) },
    ///     StoredSlot { key: "count".into(), rev: 2, value: Some(3.into()) },
    /// ];
    /// assert_eq!(stored.above(Some(1)).slots, stored.slots[1..]);
    /// assert_eq!(stored.above(None), stored);
    /// ```
    pub fn above(&self, rev: Option<u64>) -> Stored {
        let rev = rev.filter(|rev| *rev <= self.rev);
        let newer = |slot: &&StoredSlot| rev.is_none_or(|rev| slot.rev > rev);
        Stored {
            widget: self.widget.clone(),
            epoch: self.epoch.clone(),
            slots: self.slots.iter().filter(newer).cloned().collect(),
            sessions: self.sessions.clone(),
            ..*self
        }
    }
}

impl StoredSession {
    /// Takes in what is newer of it.
    fn go_on(&mut self, newer: &StoredSession, answers_kept: usize) {
        self.seen = self.seen.max(newer.seen);
        if newer.seq <= self.seq {
            return;
        }
        self.client = newer.client;
        let had = self.seq;
        self.seq = newer.seq;
        self.answers.extend(newer.answers.iter().filter(|(seq, _)| had.is_none_or(|had| *seq > had)).cloned());
        self.answers.drain(..self.answers.len().saturating_sub(answers_kept));
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use bytes::Bytes;

    use super::*;

    fn session(seq: u64, answers: &[u64], seen: u64) -> StoredSession {
        StoredSession {
            secret: "page".into(),
            client: 1,
            seq: Some(seq),
            seen: SystemTime::UNIX_EPOCH + Duration::from_secs(seen),
            answers: answers.iter().map(|seq| (*seq, Bytes::new())).collect(),
        }
    }

    fn kept_after(first: StoredSession, second: StoredSession) -> StoredSession {
        let mut kept = None;
        for session in [first, second] {
            let mut batch = Batch::new("m", "counter", "epoch");
            batch.sessions = vec![session];
            Stored::apply(&mut kept, &batch);
        }
        kept.unwrap().sessions.remove(0)
    }

    #[test]
    fn old_news_of_a_session_take_nothing_back() {
        assert_eq!(kept_after(session(7, &[6, 7], 10), session(5, &[5], 20)), session(7, &[6, 7], 20));
        assert_eq!(kept_after(session(5, &[4, 5], 20), session(7, &[5, 6, 7], 10)), session(7, &[4, 5, 6, 7], 20));
    }

    #[test]
    fn another_epoch_ends_what_belongs_to_the_old_one() {
        let slot = |key: &'static str, value: Option<i64>| StoredSlot {
            key: key.into(),
            rev: 0,
            value: value.map(Into::into),
        };
        let mut kept = None;
        let mut batch = Batch::new("m", "counter", "first");
        batch.sessions = vec![session(1, &[1], 0)];
        batch.slots = vec![slot("a", Some(1)), slot("gone", None)];
        Stored::apply(&mut kept, &batch);
        Stored::apply(&mut kept, &Batch::new("m", "counter", "second"));
        let kept = kept.unwrap();
        assert_eq!(
            (kept.epoch.as_deref(), kept.slots, kept.sessions),
            (Some("second"), vec![slot("a", Some(1))], vec![])
        );
    }
}
