//! The HTML of one view: an element, a seed of the state, the loader.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use axum::response::{Html, IntoResponse, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::model::{Core, Model};
use crate::state::State;
use crate::value::{Map, Value};
use crate::widget::{Code, Registered};

/// One view of a model as HTML. It is `Display` for templates and `format!`, and a response for
/// handlers.
///
/// Written out, it holds the state of that moment, so that the first paint needs no socket; the page then
/// follows the model. Swapping it into a page with htmx or
/// `innerHTML` works as well as delivering it with the page.
#[derive(Clone)]
pub struct View {
    core: Arc<Core>,
    fallback: String,
    shadow: bool,
    attributes: Vec<(Cow<'static, str>, String)>,
}

impl<W: State> Model<W> {
    /// The HTML of one view of this model, to be put into any page.
    pub fn view(&self) -> View {
        View::new(self.core.clone())
    }
}

impl View {
    pub(crate) fn new(core: Arc<Core>) -> View {
        View { core, fallback: String::new(), shadow: false, attributes: Vec::new() }
    }

    /// HTML that stands in the view until the widget has rendered, and where scripts do not run. It
    /// is put in as it is: escape what comes from users.
    pub fn fallback(mut self, html: impl Into<String>) -> View {
        self.fallback = html.into();
        self
    }

    /// An attribute of the element: `id`, `class`, `aria-label`, or one of htmx. With `name`, `key` and `required` the view is a
    /// field of the form around it: it posts the key under the name. Names are letters, digits, `-`, `_`, `:`, `.` and `@`; any
    /// other is left out, with an error in the log.
    ///
    /// ```
    /// # fn wide(cart: anywidget_host::Model<anywidget_host::Value>) -> String {
    /// let view = cart.view().attribute("class", "wide").attribute("aria-label", "Cart");
    /// format!("<main>{view}</main>")
    /// # }
    /// ```
    pub fn attribute(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> View {
        let name = name.into();
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_:.@".contains(c);
        match !name.is_empty() && name.chars().all(is_allowed) {
            true => self.attributes.push((name, value.into())),
            false => tracing::error!("{name:?} cannot be the name of an attribute: it is left out"),
        }
        self
    }

    /// Renders the widget into a shadow root, so that its styles and the page's do not meet.
    pub fn shadow(mut self) -> View {
        self.shadow = true;
        self
    }
}

impl View {
    /// The `<link>` that a view begins with, for a `<head>` that is there sooner: it lets the browser ask for the
    /// widget's module before the runtime does; empty when there is none.
    pub fn module_preload(&self) -> String {
        module_preload(&self.core.widget.code())
    }

    /// A `<link>` for the `<head>` that lets the browser ask for the widget's stylesheet before the
    /// runtime does; empty when there is none.
    pub fn style_preload(&self) -> String {
        let code = self.core.widget.code();
        let link = |css: &String| {
            format!(r#"<link rel="preload" as="fetch" crossorigin="anonymous" href="{}">"#, Escaped(css))
        };
        code.css.as_ref().map(link).unwrap_or_default()
    }
}

fn module_preload(code: &Code) -> String {
    let link = |esm: &String| {
        let cross = if esm.starts_with('/') { "" } else { r#" crossorigin="anonymous""# };
        format!(r#"<link rel="modulepreload" href="{}"{cross}>"#, Escaped(esm))
    };
    code.esm.as_ref().map(link).unwrap_or_default()
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Registered { base, .. } = &*self.core.widget;
        let code = self.core.widget.code();
        let (epoch, rev, state) = self.core.snapshot();
        let total = state.len();
        let seed: Map = state.into_iter().filter(|(_, value)| fits_seed(value, self.core.limits.seed_bytes)).collect();

        f.write_str(&module_preload(&code))?;
        write!(f, r#"<any-widget model="{}""#, Escaped(&self.core.id))?;
        if seed.len() == total {
            write!(f, r#" epoch="{}" rev="{rev}""#, Escaped(&epoch))?;
        }
        for (name, url) in [("esm", &code.esm), ("css", &code.css)] {
            if let Some(url) = url {
                write!(f, r#" {name}="{}""#, Escaped(url))?;
            }
        }
        f.write_str(if self.shadow { " shadow" } else { "" })?;
        for (name, value) in &self.attributes {
            write!(f, r#" {name}="{}""#, Escaped(value))?;
        }
        write!(f, "><div>{}</div>", self.fallback)?;
        let json = serde_json::to_string(&Value::Object(seed)).map_err(|_| fmt::Error)?;
        write!(f, r#"<script type="application/json">{}</script></any-widget>"#, InScript(&json))?;
        write!(f, "\n<script type=\"module\" src=\"{base}/loader.js\"></script>")
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("model", &self.core.id).finish_non_exhaustive()
    }
}

impl IntoResponse for View {
    fn into_response(self) -> Response {
        let headers = [(http::header::CACHE_CONTROL, "no-store")];
        (headers, Html(self.to_string())).into_response()
    }
}

/// Whether a value goes into a seed: JSON carries it, and it is small.
fn fits_seed(value: &Value, max_bytes: usize) -> bool {
    value.fits_json() && json_len(value) <= max_bytes
}

fn json_len(value: &impl Serialize) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    match serde_json::to_writer(&mut count, value) {
        Ok(()) => count.0,
        Err(_) => usize::MAX,
    }
}

/// Text as HTML, in content and in quoted attributes.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            f.write_str(&rest[..at])?;
            f.write_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#39;",
            })?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}

/// JSON inside a `<script>`: no `<` may end the element or start a comment.
struct InScript<'a>(&'a str);

impl fmt::Display for InScript<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = self.0.split('<');
        f.write_str(parts.next().unwrap_or_default())?;
        parts.try_for_each(|part| write!(f, "\\u003c{part}"))
    }
}

const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');

/// A name as one segment of a URL's path.
pub(crate) fn path_segment(name: &str) -> String {
    match name {
        "." | ".." => name.replace('.', "%2E"),
        name => utf8_percent_encode(name, SEGMENT).to_string(),
    }
}

/// A relative path as part of a URL.
pub(crate) fn path(file: &str) -> String {
    file.split('/').map(path_segment).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_seed_ends_its_script() {
        let json = serde_json::to_string("</script><!--<script>").unwrap();
        let html = InScript(&json).to_string();
        assert!(!html.contains('<'));
        assert_eq!(serde_json::from_str::<String>(&html).unwrap(), "</script><!--<script>");
    }

    #[test]
    fn names_stay_in_their_segment() {
        assert_eq!(path_segment("a b/ü"), "a%20b%2F%C3%BC");
        assert_eq!(path_segment(".."), "%2E%2E");
        assert_eq!(path("dist/x y.js"), "dist/x%20y.js");
    }

    #[test]
    fn attributes_cannot_be_left() {
        assert_eq!(Escaped(r#"a"b'<c>&"#).to_string(), "a&quot;b&#39;&lt;c&gt;&amp;");
    }
}
