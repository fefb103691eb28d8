//! Where a widget's code comes from.

use std::fmt;
use std::path::PathBuf;

use bytes::Bytes;

/// Where the files of a widget are: in the program, or in a folder on disk.
#[derive(Clone)]
pub struct Source(pub(crate) Files);

#[derive(Clone)]
pub(crate) enum Files {
    /// Source text or a URL, given in Rust.
    Inline { esm: Option<Text>, css: Option<Text> },
    /// A folder that was compiled in; read from disk instead where `folder` says so.
    Embedded(Embedded),
    /// A folder on disk.
    Folder(PathBuf),
    /// `NAME.js` on disk, with `NAME.css` and `NAME.json` beside it.
    Bare(PathBuf),
}

/// A module or a stylesheet that was given as text.
#[derive(Clone)]
pub(crate) enum Text {
    Source(Bytes),
    Url(String),
}

/// A folder that was compiled into the program by [`embed!`](crate::embed).
#[derive(Clone, Copy)]
pub struct Embedded {
    /// Paths inside the folder, with `/` between their parts, and the bytes of each file.
    #[doc(hidden)]
    pub files: &'static [(&'static str, &'static [u8])],
    /// Where the folder was at build time; only in builds with debug assertions.
    #[doc(hidden)]
    pub folder: Option<&'static str>,
}

impl Source {
    /// A module whose source text stands in the program. An `https:` or `http:` URL is one, too: the
    /// page then loads the module from there.
    pub fn inline(esm: impl Into<String>) -> Source {
        Source(Files::Inline { esm: Some(Text::new(esm.into())), css: None })
    }

    /// No module: a model that only holds data for other widgets.
    pub fn data() -> Source {
        Source(Files::Inline { esm: None, css: None })
    }

    /// Adds a stylesheet, as text or URL, to an inline source. Folders have their own.
    pub fn with_css(mut self, css: impl Into<String>) -> Source {
        if let Files::Inline { css: old, .. } = &mut self.0 {
            *old = Some(Text::new(css.into()));
        }
        self
    }

    /// A folder on disk with `widget.js`, and `widget.css`, `widget.json` and assets if it needs them.
    /// It is read when the host is built.
    pub fn folder(path: impl Into<PathBuf>) -> Source {
        Source(Files::Folder(path.into()))
    }

    /// A folder that is part of the program; see [`embed!`](crate::embed).
    pub fn embedded(folder: Embedded) -> Source {
        Source(match folder.folder {
            Some(path) if std::path::Path::new(path).is_dir() => Files::Folder(path.into()),
            _ => Files::Embedded(folder),
        })
    }
}

impl Text {
    fn new(text: String) -> Text {
        let start = text.trim_start();
        match start.starts_with("https://") || start.starts_with("http://") {
            true => Text::Url(text.trim().to_owned()),
            false => Text::Source(text.into()),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Files::Inline { .. } => f.write_str("Source::inline"),
            Files::Embedded(folder) => write!(f, "Source::embedded({} files)", folder.files.len()),
            Files::Folder(path) | Files::Bare(path) => write!(f, "Source::folder({})", path.display()),
        }
    }
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.files.iter().map(|(path, _)| path)).finish()
    }
}
