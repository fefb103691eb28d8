//! The files of a widget, by hash: what may be served, and what it was when it was hashed.

use std::collections::{BTreeMap, HashSet};
use std::fs::Metadata;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::widget::Embedded;

/// The file in which a folder describes itself. It may hold a state and is never served.
pub(crate) const MANIFEST: &str = "widget.json";

/// The most files a widget folder may have: a wrong path must not walk a whole disk.
const MAX_FILES: usize = 20_000;

/// A file up to this size is kept in memory when it was read for its hash, so that what is served
/// is what was hashed; larger ones are read from disk.
const KEPT_IN_MEMORY: u64 = 1 << 20;

/// The servable files of one widget, by their path inside its folder.
#[derive(Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, File>,
}

#[derive(Clone)]
pub(crate) struct File {
    hash: blake3::Hash,
    /// Whether an equal stamp means equal content: not when the file was written just before it was
    /// read, because a clock has ticks.
    settled: bool,
    pub(crate) body: Body,
}

#[derive(Clone)]
pub(crate) enum Body {
    Memory { bytes: Bytes, stamp: Option<Stamp> },
    Disk { path: PathBuf, stamp: Stamp },
}

/// By what a file is known to be unchanged.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Stamp {
        Stamp { len: metadata.len(), modified: metadata.modified().ok() }
    }

    fn is_settled(&self) -> bool {
        self.modified.and_then(|then| then.elapsed().ok()).is_some_and(|age| age.as_secs() >= 1)
    }
}

impl File {
    fn stamp(&self) -> Option<Stamp> {
        match &self.body {
            Body::Memory { stamp, .. } => *stamp,
            Body::Disk { stamp, .. } => Some(*stamp),
        }
    }
}

impl Tree {
    pub(crate) fn embedded(folder: &Embedded) -> Tree {
        let mut tree = Tree::default();
        for (name, bytes) in folder.files.iter().filter(|(name, _)| name.split('/').all(is_servable)) {
            tree.add(name, Bytes::from_static(bytes));
        }
        tree
    }

    pub(crate) fn add(&mut self, name: &str, bytes: Bytes) {
        let hash = blake3::hash(&bytes);
        self.files.insert(name.to_owned(), File { hash, settled: true, body: Body::Memory { bytes, stamp: None } });
    }

