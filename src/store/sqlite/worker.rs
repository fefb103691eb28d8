//! The thread that has the file: it does what the handle asks, in that order.

use std::path::Path;
use std::slice;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use tokio::sync::oneshot;

use super::file::File;
use super::problem::Problem;
use crate::error::Result;
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
    let said = |problem: Problem| problem.said(path);
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::store::{Durability, StoredSlot};
    use crate::value::Blob;

    fn file() -> (tempfile::TempDir, File) {
        let folder = tempfile::tempdir().unwrap();
        let file = File::open(&folder.path().join("models.db"), Durability::Stored).unwrap();
        (folder, file)
    }

    /// New models, each with a value of so many bytes.
    fn commit<const N: usize>(models: [(&str, usize); N]) -> Work {
        Work::Commit(
            models
                .map(|(id, len)| {
                    let mut batch = Batch::new(id, "counter", "epoch");
                    let value = Some(Blob::from(vec![1; len]).into());
                    batch.slots = vec![StoredSlot { key: "k".into(), rev: 1, value }];
                    batch
                })
                .into(),
        )
    }

    fn group<const N: usize>(file: &mut File, works: [Work; N]) -> [Result<(), String>; N] {
        let works = works.each_ref();
        let results = write(file, &works);
        let said = results.into_iter().map(|result| result.map_err(|problem| problem.to_string()));
        said.collect::<Vec<_>>().try_into().unwrap()
    }

    fn kept<const N: usize>(file: &File, ids: [&str; N]) -> [bool; N] {
        ids.map(|id| file.load(id).unwrap().is_some())
    }

    #[test]
    fn a_commit_that_fails_takes_none_of_its_group_with_it() {
        let (_folder, mut file) = file();
        let works =
            [commit([("a", 1)]), commit([("b", 1), ("a", 1)]), commit([("b", 1)]), Work::Touch(vec!["a".into()])];
        let [a, again, b, touch] = group(&mut file, works);
        assert_eq!((a, b, touch), (Ok(()), Ok(()), Ok(())));
        assert!(again.unwrap_err().contains("somebody else writes this model"));
        assert_eq!(kept(&file, ["a", "b"]), [true, true]);
    }

    #[test]
    fn what_waits_together_is_one_transaction() {
        let (folder, file) = file();
        // Whether `m` is there is looked at when the transaction ends, so it cannot go without coming back in it.
        let sql = "CREATE TABLE late (model REFERENCES models (id) DEFERRABLE INITIALLY DEFERRED);
                   INSERT INTO models SELECT 100, 'm', '', '', 0, 0, 0, 0, 0; INSERT INTO late VALUES ('m')";
        file.connection().execute_batch(sql).unwrap();
        let mut end = Batch::new("m", "counter", "epoch");
        (end.expected, end.ended) = (Some(0), true);
        let (jobs, queue) = mpsc::channel();
        let answers = [Work::Commit([end].into()), commit([("m", 1)])].map(|work| {
            let (answer, answered) = oneshot::channel();
            jobs.send(Job::Write { work, answer }).unwrap();
            answered
        });
        drop(jobs);
        run(folder.path(), file, &queue);
        for mut answer in answers {
            answer.try_recv().unwrap().unwrap();
        }
    }

    #[test]
    fn each_is_tried_alone_when_one_ends_the_transaction_of_all() {
        let (_folder, mut file) = file();
        let sql = "CREATE TRIGGER bad BEFORE INSERT ON models WHEN new.id = 'bad'
                   BEGIN SELECT raise(ROLLBACK, 'no more'); END";
        file.connection().execute_batch(sql).unwrap();
        let works = [commit([("a", 1)]), commit([("b", 1), ("bad", 1)]), commit([("c", 1)])];
        let [a, bad, c] = group(&mut file, works);
        assert_eq!((a, c), (Ok(()), Ok(())));
        assert!(bad.unwrap_err().contains("no more"));
        assert_eq!(kept(&file, ["a", "b", "c"]), [true, false, true]);
    }

    #[test]
    fn a_full_disk_refuses_what_has_no_room_and_nothing_else() {
        let (_folder, mut file) = file();
        let pages: i64 = file.connection().pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        file.connection().pragma_update(None, "max_page_count", pages + 20).unwrap();
        let works = [commit([("small", 10)]), commit([("other", 10), ("large", 1 << 20)]), commit([("last", 10)])];
        let [small, large, last] = group(&mut file, works);
        assert_eq!((small, last), (Ok(()), Ok(())));
        assert!(large.unwrap_err().starts_with("has no room to grow, the disk is full"));
        assert_eq!(kept(&file, ["small", "other", "large", "last"]), [true, false, false, true]);

        file.connection().pragma_update(None, "max_page_count", i64::from(i32::MAX)).unwrap();
        assert_eq!(group(&mut file, [commit([("other", 10), ("large", 1 << 20)])]), [Ok(())]);
    }
}
