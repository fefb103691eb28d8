//! The macros of `anywidget-host`, which re-exports them. See its documentation.

mod derive;
mod embed;

use proc_macro::TokenStream;
use syn::{DeriveInput, LitStr, parse_macro_input};

/// Makes a struct the state of a widget: each field a key, each value checked against its Rust type.
///
/// On the struct, where the code is, one of:
///
/// - `#[widget(path = "widgets/counter")]`: a folder, relative to the crate's `Cargo.toml`. Its files are
///   compiled in; with debug assertions they are read from disk instead, and edits reload open pages.
/// - `#[widget(esm = "…", css = "…")]`: source text, an expression such as `include_str!("w.js")`, or an
///   `https:` URL.
/// - neither: the state only holds data for other widgets.
///
/// and, if wanted, `name = "…"` (default: the folder's name, or the struct's in kebab case).
///
/// On a field: `#[widget(server)]` for a key that views read and only Rust writes. Key names follow
/// `#[serde(rename = "…")]` and `#[serde(rename_all = "…")]`; `#[serde(skip)]` keeps a field in Rust.
///
/// Fields need `Clone`, `PartialEq`, `Serialize` and `DeserializeOwned`. The struct needs `Clone`.
#[proc_macro_derive(Widget, attributes(widget, serde))]
pub fn derive_widget(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    derive::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Compiles a folder into the program: `embed!("widgets/counter")`, relative to the crate's
/// `Cargo.toml`. Dotfiles are left out.
#[proc_macro]
pub fn embed(input: TokenStream) -> TokenStream {
    let path = parse_macro_input!(input as LitStr);
    embed::expand(&path).unwrap_or_else(syn::Error::into_compile_error).into()
}
