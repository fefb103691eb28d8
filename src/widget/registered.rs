//! A widget that a host knows: its rules, and the code it serves now.

use std::sync::Arc;

use parking_lot::RwLock;

use super::manifest::{Folder, is_url};
#[cfg(feature = "watch")]
use super::source::Files;
use super::{Behaviour, Rules, Widget};
use crate::assets::Tree;
use crate::error::{Error, Result};
use crate::state::State;
use crate::value::{Map, Value};

/// One widget of a host, shared by its models.
pub(crate) struct Registered {
    pub(crate) name: String,
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    /// Whether it wants all the width a page has.
    pub(crate) wide: bool,
    /// Whether pages make new keys by setting them.
    pub(crate) open: bool,
    pub(crate) behaviour: Box<dyn Behaviour>,
    #[cfg(feature = "watch")]
    pub(crate) files: Files,
    /// Where the host is mounted.
    pub(crate) base: Arc<str>,
    /// Replaced as a whole by an edit; read at every frame, written rarely.
    code: RwLock<Arc<Code>>,
    /// Why the last edit could not be used.
    problem: RwLock<Option<Error>>,
}

/// What pages load for a widget, as of one moment.
pub(crate) struct Code {
    pub(crate) esm: Option<String>,
    pub(crate) css: Option<String>,
    /// The hashes under which the files are served, and the name of the stylesheet among them.
    pub(crate) hash: String,
    pub(crate) css_hash: Option<String>,
    pub(crate) stylesheet: Option<String>,
    pub(crate) tree: Tree,
}

impl Registered {
    /// Reads the widget's files.
    ///
    /// # Errors
    /// Whatever keeps them from being read or understood.
    pub(crate) fn new<W: State>(widget: Widget<W>, base: &Arc<str>) -> Result<(Registered, Option<Map>)> {
        let Widget { name, title, description, source, open, rules } = widget;
        let folder = Folder::read(&source.0, None)?;
        let registered = Registered {
            title: title.or(folder.title.clone()),
            description: description.or(folder.description.clone()),
            wide: folder.wide,
            open,
            behaviour: Box::<Rules<W>>::new(rules),
            #[cfg(feature = "watch")]
            files: source.0,
            base: base.clone(),
            code: RwLock::new(Arc::new(Code::empty())),
            problem: RwLock::new(None),
            name,
        };
        let state = folder.state.clone();
        registered.replace(folder);
        Ok((registered, state))
    }

    pub(crate) fn code(&self) -> Arc<Code> {
        self.code.read().clone()
    }

    pub(crate) fn problem(&self) -> Option<Error> {
        self.problem.read().clone()
    }

    /// Notes that an edit could not be used. Says whether that is new.
    #[cfg(feature = "watch")]
    pub(crate) fn keep_despite(&self, error: Error) -> bool {
        let old = self.problem.write().replace(error.clone());
        old.is_none_or(|old| old.to_string() != error.to_string())
    }

    /// Serves these files from now on. Says whether pages load anything else than before.
    pub(crate) fn replace(&self, folder: Folder) -> bool {
        let new = Code::new(folder, &self.name, &self.base);
        let mut code = self.code.write();
        *self.problem.write() = None;
        let differs = (&new.esm, &new.css) != (&code.esm, &code.css);
        *code = Arc::new(new);
        differs
    }
}

impl Code {
    fn empty() -> Code {
        Code { esm: None, css: None, hash: String::new(), css_hash: None, stylesheet: None, tree: Tree::default() }
    }

    fn new(folder: Folder, name: &str, base: &str) -> Code {
        let Folder { tree, esm, css, .. } = folder;
        let stylesheet = css.clone().filter(|css| !is_url(css));
        let hash = tree.hash(stylesheet.as_deref());
        let css_hash = stylesheet.as_ref().map(|css| tree.stylesheet_hash(&hash, css));
        let name = crate::html::path_segment(name);
        let url = |file: Option<String>, hash: &str| {
            let file = file?;
            Some(match is_url(&file) {
                true => file,
                false => format!("{base}/widgets/{name}/{hash}/{}", crate::html::path(&file)),
            })
        };
        let esm = url(esm, &hash);
        let css = url(css, css_hash.as_deref().unwrap_or_default());
        Code { esm, css, hash, css_hash, stylesheet, tree }
    }

    /// `{esm, css}`, as `hello` and `code` carry it.
    pub(crate) fn to_value(&self) -> Value {
        let mut value = Value::object();
        value["esm"] = self.esm.clone().into();
        value["css"] = self.css.clone().into();
        value
    }
}
