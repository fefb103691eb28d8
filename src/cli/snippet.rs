//! The few lines of Rust that make a widget, read off the values its state has had: a struct, and what opens, changes
//! and shows it. `tests/gallery_snippets.rs` is these lines of every widget that ships, compiled and run.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::{Component, Path};

use anywidget_host::{Map, Value};

use super::rust_type::{Type, literal};

/// A first value with more lines, or longer ones, is left to the reader.
const MOST_LINES: usize = 7;
const LONGEST_LINE: usize = 72;
/// Lines are broken so that they fit beside each other.
const WIDTH: usize = 60;

/// What Rust would have to say about one widget.
pub(crate) struct Snippet {
    /// The id of the model, which is the widget's name.
    name: String,
    /// `#[widget(…)]` without the brackets: where the code is.
    source: String,
    fields: Vec<Field>,
}

/// One key.
#[derive(Clone)]
struct Field {
    key: String,
    ty: Type,
    start: Start,
}

/// The value a key starts with.
#[derive(Clone)]
enum Start {
    Value(Value),
    /// Too long to be written down.
    Long,
}

impl Snippet {
    /// Of a widget that is in a folder, or is a module, at `path`.
    pub(crate) fn new(name: &str, path: &Path, state: &Value) -> Snippet {
        let fields = entries(state).map(|(key, value)| Field::new(key, value)).collect();
        Snippet { name: name.to_owned(), source: source(name, path), fields }
    }

    /// The declaration, and the statements that use it. `state` is that of the moment: it may have keys that were
    /// not there at first, and values of other types.
    pub(crate) fn lines(&self, state: &Value) -> [String; 2] {
        let mut fields = self.fields.clone();
        for (key, value) in entries(state) {
            match fields.iter_mut().find(|field| field.key == *key) {
                Some(field) => field.ty = field.ty.clone().join(Type::of(value)),
                None => fields
                    .push(Field { start: Start::Value(Type::of(value).default_value()), ..Field::new(key, value) }),
            }
        }
        let idents = idents(&fields);
        let strukt = struct_name(&self.name);
        let start = self.start(&fields, &idents, &strukt);
        [self.declaration(&fields, &idents, &strukt, &start), self.statements(&fields, &idents, &strukt, &start)]
    }

    fn declaration(&self, fields: &[Field], idents: &[String], strukt: &str, start: &str) -> String {
        let types: Vec<String> = fields.iter().map(|field| field.ty.to_string()).collect();
        let uses = |name: &str| types.iter().any(|ty| ty.contains(name)) || start.contains(&format!("{name}::"));
        let mut names = vec!["Host", "Widget"];
        names.extend(["Blob", "Value"].into_iter().filter(|name| uses(name)));
        names.sort_unstable();
        let mut text = format!("use anywidget_host::{{{}}};\n", names.join(", "));
        if start.contains("json!(") {
            text.push_str("use serde_json::json;\n");
        }
        let _ = write!(text, "\n#[derive(Clone, Default, Widget)]\n#[widget({})]\nstruct {strukt} {{\n", self.source);
        for ((field, ident), ty) in fields.iter().zip(idents).zip(types) {
            if ident.strip_prefix("r#").unwrap_or(ident) != field.key {
                let _ = writeln!(text, "    #[serde(rename = {:?})]", field.key);
            }
            let _ = writeln!(text, "    {ident}: {ty},");
        }
        text + "}\n"
    }

    fn statements(&self, fields: &[Field], idents: &[String], strukt: &str, start: &str) -> String {
        let variable = variable(&self.name);
        let mut text =
            format!("let host = Host::builder().widget({strukt}::widget());\nlet host = host.build().await?;\n\n");
        text.push_str(start);
        let initial = if start.contains("let start") { "|| start".to_owned() } else { format!("{strukt}::default") };
        let _ = writeln!(text, "let {variable} = host.open({:?}, {initial}).await?;", self.name);
        let change = fields.iter().zip(idents).min_by_key(|(field, _)| field.ty.rank());
        if let Some((field, ident)) = change {
            let change = field.ty.change(&format!("state.{ident}"));
            let _ = writeln!(text, "\n// Every open view follows.\n{variable}.update(|state| {change});");
        }
        let _ = writeln!(text, "\n// Goes into any page.\nlet html = {variable}.view();");
        text
    }

    /// The state it starts with, if that is not what `Default` says.
    fn start(&self, fields: &[Field], idents: &[String], strukt: &str) -> String {
        let mut given = Vec::new();
        let mut long = Vec::new();
        for (field, ident) in fields.iter().zip(idents) {
            match &field.start {
                Start::Value(value) if *value == field.ty.default_value() => {}
                Start::Value(value) => match literal(value, &field.ty).filter(|text| is_short(text)) {
                    Some(text) => given.push(format!("{ident}: {text}")),
                    None => long.push(ident.as_str()),
                },
                Start::Long => long.push(ident.as_str()),
            }
        }
        let mut text = String::new();
        if !long.is_empty() {
            let _ = writeln!(text, "// Starts with more than fits here: {}.", long.join(", "));
        }
        if given.is_empty() {
            return text;
        }
        if given.len() < fields.len() {
            given.push("..Default::default()".into());
        }
        let line = format!("let start = {strukt} {{ {} }};\n", given.join(", "));
        if line.len() <= WIDTH && line.lines().count() == 1 {
            return text + &line;
        }
        let _ = writeln!(text, "let start = {strukt} {{");
        for one in &given {
            let comma = if one.starts_with("..") { "" } else { "," };
            let _ = writeln!(text, "    {}{comma}", one.replace('\n', "\n    "));
        }
        text + "};\n"
    }
}

