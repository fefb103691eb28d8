//! `#[derive(Widget)]`: a struct's fields as keys.

use proc_macro2::TokenStream;
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Data, DeriveInput, Expr, Fields, Ident, LitStr, Type};

/// What `#[widget(…)]` on the struct says.
#[derive(Default)]
struct Options {
    path: Option<LitStr>,
    esm: Option<Expr>,
    css: Option<Expr>,
    name: Option<LitStr>,
}

/// One key: a field, its name on the wire, and who may write it.
struct Key<'a> {
    field: &'a Ident,
    ty: &'a Type,
    name: String,
    server: bool,
}

/// The two impls for a struct.
pub(crate) fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(syn::Error::new_spanned(&input.ident, "a widget's state is a struct with named fields"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(syn::Error::new_spanned(
            &input.ident,
            "a widget's state needs named fields: their names are the keys",
        ));
    };
    let options = options(&input.attrs)?;
    let rename_all = rename_all(&input.attrs)?;
    let keys = fields
        .named
        .iter()
        .filter_map(|field| field.ident.as_ref().map(|ident| (field, ident)))
        .map(|(field, ident)| key(ident, &field.ty, &field.attrs, rename_all.as_deref()))
        .filter_map(Result::transpose)
        .collect::<syn::Result<Vec<Key<'_>>>>()?;

    let state = state_impl(input, &keys);
    let widget = widget_fn(input, &options)?;
    Ok(quote! { #state #widget })
}

fn state_impl(input: &DeriveInput, keys: &[Key<'_>]) -> TokenStream {
    let ident = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let described = keys.iter().map(|key| {
        let name = &key.name;
        let access = if key.server { quote!(Server) } else { quote!(Everyone) };
        quote! {
            ::anywidget_host::Key {
                name: ::std::borrow::Cow::Borrowed(#name),
                access: ::anywidget_host::Access::#access,
            }
        }
    });
    let read =
        keys.iter().map(|Key { field, name, .. }| quote! { #name => ::anywidget_host::Value::encode(&self.#field) });
    let written =
        keys.iter().map(|Key { field, ty, name, .. }| quote! { #name => self.#field = value.decode::<#ty>()? });
    let compared = keys.iter().map(|Key { field, name, .. }| {
        quote! {
            if ::anywidget_host::differs(&self.#field, &before.#field) {
                keys.push(::std::borrow::Cow::Borrowed(#name));
            }
        }
    });
    quote! {
        #[automatically_derived]
        impl #generics ::anywidget_host::State for #ident #arguments #bounds {
            fn keys(&self) -> ::std::vec::Vec<::anywidget_host::Key> {
                ::std::vec![#(#described),*]
            }
            fn read(&self, key: &str) -> ::std::result::Result<::anywidget_host::Value, ::anywidget_host::ValueError> {
                match key {
                    #(#read,)*
                    _ => ::std::result::Result::Ok(::anywidget_host::Value::Null),
                }
            }
            fn write(
                &mut self,
                key: &str,
                value: ::anywidget_host::Value,
            ) -> ::std::result::Result<(), ::anywidget_host::ValueError> {
                match key {
                    #(#written,)*
                    _ => {}
                }
                ::std::result::Result::Ok(())
            }
            fn changes(&self, before: &Self) -> ::std::vec::Vec<::anywidget_host::KeyName> {
                let mut keys = ::std::vec::Vec::new();
                #(#compared)*
                keys
            }
        }
    }
}

fn widget_fn(input: &DeriveInput, options: &Options) -> syn::Result<TokenStream> {
    let ident = &input.ident;
    let visibility = &input.vis;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let folder = options.path.as_ref().map(|path| path.value());
    let of_folder = folder.as_deref().and_then(|path| path.trim_end_matches('/').rsplit('/').next());
    let name = match (&options.name, of_folder) {
        (Some(name), _) => name.value(),
        (None, Some(name)) => name.to_owned(),
        (None, None) => kebab(&ident.to_string()),
    };
    let source = match (&options.path, &options.esm) {
        (Some(path), None) => {
            let embedded = crate::embed::expand(path)?;
            quote! { ::anywidget_host::Source::embedded(#embedded) }
        }
        (None, Some(esm)) => quote! { ::anywidget_host::Source::inline(#esm) },
        (None, None) => quote! { ::anywidget_host::Source::data() },
        (Some(path), Some(_)) => {
            return Err(syn::Error::new_spanned(path, "either `path` or `esm` says where the code is, not both"));
        }
    };
    let css = match (&options.css, &options.path) {
        (Some(css), Some(_)) => {
            return Err(syn::Error::new_spanned(css, "a folder's stylesheet is its widget.css"));
        }
        (Some(css), None) => quote! { .with_css(#css) },
        (None, _) => quote! {},
    };
    Ok(quote! {
        #[automatically_derived]
        impl #generics #ident #arguments #bounds {
            /// The widget whose state this struct is.
            #visibility fn widget() -> ::anywidget_host::Widget<Self> {
                #[allow(unused_imports)]
                use ::anywidget_host::{ByDefault as _, WithoutDefault as _};
                ::anywidget_host::Widget::new(#name, #source #css)
                    .with_default((&::anywidget_host::DefaultOf::<Self>::new()).find())
            }
        }
    })
}

fn options(attrs: &[Attribute]) -> syn::Result<Options> {
    let mut options = Options::default();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("widget")) {
        attr.parse_nested_meta(|meta| {
            match meta.path.get_ident().map(Ident::to_string).as_deref() {
                Some("path") => options.path = Some(meta.value()?.parse()?),
                Some("esm") => options.esm = Some(meta.value()?.parse()?),
                Some("css") => options.css = Some(meta.value()?.parse()?),
                Some("name") => options.name = Some(meta.value()?.parse()?),
                _ => return Err(meta.error("expected `path`, `esm`, `css` or `name`")),
            }
            Ok(())
        })?;
    }
    Ok(options)
}

fn key<'a>(
    field: &'a Ident,
    ty: &'a Type,
    attrs: &[Attribute],
    rename_all: Option<&str>,
) -> syn::Result<Option<Key<'a>>> {
    let plain = field.to_string();
    let plain = plain.strip_prefix("r#").unwrap_or(&plain);
    let mut key = Key { field, ty, name: renamed(plain, rename_all), server: false };
    let mut skip = false;
    for attr in attrs {
        if attr.path().is_ident("widget") {
            attr.parse_nested_meta(|meta| {
                key.server = meta.path.is_ident("server");
                key.server.then_some(()).ok_or_else(|| meta.error("expected `server`"))
            })?;
        } else if attr.path().is_ident("serde") {
            attr.parse_nested_meta(|meta| {
                if meta.path.is_ident("skip") {
                    skip = true;
                } else if meta.path.is_ident("rename") && meta.input.peek(syn::Token![=]) {
                    key.name = meta.value()?.parse::<LitStr>()?.value();
                } else {
                    ignore(&meta)?; // serde's own business
                }
                Ok(())
            })?;
        }
    }
    Ok((!skip).then_some(key))
}

fn rename_all(attrs: &[Attribute]) -> syn::Result<Option<String>> {
    let mut style = None;
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename_all") && meta.input.peek(syn::Token![=]) {
                style = Some(meta.value()?.parse::<LitStr>()?.value());
                return Ok(());
            }
            ignore(&meta)
        })?;
    }
    Ok(style)
}

/// Reads past an attribute argument of serde.
fn ignore(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.peek(syn::Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        let content;
        syn::parenthesized!(content in meta.input);
        content.parse::<TokenStream>()?;
    }
    Ok(())
}

/// A field's name in one of serde's styles.
fn renamed(name: &str, style: Option<&str>) -> String {
    let words: Vec<&str> = name.split('_').collect();
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    };
    match style {
        Some("camelCase") => words
            .iter()
            .enumerate()
            .map(|(at, word)| if at == 0 { (*word).to_owned() } else { capital(word) })
            .collect(),
        Some("PascalCase") => words.iter().map(|word| capital(word)).collect(),
        Some("kebab-case") => words.join("-"),
        Some("SCREAMING_SNAKE_CASE") | Some("UPPERCASE") => name.to_uppercase(),
        Some("SCREAMING-KEBAB-CASE") => words.join("-").to_uppercase(),
        _ => name.to_owned(),
    }
}

/// `FormField` as `form-field`.
fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for (at, letter) in name.chars().enumerate() {
        if letter.is_uppercase() && at > 0 {
            kebab.push('-');
        }
        kebab.extend(letter.to_lowercase());
    }
    kebab
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_serdes_styles() {
        for (style, expected) in [
            (None, "line_width"),
            (Some("camelCase"), "lineWidth"),
            (Some("PascalCase"), "LineWidth"),
            (Some("kebab-case"), "line-width"),
            (Some("SCREAMING_SNAKE_CASE"), "LINE_WIDTH"),
        ] {
            assert_eq!(renamed("line_width", style), expected);
        }
    }

    #[test]
    fn a_struct_gives_its_widget_a_kebab_name() {
        assert_eq!(kebab("FormField"), "form-field");
    }
}
