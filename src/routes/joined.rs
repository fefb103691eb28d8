//! The modules that a page needs at once, as one: a file costs a browser more than what is in it.

use std::collections::BTreeMap;

/// The module that pages load.
pub(crate) const ENTRY: &str = "loader.js";

/// `modules` as they are served. The entry holds all that it imports, each module in a function of its own, behind a
/// line with its name: a stack trace says so many lines below that. Their own addresses hand on what is in there, for
/// modules that come later.
///
/// It knows imports and exports by how a line begins; the tests hold `js/` to what it understands. All modules have one
/// folder, so `import.meta.url` leads to the same places.
pub(super) fn join(mut modules: BTreeMap<&'static str, String>) -> BTreeMap<&'static str, String> {
    let order = order(&modules);
    let mut joined = String::new();
    for &name in &order {
        let source = modules.get(name).map(String::as_str).unwrap_or_default();
        joined.push_str(&wrapped(name, source));
    }
    let names: Vec<String> = order.iter().map(|name| ident(name)).collect();
    joined.push_str(&format!("export {{ {} }};\n", names.join(", ")));
    for name in order {
        if let Some(module) = modules.get_mut(name) {
            let (ident, exports) = (ident(name), exports(module).collect::<Vec<_>>().join(", "));
            *module = format!("import {{ {ident} }} from \"./{ENTRY}\";\nexport const {{ {exports} }} = {ident};\n");
        }
    }
    modules.insert(ENTRY, joined);
    modules
}

/// The entry and what it imports, each behind all that it imports itself.
fn order(modules: &BTreeMap<&'static str, String>) -> Vec<&'static str> {
    fn visit(
        name: &str,
        modules: &BTreeMap<&'static str, String>,
        seen: &mut Vec<&'static str>,
        order: &mut Vec<&'static str>,
    ) {
        let Some((&name, source)) = modules.get_key_value(name) else { return };
        if seen.contains(&name) {
            return;
        }
        seen.push(name);
        for (_, file) in source.lines().filter_map(import) {
            visit(file, modules, seen, order);
        }
        order.push(name);
    }
    let (mut seen, mut order) = (Vec::new(), Vec::new());
    visit(ENTRY, modules, &mut seen, &mut order);
    order
}

/// A module as a constant with what it exports.
fn wrapped(name: &str, source: &str) -> String {
    let mut text = format!("const {} = (() => {{ // {name}\n", ident(name));
    for line in source.lines() {
        match import(line) {
            Some(("", _)) => {}
            Some((names, file)) => text.push_str(&format!("const {names} = {};", ident(file))),
            None => text.push_str(line.strip_prefix("export ").unwrap_or(line)),
        }
        text.push('\n');
    }
    let exports: Vec<&str> = exports(source).collect();
    text + &format!("return {{ {} }};\n}})();\n", exports.join(", "))
}

/// What a line imports, in braces or nothing, and from where.
fn import(line: &str) -> Option<(&str, &str)> {
    let (names, file) = line.strip_prefix("import ")?.strip_suffix("\";")?.split_once("\"./")?;
    Some((names.trim_end().trim_end_matches("from").trim_end(), file))
}

/// The names of what a module exports.
fn exports(source: &str) -> impl Iterator<Item = &str> {
    source.lines().filter_map(|line| {
        let declared = line.strip_prefix("export ")?;
        let declared = declared.strip_prefix("async ").unwrap_or(declared);
        declared.split(' ').nth(1)?.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next()
    })
}

/// The constant that a module is in the joined one. No module of ours declares a name with a `$`.
fn ident(name: &str) -> String {
    format!("${}", name.trim_end_matches(".js"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::runtime::sources;

    /// Whether a line that begins like an import or an export is of a kind that means the same when it is joined:
    /// nothing renamed, nothing that can be assigned anew, nothing without a name.
    fn understood(line: &str) -> bool {
        let is_name = |name: &str| name.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
        if let Some((names, _)) = import(line) {
            let names = names.strip_prefix("{ ").and_then(|names| names.strip_suffix(" }"));
            return line.starts_with("import \"") || names.is_some_and(|names| names.split(", ").all(is_name));
        }
        let Some(declared) = line.strip_prefix("export ") else { return false };
        let kinds = ["const ", "class ", "function ", "async function "];
        let Some(rest) = kinds.iter().find_map(|kind| declared.strip_prefix(kind)) else { return false };
        rest.split([' ', '(']).next().is_some_and(|name| !name.is_empty() && is_name(name))
    }

    /// Whether a line begins with an import or an export, whatever follows; `import()` is neither.
    fn declares(line: &str) -> bool {
        let behind = line.strip_prefix("import").or_else(|| line.strip_prefix("export"));
        behind.is_some_and(|behind| !behind.starts_with(|next: char| next.is_alphanumeric() || "_$(.".contains(next)))
    }

    #[test]
    fn what_would_mean_something_else_is_not_understood() {
        for line in [
            "import { a } from \"./a.js\";",
            "import { a, B2 } from \"./a.js\";",
            "import \"./a.js\";",
            "export const a = 1;",
            "export class A extends B {",
            "export function a(b) {",
            "export async function a() {",
        ] {
            assert!(declares(line) && understood(line), "{line}");
        }
        for line in [
            "import a from \"./a.js\";",
            "import * as a from \"./a.js\";",
            "import { a as b } from \"./a.js\";",
            "import {",
            "import { a } from \"a\";",
            "import{a}from\"./a.js\";",
            "export let a = 1;",
            "export var a = 1;",
            "export default 1;",
            "export { a };",
            "export * from \"./a.js\";",
            "export function* a() {",
            "export const { a, b } = c;",
        ] {
            assert!(declares(line) && !understood(line), "{line}");
        }
    }

    #[test]
    fn the_runtime_is_understood() {
        for (name, source) in sources() {
            let lines = source.lines().filter(|line| !line.is_empty());
            for line in lines.clone().filter(|line| declares(line)) {
                assert!(understood(line), "{name}: {line}");
            }
            // Imports take place before all else, wherever they stand; joined, where they stand.
            let late = lines.skip_while(|line| import(line).is_some()).find(|line| import(line).is_some());
            assert_eq!(late, None, "{name}");
        }
    }

    /// A circle of modules works as long as each waits with what it takes from the others; joined, it would not.
    #[test]
    fn the_runtime_has_no_circle() {
        let modules = sources();
        let order = order(&modules);
        assert!(order.len() > 1, "{order:?}");
        for (at, name) in order.iter().enumerate() {
            for (_, file) in modules[name].lines().filter_map(import) {
                assert!(order[..at].contains(&file), "{name} imports {file}");
            }
        }
    }

    #[test]
    fn what_the_entry_needs_is_in_it_in_order_and_the_rest_finds_it_there() {
        let modules = BTreeMap::from([
            ("loader.js", "import \"./view.js\";\nimport { a, b } from \"./value.js\";\n\na(b);\n".to_owned()),
            ("value.js", "export const a = (one) => one;\nconst c = 1;\nexport async function b() {}\n".to_owned()),
            ("view.js", "import { a } from \"./value.js\";\nexport class View {}\n".to_owned()),
            ("later.js", "import { a } from \"./value.js\";\n".to_owned()),
        ]);
        let joined = join(modules.clone());
        assert_eq!(
            joined["loader.js"],
            "const $value = (() => { // value.js
const a = (one) => one;
const c = 1;
async function b() {}
return { a, b };
})();
const $view = (() => { // view.js
const { a } = $value;
class View {}
return { View };
})();
const $loader = (() => { // loader.js

const { a, b } = $value;

a(b);
return {  };
})();
export { $value, $view, $loader };
"
        );
        assert_eq!(joined["value.js"], "import { $value } from \"./loader.js\";\nexport const { a, b } = $value;\n");
        assert_eq!(joined["later.js"], modules["later.js"]);
    }
}
