//! The browser runtime, out of the program.
//!
//! The modules are served line for line, but without their comments and indentation: that is a third of what would
//! travel. Those that every page needs are one.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::HeaderMap;

use super::joined::join;
use super::{Caching, file};
use crate::widget::Embedded;
use crate::{Host, assets};

const SOURCES: Embedded = crate::embed!("js");

/// The modules as they are served, and a tag over all of them: they belong together, so they change
/// together.
static RUNTIME: LazyLock<(BTreeMap<&str, Bytes>, String)> = LazyLock::new(|| {
    let modules: BTreeMap<&str, Bytes> = join(sources()).into_iter().map(|(name, text)| (name, text.into())).collect();
    let mut hasher = blake3::Hasher::new();
    for module in modules.values() {
        hasher.update(module);
    }
    let tag = hasher.finalize().to_hex()[..20].to_owned();
    (modules, tag)
});

/// The modules of `js/`, without their comments.
pub(super) fn sources() -> BTreeMap<&'static str, String> {
    let modules = SOURCES.files.iter().filter(|(name, _)| name.ends_with(".js"));
    modules.map(|(name, source)| (*name, without_comments(&String::from_utf8_lossy(source)))).collect()
}

/// A route for each module, so that a host without a base path leaves other names to the application.
pub(super) fn router() -> Router<Host> {
    RUNTIME.0.iter().fold(Router::new(), |router, (name, bytes)| {
        let content_type = assets::content_type(name);
        let module = async move |headers: HeaderMap| {
            file(&headers, bytes.clone(), &content_type, &RUNTIME.1, Caching::Revalidate)
        };
        router.route(&format!("/{name}"), get(module))
    })
}

/// Empties the lines that hold only a comment and takes the indentation off the others. It knows
/// comments by how a line begins, so a template literal in `js/` must not begin one like a comment.
fn without_comments(source: &str) -> String {
    let mut in_comment = false;
    let mut served = String::with_capacity(source.len());
    for line in source.lines().map(str::trim) {
        let comment = in_comment || line.starts_with("/*") || line.starts_with("//");
        let ends = line.ends_with("*/");
        // Code behind a comment on its first or last line stays, comment and all.
        let code_follows = line.contains("*/") && !ends;
        in_comment = comment && !ends && !code_follows && (in_comment || line.starts_with("/*"));
        if !comment || code_follows {
            served.push_str(line);
        }
        served.push('\n');
    }
    served
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_served_line_for_line_without_its_comments() {
        let source = "/**\n * Why.\n * @type {import(\"x\")}\n */\nexport const a = 1; // kept\n\t// gone\n\t/* gone */\n\treturn `// ${a}`;\n/** @type {A} */ (b).c();\n";
        let served = "\n\n\n\nexport const a = 1; // kept\n\n\nreturn `// ${a}`;\n/** @type {A} */ (b).c();\n";
        assert_eq!(without_comments(source), served);
    }

    #[test]
    fn every_module_keeps_its_lines() {
        for (name, source) in SOURCES.files {
            let source = String::from_utf8_lossy(source);
            assert_eq!(without_comments(&source).lines().count(), source.lines().count(), "{name}");
        }
    }
}
