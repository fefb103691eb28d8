//! The thread that has the file: it does what the handle asks, in that order.

use std::path::Path;
use std::slice;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use tokio::sync::oneshot;

use super::file::File;
use super::problem::Problem;
use crate::error::{Error, Result};
use crate::store::{Batch, Stored};

/// How many writes that wait are done in one transaction.
const GROUP: usize = 256;

pub(super) type Answer<T> = oneshot::Sender<Result<T>>;

/// What the handle asks.
pub(super) enum Job {
    Load { id: String, answer: Answer<Option<Stored>> },
    Write { work: Work, answer: Answer<()> },
    Close { answer: Answer<()> },
}

/// What is done as a whole or not at all.
pub(super) enum Work {
    Commit(Arc<[Batch]>),
    Touch(Vec<Arc<str>>),
}

/// Works until the file is closed or the handle is gone.
pub(super) fn run(path: &Path, mut file: File, jobs: &Receiver<Job>) {
    let said = |problem: Problem| Error::store(path.display(), problem);
    let mut next = None;
    while let Some(job) = next.take().or_else(|| jobs.recv().ok()) {
        // Whoever asked may be gone by now; then nobody gets the answer.
        match job {
            Job::Load { id, answer } => {
                if !answer.is_closed() {
                    let _ = answer.send(file.load(&id).map_err(said));
                }
            }
            Job::Write { work, answer } => {
                let mut group = vec![(work, answer)];
                while next.is_none() && group.len() < GROUP {
                    match jobs.try_recv() {
                        Ok(Job::Write { work, answer }) => group.push((work, answer)),
                        Ok(other) => next = Some(other),
                        Err(_) => break,
                    }
                }
                let works: Vec<&Work> = group.iter().map(|(work, _)| work).collect();
                let results = write(&mut file, &works);
                for ((_, answer), result) in group.into_iter().zip(results) {
                    let _ = answer.send(result.map_err(said));
                }
            }
            Job::Close { answer } => match file.mark_closed() {
                Ok(()) => {
                    drop(file); // another process may have it as soon as this is answered
                    let _ = answer.send(Ok(()));
                    return;
                }
                Err(problem) => {
                    let _ = answer.send(Err(said(problem)));
                }
            },
        }
    }
}

/// Does these in one transaction. If that fails as a whole, each has a transaction of its own, so that only
/// those fail that have to.
fn write(file: &mut File, works: &[&Work]) -> Vec<Result<(), Problem>> {
    match file.write(works) {
        Ok(results) => results,
        Err(problem) if works.len() == 1 => vec![Err(problem)],
        Err(_) => works.iter().flat_map(|work| write(file, slice::from_ref(work))).collect(),
    }
}
