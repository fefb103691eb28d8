//! Cuts what is large into the fragments of one WebSocket message.
//!
//! tungstenite's buffer never shrinks, so a frame sent whole leaves its size behind with every
//! connection that got it; and each fragment has its own time to be taken, so a slow page that reads is
//! not one that does not.

use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::protocol::Payload;

/// The most one fragment holds, in bytes.
const FRAGMENT: usize = 16 << 10;

/// The messages that carry a payload: itself, or its fragments.
pub(super) fn fragments(payload: Payload) -> impl Iterator<Item = Message> {
    let len = payload.len();
    let (whole, kind, bytes) = match payload {
        Payload::Text(text) if len <= FRAGMENT => (Some(Message::Text(text)), Data::Text, Default::default()),
        Payload::Binary(bytes) if len <= FRAGMENT => (Some(Message::Binary(bytes)), Data::Binary, Default::default()),
        Payload::Text(text) => (None, Data::Text, text.into()),
        Payload::Binary(bytes) => (None, Data::Binary, bytes),
    };
    let bytes: bytes::Bytes = bytes;
    let parts = (0..bytes.len()).step_by(FRAGMENT).map(move |start| {
        let end = (start + FRAGMENT).min(bytes.len());
        let code = OpCode::Data(if start == 0 { kind } else { Data::Continue });
        Message::Frame(Frame::message(bytes.slice(start..end), code, end == bytes.len()))
    });
    whole.into_iter().chain(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_small_goes_whole() {
        for len in [0, 1, FRAGMENT] {
            let messages: Vec<_> = fragments(Payload::Binary(vec![7; len].into())).collect();
            assert_eq!(messages, [Message::Binary(vec![7; len].into())]);
        }
    }

    #[test]
    fn what_is_large_goes_in_parts_that_make_it_up() {
        let bytes: Vec<u8> = (0..2 * FRAGMENT + 1).map(|i| i as u8).collect();
        let frames: Vec<Frame> = fragments(Payload::Binary(bytes.clone().into()))
            .map(|message| match message {
                Message::Frame(frame) => frame,
                other => panic!("not a fragment: {other:?}"),
            })
            .collect();
        let codes: Vec<OpCode> = frames.iter().map(|frame| frame.header().opcode).collect();
        assert_eq!(codes, [Data::Binary, Data::Continue, Data::Continue].map(OpCode::Data));
        assert_eq!(frames.iter().map(|frame| frame.header().is_final).collect::<Vec<_>>(), [false, false, true]);
        assert_eq!(frames.iter().flat_map(|frame| frame.payload().to_vec()).collect::<Vec<u8>>(), bytes);
    }
}