impl Field {
    fn new(key: &str, value: &Value) -> Field {
        let ty = Type::of(value);
        // Only what can be written down is worth keeping.
        let short = *value == ty.default_value() || literal(value, &ty).is_some_and(|text| is_short(&text));
        let start = if short { Start::Value(value.clone()) } else { Start::Long };
        Field { key: key.to_owned(), ty, start }
    }
}

fn is_short(literal: &str) -> bool {
    literal.lines().count() <= MOST_LINES && literal.lines().all(|line| line.len() <= LONGEST_LINE)
}

fn entries(state: &Value) -> impl Iterator<Item = (&String, &Value)> {
    state.as_object().into_iter().flat_map(Map::iter)
}

/// Where the code is, as a crate with this folder beside its `Cargo.toml` would say.
fn source(name: &str, path: &Path) -> String {
    let is_module = path.extension().is_some_and(|end| end == "js") && !path.is_dir();
    let place = relative(path).unwrap_or_else(|| format!("widgets/{name}{}", if is_module { ".js" } else { "" }));
    if !is_module {
        return format!("path = {place:?}");
    }
    let place = format!("../{place}"); // from src/
    let mut parts = vec![format!("esm = include_str!({place:?})")];
    if let Some(stem) = place.strip_suffix("js").filter(|_| path.with_extension("css").is_file()) {
        parts.push(format!("css = include_str!({:?})", format!("{stem}css")));
    }
    match parts.iter().map(String::len).sum::<usize>() {
        0..WIDTH => parts.join(", "),
        _ => format!("\n    {},\n", parts.join(",\n    ")),
    }
}

/// A path below where the program runs, with `/` between its parts.
fn relative(path: &Path) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::CurDir => {}
            _ => return None,
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// Names that cannot be fields even as `r#name`.
const NEVER: [&str; 5] = ["self", "Self", "super", "crate", "_"];
/// Names that can be fields as `r#name`.
const KEYWORDS: &str = " abstract as async await become box break const continue do dyn else enum extern false final fn \
    for gen if impl in let loop macro match mod move mut override priv pub ref return static struct trait true try type \
    typeof unsafe unsized use virtual where while yield ";
/// Names that the lines themselves use.
const TAKEN: [&str; 8] = ["Blob", "Default", "Host", "Option", "Self", "Value", "Vec", "Widget"];

fn is_keyword(name: &str) -> bool {
    KEYWORDS.contains(&format!(" {name} "))
}

/// The fields' names: the keys, as near to them as Rust allows.
fn idents(fields: &[Field]) -> Vec<String> {
    let mut used = HashSet::new();
    let ident = |field: &Field| {
        let mut name = snake(&field.key);
        if is_keyword(&name) {
            name = format!("r#{name}");
        } else if NEVER.contains(&name.as_str()) {
            name.push('_');
        }
        while !used.insert(name.clone()) {
            name.push_str("_2");
        }
        name
    };
    fields.iter().map(ident).collect()
}

/// The model's variable.
fn variable(name: &str) -> String {
    match snake(name) {
        name if is_keyword(&name) || NEVER.contains(&name.as_str()) => "model".into(),
        name if ["host", "start", "html", "state"].contains(&name.as_str()) => "model".into(),
        name => name,
    }
}

fn struct_name(name: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    let name: String = snake(name).split('_').filter(|word| !word.is_empty()).map(capital).collect();
    if TAKEN.contains(&name.as_str()) { format!("{name}State") } else { name }
}

/// Any name in the style of Rust's variables.
fn snake(name: &str) -> String {
    let leading = name.starts_with('_');
    let mut made = String::from(if leading { "_" } else { "" });
    let mut before = '_';
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            made.push('_');
        }
        if letter.is_ascii_alphanumeric() {
            made.push(letter.to_ascii_lowercase());
        } else if !made.is_empty() && !made.ends_with('_') {
            made.push('_');
        }
        before = letter;
    }
    let made = if name.ends_with('_') { made.as_str() } else { made.trim_end_matches('_') };
    match made.trim_start_matches('_').chars().next() {
        None => "key".into(),
        Some(first) if first.is_ascii_digit() => format!("n{}", made.trim_start_matches('_')),
        Some(_) => made.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_rusts() {
        for (name, expected) in [
            ("count", "count"),
            ("maxValue", "max_value"),
            ("max-value", "max_value"),
            ("a b", "a_b"),
            ("_private", "_private"),
            ("r2d2", "r2d2"),
            ("2d", "n2d"),
            ("käse", "k_se"),
            ("", "key"),
            ("☂", "key"),
        ] {
            assert_eq!(snake(name), expected, "{name}");
        }
        assert_eq!(struct_name("line-chart"), "LineChart");
        assert_eq!(struct_name("value"), "ValueState");
        assert_eq!(variable("match"), "model");
    }

    #[test]
    fn a_folder_is_named_as_it_was_given_if_a_crate_could() {
        assert_eq!(source("knob", Path::new("widgets/knob")), r#"path = "widgets/knob""#);
        assert_eq!(source("knob", Path::new("./knob/")), r#"path = "knob""#);
        assert_eq!(source("knob", Path::new("/srv/knob")), r#"path = "widgets/knob""#);
        assert_eq!(source("knob", Path::new("../knob")), r#"path = "widgets/knob""#);
        assert_eq!(source("knob", Path::new("more/knob.js")), r#"esm = include_str!("../more/knob.js")"#);
    }
}
