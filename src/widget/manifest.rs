//! `widget.json`: what a folder says about itself.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::source::Files;
use crate::assets::{self, MANIFEST, Tree};
use crate::error::{Error, Result};
use crate::value::{Blob, Map, Value};

/// A widget folder, read: its files, and what its manifest says.
pub(crate) struct Folder {
    pub(crate) tree: Tree,
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    /// Whether it wants all the width a page has.
    pub(crate) wide: bool,
    /// The declared state; none means that keys come into being by being set.
    pub(crate) state: Option<Map>,
    /// The module and the stylesheet, each a path inside the folder or a URL.
    pub(crate) esm: Option<String>,
    pub(crate) css: Option<String>,
}

#[derive(Deserialize, Default)]
struct Manifest {
    title: Option<String>,
    description: Option<String>,
    #[serde(default)]
    wide: bool,
    esm: Option<String>,
    css: Option<String>,
    state: Option<serde_json::Map<String, serde_json::Value>>,
}

/// Whether a path in a manifest is a URL.
pub(crate) fn is_url(path: &str) -> bool {
    path.starts_with("https://") || path.starts_with("http://")
}

impl Folder {
    /// Reads the files of a source. `before` saves hashing what has not changed since.
    ///
    /// # Errors
    /// A missing module, a manifest that does not parse or names what is not there.
    pub(crate) fn read(files: &Files, before: Option<&Tree>) -> Result<Folder> {
        match files {
            Files::Inline { esm, css } => Ok(Folder::inline(esm.as_ref(), css.as_ref())),
            Files::Embedded(embedded) => {
                let path = Path::new(MANIFEST);
                let (manifest, tree) =
                    (embedded.files.iter().find(|(name, _)| *name == MANIFEST), Tree::embedded(embedded));
                let manifest = manifest.map(|(_, json)| parse(path, json)).transpose()?.unwrap_or_default();
                Folder::new(tree, manifest, path, ("widget.js", "widget.css"))
            }
            Files::Folder(root) => {
                let tree = Tree::scan(root, before)?;
                let path = root.join(MANIFEST);
                let manifest = read_if_there(&path)?.map(|json| parse(&path, &json)).transpose()?;
                if manifest.is_none() && !tree.has("widget.js") {
                    return Err(Error::missing(root, "no widget here: put a widget.js or a widget.json into it"));
                }
                Folder::new(tree, manifest.unwrap_or_default(), &path, ("widget.js", "widget.css"))
            }
            Files::Bare(script) => {
                let stylesheet = script.with_extension("css");
                let path = script.with_extension("json");
                let tree = Tree::of_files(&[script, &stylesheet], before)?;
                let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let (js, css) = (name(script), name(&stylesheet));
                if !tree.has(&js) {
                    return Err(Error::missing(script, "there is no such module"));
                }
                let manifest = read_if_there(&path)?.map(|json| parse(&path, &json)).transpose()?;
                Folder::new(tree, manifest.unwrap_or_default(), &path, (&js, &css))
            }
        }
    }

    /// Whether its module is an empty file.
    #[cfg(feature = "watch")]
    pub(crate) fn is_unwritten(&self) -> bool {
        self.esm.as_deref().is_some_and(|esm| self.tree.is_empty(esm))
    }

    fn inline(esm: Option<&super::source::Text>, css: Option<&super::source::Text>) -> Folder {
        use super::source::Text;
        let mut tree = Tree::default();
        let mut place = |text: Option<&Text>, name: &str| match text? {
            Text::Url(url) => Some(url.clone()),
            Text::Source(source) => {
                tree.add(name, source.clone());
                Some(name.to_owned())
            }
        };
        let (esm, css) = (place(esm, "widget.js"), place(css, "widget.css"));
        Folder { tree, title: None, description: None, wide: false, state: None, esm, css }
    }

    fn new(tree: Tree, manifest: Manifest, path: &Path, default: (&str, &str)) -> Result<Folder> {
        let root = path.parent().unwrap_or(Path::new("."));
        let place = |field: &str, named: Option<String>, default: &str| match named {
            Some(url) if is_url(&url) => Ok(Some(url)),
            Some(file) => {
                let file = file.strip_prefix("./").unwrap_or(&file).to_owned();
                match tree.has(&file) {
                    true => Ok(Some(file)),
                    false => {
                        Err(Error::manifest(path, format!("`{field}` names {file:?}, which is not in this folder")))
                    }
                }
            }
            None => Ok(tree.has(default).then(|| default.to_owned())),
        };
        let esm = place("esm", manifest.esm, default.0)?;
        let css = place("css", manifest.css, default.1)?;
        let state = manifest
            .state
            .map(|state| {
                state.into_iter().map(|(key, value)| Ok((key, value_from(value, root, path)?))).collect::<Result<Map>>()
            })
            .transpose()?;
        let Manifest { title, description, wide, .. } = manifest;
        Ok(Folder { tree, title, description, wide, state, esm, css })
    }
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(json) => Ok(Some(json)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(path, error)),
    }
}

fn parse(path: &Path, json: &[u8]) -> Result<Manifest> {
    serde_json::from_slice(json).map_err(|error| Error::json(path, error))
}

/// A value of the declared state, with `$file` resolved as well.
fn value_from(json: serde_json::Value, root: &Path, manifest: &Path) -> Result<Value> {
    let mut others = |name: &str, text: &str| match name {
        "$file" => Some(file(root, text, manifest).map_err(Problem::Known)),
        _ => None,
    };
    Value::from_plain_json_with(json, &mut others).map_err(|problem| match problem {
        Problem::Known(error) => error,
        Problem::Said(what) => Error::manifest(manifest, what),
    })
}

/// What is wrong with a value: in words, or as an error that names its file.
enum Problem {
    Said(String),
    Known(Error),
}

impl From<String> for Problem {
    fn from(what: String) -> Problem {
        Problem::Said(what)
    }
}

fn file(root: &Path, name: &str, manifest: &Path) -> Result<Value> {
    let path: PathBuf = assets::inside(root, name)
        .ok_or_else(|| Error::manifest(manifest, format!("`$file` names {name:?}, which is not in this folder")))?;
    let bytes = std::fs::read(&path).map_err(|error| Error::io(&path, error))?;
    Ok(Blob::from(bytes).into())
}
