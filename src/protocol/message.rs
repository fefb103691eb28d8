//! A custom message, encoded before its place among the others is known.

use serde::Serialize;

use super::codec::encode;
use super::frames::Encoded;
use super::host::HostFrame;
use super::scratch::Scratch;
use crate::value::{Blob, Value, ValueError, write_json};

/// A message without its place, the rev it comes after and its number. As these stand last in a frame, whoever
/// holds a lock to number messages has little to write.
pub(crate) enum Draft {
    /// JSON, as far as the place.
    Text(Scratch),
    /// What JSON would lose something of.
    Values { content: Value, buffers: Vec<Blob> },
}

impl Draft {
    /// # Errors
    /// When `content` cannot be written as a [`Value`].
    pub(crate) fn new(content: impl Serialize, buffers: Vec<Blob>) -> Result<Draft, ValueError> {
        if buffers.is_empty()
            && let Some(text) = text(&content)
        {
            return Ok(Draft::Text(text));
        }
        Ok(Draft::Values { content: Value::encode(content)?, buffers })
    }

    /// The same of what is a value already.
    pub(crate) fn of(content: Value, buffers: Vec<Blob>) -> Draft {
        match text(&content).filter(|_| buffers.is_empty()) {
            Some(text) => Draft::Text(text),
            None => Draft::Values { content, buffers },
        }
    }

    /// The frame. Without a number it is for one page alone.
    pub(crate) fn at(self, rev: u64, n: Option<u64>) -> Encoded {
        match self {
            Draft::Text(mut text) => {
                digits(rev, &mut text);
                if let Some(n) = n {
                    text.extend_from_slice(br#","n":"#);
                    digits(n, &mut text);
                }
                text.push(b'}');
                Encoded::Text(text)
            }
            Draft::Values { content, buffers } => {
                encode(&HostFrame::Message { content, buffers, rev, n }.into_value()).into()
            }
        }
    }
}

fn text(content: &impl Serialize) -> Option<Scratch> {
    let mut text = Scratch::new();
    text.extend_from_slice(br#"{"type":"message","content":"#);
    write_json(content, &mut text).ok()?;
    text.extend_from_slice(br#","buffers":[],"rev":"#);
    Some(text)
}

/// Writing a number into memory has no way to fail.
fn digits(number: u64, text: &mut Vec<u8>) {
    let _ = serde_json::to_writer(text, &number);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Payload;
    use super::*;
    use crate::value::tests::any_value;

    proptest! {
        #[test]
        fn a_draft_becomes_the_frame_that_is_encoded_at_once(
            content in any_value(),
            buffers in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9).prop_map(Blob::from), 0..3),
            rev in 0..u64::from(u32::MAX),
            n in prop::option::of(0..u64::from(u32::MAX)),
        ) {
            let draft = Draft::new(&content, buffers.clone()).unwrap();
            let whole = encode(&HostFrame::Message { content, buffers, rev, n }.into_value());
            prop_assert_eq!(Payload::from(draft.at(rev, n)), whole);
        }
    }
}
