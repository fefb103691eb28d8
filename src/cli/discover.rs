//! From the paths on the command line to widgets.

use std::path::{Path, PathBuf};

/// Every widget that a path names: itself, or the folders and modules in it, in the order of their names.
///
/// # Errors
/// A path that is not there, or with no widget in it.
pub(crate) fn widgets(path: &Path) -> Result<Vec<PathBuf>, String> {
    let shown = path.display();
    if path.is_file() {
        return match path.extension().is_some_and(|end| end == "js") {
            true => Ok(vec![path.to_owned()]),
            false => Err(format!("{shown}: not a widget: name a .js module or a folder with a widget.js")),
        };
    }
    if is_widget(path) {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("{shown}: there is no such file or folder"),
        _ => format!("{shown}: cannot be read: {error}"),
    })?;
    let hidden = |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| !hidden(path))
        .filter(|path| if path.is_dir() { is_widget(path) } else { path.extension().is_some_and(|end| end == "js") })
        .collect();
    found.sort();
    match found.is_empty() {
        true => {
            Err(format!("{shown}: no widget here: put a widget.js into it, or a folder with a widget.js, or a NAME.js"))
        }
        false => Ok(found),
    }
}

fn is_widget(folder: &Path) -> bool {
    folder.join("widget.js").is_file() || folder.join("widget.json").is_file()
}
