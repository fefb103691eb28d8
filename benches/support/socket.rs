//! The client's side of a WebSocket, as cheap as it can be, so that a bench measures the server.
//!
//! Frames are split in the buffer they were read into; one buffer serves all sockets of a process.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Failure;

/// A connection after its upgrade.
pub struct Socket {
    stream: TcpStream,
    /// The beginning of a frame whose end has not come yet.
    begun: Vec<u8>,
}

impl Socket {
    /// Opens a WebSocket.
    pub async fn open(address: &str, path: &str) -> Result<Socket, Failure> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        if !head.starts_with(b"HTTP/1.1 101") {
            return Err(String::from_utf8_lossy(&head).into_owned().into());
        }
        Ok(Socket { stream, begun: Vec::new() })
    }

    /// Sends a short text frame, masked with zeros.
    pub async fn send(&mut self, text: &str) -> Result<(), Failure> {
        let len = u8::try_from(text.len()).ok().filter(|len| *len < 126).ok_or("a short frame, please")?;
        let mut frame = vec![0x81, 0x80 | len, 0, 0, 0, 0];
        frame.extend(text.as_bytes());
        Ok(self.stream.write_all(&frame).await?)
    }

    /// Waits until there is something to read.
    pub async fn readable(&self) -> Result<(), Failure> {
        Ok(self.stream.readable().await?)
    }

    /// Opens a session on it: says `hello` and waits for the answer, whatever it is.
    pub async fn greet(&mut self, session: usize) -> Result<(), Failure> {
        self.send(&format!(r#"{{"type":"hello","version":1,"session":"bench-{session}"}}"#)).await?;
        let mut buffer = vec![0; 16 << 10];
        let mut greeted = false;
        while !greeted {
            self.readable().await?;
            self.read(&mut buffer, |_| {
                greeted = true;
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Reads what is there, as far as `buffer` takes it, and hands over the frames that are whole.
    ///
    /// # Errors
    /// When the connection is over, or `take` says so.
    pub fn read(
        &mut self,
        buffer: &mut [u8],
        mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let read = match self.stream.try_read(buffer) {
            Ok(0) => return Err("the server closed a socket".into()),
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        if self.begun.is_empty() {
            let rest = split(&buffer[..read], &mut take)?;
            self.begun.extend(rest);
        } else {
            self.begun.extend(&buffer[..read]);
            let rest = split(&self.begun, &mut take)?.len();
            let done = self.begun.len() - rest;
            self.begun.drain(..done);
        }
        Ok(())
    }
}

/// Hands over each whole frame's payload; the answer is what is left.
fn split<'a>(mut bytes: &'a [u8], take: &mut impl FnMut(&[u8]) -> Result<(), Failure>) -> Result<&'a [u8], Failure> {
    loop {
        let (len, head) = match *bytes {
            [_, len @ 0..126, ..] => (usize::from(len), 2),
            [_, 126, a, b, ..] => (usize::from(u16::from_be_bytes([a, b])), 4),
            [_, 127, a, b, c, d, e, f, g, h, ..] => (u64::from_be_bytes([a, b, c, d, e, f, g, h]) as usize, 10),
            _ => return Ok(bytes),
        };
        let Some(payload) = bytes.get(head..head + len) else { return Ok(bytes) };
        match bytes[0] {
            0x81 | 0x82 => take(payload)?,
            0x88 => return Err(format!("the server closed a socket: {:?}", String::from_utf8_lossy(payload)).into()),
            first => return Err(format!("a frame that begins with {first:#x}").into()),
        }
        bytes = &bytes[head + len..];
    }
}
