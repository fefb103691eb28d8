//! One value in a few words, as HTML: what `pages/gallery-values.js` shows of a value, before it runs.

use anywidget_host::Value;

use super::gallery::escaped;

/// Characters after which a list or an object ends with how many more there are.
const MOST: usize = 320;
/// Characters of one text (UTF-16 units, as JavaScript counts).
const MOST_TEXT: usize = 160;

/// The value as JSON; bytes, numbers that JSON lacks and what is left out in words.
pub(crate) fn summary(value: &Value) -> String {
    let mut summary = Summary { html: String::new(), left: MOST };
    summary.value(value);
    summary.html
}

struct Summary {
    html: String,
    left: usize,
}

impl Summary {
    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.text("null"),
            Value::Bool(truth) => self.text(&truth.to_string()),
            Value::Int(number) => self.text(&number.to_string()),
            Value::Uint(number) => self.text(&number.to_string()),
            Value::Float(number) => self.number(*number),
            Value::String(text) => self.string(text),
            Value::Bytes(blob) => self.note(&format!("bytes · {}", size(blob.len()))),
            Value::Array(items) => self.list(["[", "]"], items.iter(), |summary, item| summary.value(item)),
            Value::Object(map) => self.list(["{", "}"], map.iter(), |summary, (key, value)| {
                summary.string(key);
                summary.text(": ");
                summary.value(value);
            }),
        }
    }

    fn list<T>(
        &mut self,
        [open, close]: [&str; 2],
        items: impl ExactSizeIterator<Item = T>,
        each: impl Fn(&mut Self, T),
    ) {
        self.text(open);
        let count = items.len();
        for (at, item) in items.enumerate() {
            if at > 0 {
                self.text(", ");
            }
            if at > 0 && self.left == 0 {
                self.note(&format!("… {} more", count - at));
                break;
            }
            each(self, item);
        }
        self.text(close);
    }

    fn string(&mut self, text: &str) {
        let units = text.encode_utf16().count();
        if units <= MOST_TEXT {
            return self.text(&quoted(text));
        }
        let mut taken = 0;
        let shown = text.chars().take_while(|letter| {
            taken += letter.len_utf16();
            taken <= MOST_TEXT
        });
        self.text(&quoted(&shown.collect::<String>()));
        self.note(&format!(" … {units} characters"));
    }

    /// As JavaScript writes it.
    fn number(&mut self, number: f64) {
        let size = number.abs();
        match () {
            () if number.is_nan() => self.note("NaN"),
            () if number.is_infinite() => self.note(if number > 0.0 { "Infinity" } else { "-Infinity" }),
            () if number == 0.0 => self.text("0"),
            () if (1e-6..1e21).contains(&size) => self.text(&number.to_string()),
            () if size >= 1e21 => self.text(&format!("{number:e}").replace('e', "e+")),
            () => self.text(&format!("{number:e}")),
        }
    }

    fn text(&mut self, text: &str) {
        self.left = self.left.saturating_sub(text.encode_utf16().count());
        self.html.push_str(&escaped(text));
    }

    fn note(&mut self, text: &str) {
        self.html.push_str(&format!(r#"<span class="g-note">{}</span>"#, escaped(text)));
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// In the unit that says it with few digits.
fn size(bytes: usize) -> String {
    let tenths = |unit: usize| {
        let tenths = (bytes + unit / 20) / (unit / 10);
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    match bytes {
        0..1000 => format!("{bytes} B"),
        1000..9950 => format!("{} kB", tenths(1000)),
        9950..999_500 => format!("{} kB", (bytes + 500) / 1000),
        _ => format!("{} MB", tenths(1_000_000)),
    }
}

#[cfg(test)]
mod tests {
    use anywidget_host::Blob;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_json_and_what_json_lacks_is_named() {
        for (value, expected) in [
            (json!({"a": [1, 2.5, null], "b": "<\n"}).into(), r#"{"a": [1, 2.5, null], "b": "<\n"}"#),
            (json!([]).into(), "[]"),
            (json!({}).into(), "{}"),
            (2.0.into(), "2"),
            ((-0.0).into(), "0"),
            (1e21.into(), "1e+21"),
            (1.5e-7.into(), "1.5e-7"),
            (123456789012345680000.0.into(), "123456789012345680000"),
        ] {
            assert_eq!(summary(&value), escaped(expected));
        }
        assert_eq!(summary(&f64::NAN.into()), r#"<span class="g-note">NaN</span>"#);
        assert_eq!(summary(&Blob::from(vec![0; 1250]).into()), r#"<span class="g-note">bytes · 1.3 kB</span>"#);
    }

    #[test]
    fn what_is_long_is_counted() {
        let numbers: Value = (0..1000).map(Value::from).collect();
        let text = summary(&numbers);
        assert!(text.starts_with("[0, 1, 2") && text.len() < 500, "{text}");
        assert!(text.ends_with(" more</span>]"), "{text}");
        let text = summary(&"😀".repeat(81).into());
        assert_eq!(text, format!(r#"&quot;{}&quot;<span class="g-note"> … 162 characters</span>"#, "😀".repeat(80)));
    }

    #[test]
    fn sizes_have_few_digits() {
        for (bytes, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (9949, "9.9 kB"),
            (9950, "10 kB"),
            (999_499, "999 kB"),
            (999_500, "1.0 MB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}
