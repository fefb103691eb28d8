//! A WebSocket written by hand, for frames that no proper client sends.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Site, soon};

/// A connection after its upgrade, byte by byte.
pub struct Raw(TcpStream);

/// The bits of a frame's first byte.
pub const FIN: u8 = 0x80;
pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CONTINUATION: u8 = 0x0;
pub const PING: u8 = 0x9;

/// A frame as a page sends it: masked (with zeros, which leave it readable).
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..126 => frame.push(0x80 | len as u8),
        len @ 126..65536 => {
            frame.push(0x80 | 126);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(0x80 | 127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

impl Site {
    /// A WebSocket to a model.
    pub async fn raw(&self, model: &str) -> Raw {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        self.handshake(&mut stream, model).await;
        Raw(stream)
    }

    /// Makes a connection a WebSocket to a model.
    pub async fn handshake(&self, stream: &mut TcpStream, model: &str) {
        let request = format!(
            "GET {}/models/{model}/ws HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
            self.base, self.address
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(soon("the answer to an upgrade", stream.read_u8()).await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    }
}

impl Raw {
    pub async fn send(&mut self, bytes: &[u8]) {
        soon("sending", self.0.write_all(bytes)).await.unwrap();
    }

    /// The code of the close frame that comes, after any others.
    pub async fn close_code(&mut self) -> u16 {
        loop {
            let (first, payload) = soon("a close frame", self.frame()).await;
            if first == FIN | 0x8 {
                return u16::from_be_bytes([payload[0], payload[1]]);
            }
        }
    }

    async fn frame(&mut self) -> (u8, Vec<u8>) {
        let first = self.0.read_u8().await.expect("a frame before the end of the connection");
        let len = match self.0.read_u8().await.unwrap() {
            126 => self.0.read_u16().await.unwrap() as usize,
            127 => self.0.read_u64().await.unwrap() as usize,
            len => len as usize,
        };
        let mut payload = vec![0; len];
        self.0.read_exact(&mut payload).await.unwrap();
        (first, payload)
    }
}