    /// The files below a folder.
    ///
    /// # Errors
    /// When the folder is missing, unreadable or has more than 20,000 files.
    pub(crate) fn scan(root: &Path, before: Option<&Tree>) -> Result<Tree> {
        let inside = root.canonicalize().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::missing(root, "there is no such folder"),
            _ => Error::io(root, error),
        })?;
        let mut tree = Tree::default();
        let mut seen = HashSet::from([inside.clone()]);
        let mut folders = vec![(inside.clone(), String::new())];
        while let Some((folder, prefix)) = folders.pop() {
            let entries = std::fs::read_dir(&folder).map_err(|error| Error::io(&folder, error))?;
            for entry in entries.flatten() {
                let Ok(name) = entry.file_name().into_string() else { continue };
                // A project with its build in `dist/`: what it was built from is no part of the widget.
                if !is_servable(&name) || (prefix.is_empty() && name == "node_modules") {
                    continue;
                }
                // A link is as good as what it points to, as long as that is inside the folder.
                let Some(path) = servable(&inside, &entry.path()) else { continue };
                let Ok(metadata) = path.metadata() else { continue };
                let name = format!("{prefix}{name}");
                if metadata.is_dir() {
                    if seen.insert(path.clone()) {
                        folders.push((path, name + "/"));
                    }
                } else if metadata.is_file() {
                    tree.read(name, path, &metadata, before)?;
                    if tree.files.len() > MAX_FILES {
                        return Err(Error::missing(
                            root,
                            format!("more than {MAX_FILES} files: name the widget's own folder"),
                        ));
                    }
                }
            }
        }
        Ok(tree)
    }

    /// Just these files, as far as they exist.
    ///
    /// # Errors
    /// When one exists and cannot be read.
    pub(crate) fn of_files(paths: &[&Path], before: Option<&Tree>) -> Result<Tree> {
        let mut tree = Tree::default();
        for path in paths {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let Ok(inside) = folder.canonicalize() else { continue };
            let (Some(real), Some(name)) = (servable(&inside, path), path.file_name().and_then(|name| name.to_str()))
            else {
                continue;
            };
            if let Ok(metadata) = real.metadata() {
                tree.read(name.to_owned(), real, &metadata, before)?;
            }
        }
        Ok(tree)
    }

    fn read(&mut self, name: String, path: PathBuf, metadata: &Metadata, before: Option<&Tree>) -> Result<()> {
        let stamp = Stamp::of(metadata);
        let known =
            before.and_then(|tree| tree.files.get(&name)).filter(|file| file.settled && file.stamp() == Some(stamp));
        let file = match known {
            Some(file) => file.clone(),
            None => {
                let bytes = match std::fs::read(&path) {
                    Ok(bytes) => bytes,
                    // Deleted since it was listed: an editor is replacing it.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
                    Err(error) => return Err(Error::io(&path, error)),
                };
                let hash = blake3::hash(&bytes);
                let body = match stamp.len <= KEPT_IN_MEMORY {
                    true => Body::Memory { bytes: bytes.into(), stamp: Some(stamp) },
                    false => Body::Disk { path, stamp },
                };
                File { hash, settled: stamp.is_settled(), body }
            }
        };
        self.files.insert(name, file);
        Ok(())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    /// Whether there is nothing in this file. It may have been emptied after its length was asked for.
    #[cfg(feature = "watch")]
    pub(crate) fn is_empty(&self, name: &str) -> bool {
        self.files.get(name).is_some_and(|file| file.hash == blake3::hash(b""))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&File> {
        self.files.get(name)
    }

    /// One hash over every file but the stylesheet: the same code has the same URL.
    pub(crate) fn hash(&self, stylesheet: Option<&str>) -> String {
        let mut hasher = blake3::Hasher::new();
        for (name, file) in self.files.iter().filter(|(name, _)| Some(name.as_str()) != stylesheet) {
            hasher.update(&(name.len() as u64).to_le_bytes());
            hasher.update(name.as_bytes());
            hasher.update(file.hash.as_bytes());
        }
        short(hasher.finalize())
    }

    /// The stylesheet's hash. It covers the other files, too: what the stylesheet refers to is served
    /// under it.
    pub(crate) fn stylesheet_hash(&self, others: &str, name: &str) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(others.as_bytes());
        if let Some(file) = self.files.get(name) {
            hasher.update(file.hash.as_bytes());
        }
        short(hasher.finalize())
    }
}

fn short(hash: blake3::Hash) -> String {
    hash.to_hex()[..20].to_owned()
}

/// Where a path really leads, if that is inside the folder and nothing on the way there is hidden.
fn servable(inside: &Path, path: &Path) -> Option<PathBuf> {
    let real = path.canonicalize().ok()?;
    let way = real.strip_prefix(inside).ok()?;
    way.iter().all(|part| part.to_str().is_some_and(is_servable)).then_some(real)
}

/// Whether a file or folder of this name may be served: not hidden, not the manifest, not a database.
fn is_servable(name: &str) -> bool {
    const STORES: [&str; 3] = [".db", ".sqlite", ".sqlite3"];
    let store = ["", "-wal", "-shm", "-journal"]
        .iter()
        .any(|suffix| name.strip_suffix(suffix).is_some_and(|name| STORES.iter().any(|end| name.ends_with(end))));
    !name.starts_with('.') && name != MANIFEST && !store
}

/// The file of this relative name below a folder; none when the name leads out of it.
pub(crate) fn inside(root: &Path, name: &str) -> Option<PathBuf> {
    let name = Path::new(name);
    if !name.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return None;
    }
    let path = root.join(name);
    match (root.canonicalize(), path.canonicalize()) {
        (Ok(root), Ok(path)) if !path.starts_with(&root) => None,
        _ => Some(path),
    }
}

/// Reads a file whose path led straight to it when it was hashed, with the stamp it has now.
///
/// # Errors
/// "Not found" when it is gone or has become a link to something else.
pub(crate) fn read(path: &Path) -> std::io::Result<(Bytes, Stamp)> {
    if path.canonicalize()? != path {
        return Err(std::io::ErrorKind::NotFound.into());
    }
    let bytes = std::fs::read(path)?;
    Ok((bytes.into(), Stamp::of(&path.metadata()?)))
}

/// The content type of a file, by its name.
pub(crate) fn content_type(name: &str) -> String {
    let guess = mime_guess::from_path(name).first_or_octet_stream();
    match guess.type_().as_str() {
        "text" => format!("{guess}; charset=utf-8"),
        _ => guess.to_string(),
    }
}
