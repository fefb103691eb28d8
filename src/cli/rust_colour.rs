//! Rust source as HTML with a little colour. It knows no more of the language than `snippet` writes.

use super::gallery::escaped;

const KEYWORDS: [&str; 7] = ["async", "await", "else", "fn", "let", "struct", "use"];
const PRIMITIVES: [&str; 4] = ["bool", "f64", "i64", "u64"];

/// The same text, with spans around comments, attributes, strings, keywords, types and numbers.
pub(crate) fn coloured(source: &str) -> String {
    let mut html = String::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let (class, len) = match first {
            '/' if rest.starts_with("//") => ("c", rest.find('\n').unwrap_or(rest.len())),
            '#' if rest.starts_with("#[") => ("a", rest.find("]\n").map_or(rest.len(), |at| at + 1)),
            '"' => ("s", string(rest)),
            '0'..='9' => ("n", span(rest, |c| c.is_ascii_alphanumeric() || c == '.' || c == '_')),
            'a'..='z' | 'A'..='Z' | '_' => {
                let len = span(rest, |c| c.is_ascii_alphanumeric() || c == '_');
                let word = &rest[..len];
                let class = match () {
                    () if KEYWORDS.contains(&word) => "k",
                    () if PRIMITIVES.contains(&word) || first.is_ascii_uppercase() => "t",
                    () => "",
                };
                (class, len)
            }
            other => ("", other.len_utf8()),
        };
        let (token, after) = rest.split_at(len);
        match class {
            "" => html.push_str(&escaped(token)),
            class => html.push_str(&format!(r#"<span class="g-{class}">{}</span>"#, escaped(token))),
        }
        rest = after;
    }
    html
}

fn span(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// The length of the string literal that the text begins with.
fn string(text: &str) -> usize {
    let mut escape = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            '"' if !escape => return at + 1,
            letter => escape = letter == '\\' && !escape,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_changes_no_text() {
        let source = "#[widget(path = \"a]b\")]\nstruct A<'x> {\n    a: Vec<i64>, // \"no\" & <b>\n}\nlet s = \"\\\"&\\\\\"; f(1.5e3, r#type)";
        let html = coloured(source);
        let text: String = html.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect();
        let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
        assert_eq!(plain.replace("&amp;", "&"), source);
        assert!(html.contains(r#"<span class="g-s">&quot;\&quot;&amp;\\&quot;</span>"#), "{html}");
    }
}
