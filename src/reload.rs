//! Follows widget files on disk and swaps in what changed.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use crate::widget::{Files, Folder, Registered};

/// A thread that waits for the file system, reads a widget again when its files have settled, and says
/// so when pages have to load something else. It ends with its host.
pub(crate) struct Reload {
    events: Sender<Event>,
}

enum Event {
    Follow(Weak<Registered>),
    /// Something happened at these paths.
    Touched(Vec<PathBuf>),
    End,
}

/// How long files must be quiet before they are read: an editor writes in several steps.
const SETTLE: Duration = Duration::from_millis(30);

/// Files that never are quiet are read after this long all the same.
const SETTLE_AT_MOST: Duration = Duration::from_millis(500);

/// A module that stays empty for this long is meant to be.
const EMPTY_AT_MOST: Duration = Duration::from_secs(1);

/// How often a folder that disappeared is looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

impl Reload {
    /// Starts following. `changed` is told of each widget whose code is another.
    pub(crate) fn new(changed: impl Fn(&Arc<Registered>) + Send + 'static) -> Reload {
        let (events, received) = mpsc::channel();
        let touched = events.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if let Ok(event) = event
                && !event.kind.is_access()
            {
                let _ = touched.send(Event::Touched(event.paths)); // the thread may have ended
            }
        });
        match watcher {
            Ok(watcher) => {
                let following = Following { watcher, widgets: Vec::new(), missing: false, unwritten: None };
                thread::spawn(move || following.run(&received, changed));
            }
            Err(error) => tracing::error!(%error, "edits of widgets will not be noticed"),
        }
        Reload { events }
    }

    /// Follows the files of this widget, if it has any on disk.
    pub(crate) fn follow(&self, widget: &Arc<Registered>) {
        if place(&widget.files).is_some() {
            let _ = self.events.send(Event::Follow(Arc::downgrade(widget))); // the thread may have ended
        }
    }
}

impl Drop for Reload {
    fn drop(&mut self) {
        let _ = self.events.send(Event::End); // the thread may have ended
    }
}

/// Where the files of a widget are: a folder, or some files in one.
fn place(files: &Files) -> Option<(&Path, RecursiveMode)> {
    match files {
        Files::Folder(root) => Some((root, RecursiveMode::Recursive)),
        Files::Bare(script) => Some((folder_of(script), RecursiveMode::NonRecursive)),
        Files::Inline { .. } | Files::Embedded(_) => None,
    }
}

/// The folder that a path is in; `.` for a lone name.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

struct Following {
    watcher: RecommendedWatcher,
    widgets: Vec<Weak<Registered>>,
    /// Some widget's folder is not there, so nothing will tell when it comes back.
    missing: bool,
    /// Since when some widget's module is empty, until that is believed.
    unwritten: Option<Instant>,
}

impl Following {
    fn run(mut self, events: &Receiver<Event>, changed: impl Fn(&Arc<Registered>)) {
        loop {
            let first = match self.missing || self.unwritten.is_some() {
                true => events.recv_timeout(LOOK_AGAIN),
                false => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let unwritten = self.unwritten.take();
            let looking = std::mem::take(&mut self.missing) || unwritten.is_some();
            let (mut touched, mut new) = (Vec::new(), Vec::new());
            let began = Instant::now();
            let mut next = first;
            loop {
                match next {
                    Ok(Event::Touched(paths)) => touched.extend(paths),
                    Ok(Event::Follow(widget)) => new.extend(widget.upgrade()),
                    Ok(Event::End) | Err(RecvTimeoutError::Disconnected) => return,
                    // Emptied and not yet written: the editor has not come to it yet.
                    Err(RecvTimeoutError::Timeout) if touched.iter().any(|path| is_empty(path)) => {}
                    Err(RecvTimeoutError::Timeout) => break,
                }
                if began.elapsed() > SETTLE_AT_MOST {
                    break;
                }
                next = events.recv_timeout(SETTLE);
            }
            let known = self.widgets.iter().filter_map(Weak::upgrade);
            let due = known.filter(|widget| looking || touched.iter().any(|path| concerns(path, &widget.files)));
            // A new widget was read before it could be watched: it may have been edited in between.
            for widget in due.chain(new.iter().cloned()).collect::<Vec<_>>() {
                self.watch(&widget); // first, so that nothing after the reading is missed
                if self.read(&widget, unwritten) {
                    changed(&widget);
                }
            }
            self.widgets.retain(|widget| widget.strong_count() > 0);
            self.widgets.extend(new.iter().map(Arc::downgrade));
        }
    }

    /// Watches a widget's folder, anew if it was replaced by another of the same name, and the folder
    /// around it, where that would show.
    fn watch(&mut self, widget: &Registered) {
        let Some((root, mode)) = place(&widget.files) else { return };
        let _ = self.watcher.unwatch(root); // it may not be watched yet, or be gone
        if self.watcher.watch(root, mode).is_err() {
            self.missing = true;
        }
        if let Some(parent) = root.canonicalize().ok().as_deref().and_then(Path::parent) {
            let _ = self.watcher.watch(parent, RecursiveMode::NonRecursive); // a help, not a need
        }
    }

    /// Reads a widget's files again. Says whether pages have to load something else.
    fn read(&mut self, widget: &Registered, unwritten: Option<Instant>) -> bool {
        match Folder::read(&widget.files, Some(&widget.code().tree)) {
            // An editor may have come between the quiet and the reading.
            Ok(folder) if folder.is_unwritten() && unwritten.is_none_or(|since| since.elapsed() < EMPTY_AT_MOST) => {
                self.unwritten = unwritten.or_else(|| Some(Instant::now()));
                false
            }
            Ok(folder) => {
                let differs = widget.replace(folder);
                if differs {
                    tracing::info!(widget = widget.name, "reloaded");
                }
                differs
            }
            Err(error) => {
                self.missing |= error.is_not_found();
                if widget.keep_despite(error.clone()) {
                    tracing::error!("{error}; {} stays as it was until this is mended", widget.name);
                }
                false
            }
        }
    }
}

fn is_empty(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0)
}

/// Whether something that happened at this path may have changed a widget.
fn concerns(path: &Path, files: &Files) -> bool {
    match files {
        Files::Folder(root) => {
            let real = root.canonicalize().ok();
            let real = real.as_deref().unwrap_or(root);
            path.starts_with(real) || path.starts_with(root) || root.ends_with(path.file_name().unwrap_or_default())
        }
        Files::Bare(script) => path.file_stem() == script.file_stem(),
        Files::Inline { .. } | Files::Embedded(_) => false,
    }
}
