//! A folder as an expression: every file's path and bytes.

use std::path::Path;

use proc_macro2::TokenStream;
use quote::quote;
use syn::LitStr;

/// The expression of an `Embedded` for a folder relative to the crate that is being compiled.
pub(crate) fn expand(path: &LitStr) -> syn::Result<TokenStream> {
    let error = |message: String| syn::Error::new(path.span(), message);
    let folder = path.value();
    let root = std::env::var("CARGO_MANIFEST_DIR").map_err(|_| error("not built by cargo".into()))?;
    let root = Path::new(&root).join(&folder);
    if !root.is_dir() {
        return Err(error(format!("there is no folder {folder:?} beside this crate's Cargo.toml")));
    }
    let mut names = Vec::new();
    list(&root, "", &mut names).map_err(|(path, source)| error(format!("{path}: {source}")))?;
    names.sort();
    let files = names.iter().map(|name| {
        let path = format!("/{folder}/{name}");
        quote! { (#name, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), #path)) as &[u8]) }
    });
    let folder = format!("/{folder}");
    Ok(quote! {
        ::anywidget_host::Embedded {
            files: &[#(#files),*],
            folder: if cfg!(debug_assertions) { Some(concat!(env!("CARGO_MANIFEST_DIR"), #folder)) } else { None },
        }
    })
}

fn list(folder: &Path, prefix: &str, names: &mut Vec<String>) -> Result<(), (String, std::io::Error)> {
    let failed = |source| (folder.display().to_string(), source);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('.') {
            continue;
        }
        let name = format!("{prefix}{name}");
        if entry.path().is_dir() {
            list(&entry.path(), &format!("{name}/"), names)?;
        } else {
            names.push(name);
        }
    }
    Ok(())
}
