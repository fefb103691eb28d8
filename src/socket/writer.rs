//! Writes frames straight to the connection.
//!
//! tungstenite would copy every frame into a buffer that never shrinks. Here many small frames share one
//! write, a large one is written from where it is, and the memory goes when the burst is over.
//!
//! tungstenite still answers pings and closes on the same connection, between frames of ours: it writes
//! only while the session reads, when everything here is flushed, and is flushed itself before the next frame.

use std::io::{self, IoSlice};
use std::iter::once;
use std::slice;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::protocol::{Frames, Payload, write_head};

/// Bytes that are gathered for one write. Larger payloads are not copied.
const GATHERED: usize = 16 << 10;
/// A buffer of this size is kept between bursts, so that single frames cost no allocation.
const KEPT: usize = 512;

#[derive(Default)]
pub(super) struct Writer {
    gathered: Vec<u8>,
}

/// Why a write did not go through.
pub(super) enum Failed {
    /// The connection is gone.
    Gone,
    /// The peer took nothing for as long as it may.
    Slow,
}

impl Writer {
    /// Adds a frame, and writes when enough is gathered.
    pub(super) async fn feed<S>(&mut self, stream: &mut S, payload: Payload, patience: Duration) -> Result<(), Failed>
    where
        S: AsyncWrite + Unpin,
    {
        write_head(&payload, &mut self.gathered);
        self.put(stream, payload.pieces(), payload.len(), patience).await
    }

    /// Adds frames that have their heads, and writes when enough is gathered.
    pub(super) async fn forward<S>(&mut self, stream: &mut S, frames: Frames, patience: Duration) -> Result<(), Failed>
    where
        S: AsyncWrite + Unpin,
    {
        self.put(stream, slice::from_ref(&frames), frames.len(), patience).await
    }

    async fn put<S, P>(&mut self, stream: &mut S, pieces: &[P], len: usize, patience: Duration) -> Result<(), Failed>
    where
        S: AsyncWrite + Unpin,
        P: AsRef<[u8]>,
    {
        if len > GATHERED {
            let pieces = pieces.iter().map(AsRef::as_ref);
            let mut slices: Vec<_> = once(&self.gathered[..]).chain(pieces).map(IoSlice::new).collect();
            write_all(stream, &mut slices, patience).await?;
            self.gathered.clear();
            return Ok(());
        }
        for piece in pieces {
            self.gathered.extend_from_slice(piece.as_ref());
        }
        if self.gathered.len() < GATHERED { Ok(()) } else { self.write(stream, patience).await }
    }

    /// Writes what is gathered.
    pub(super) async fn flush<S>(&mut self, stream: &mut S, patience: Duration) -> Result<(), Failed>
    where
        S: AsyncWrite + Unpin,
    {
        if !self.gathered.is_empty() {
            self.write(stream, patience).await?;
        }
        if self.gathered.capacity() > KEPT {
            self.gathered = Vec::new();
        }
        Ok(())
    }

    async fn write<S>(&mut self, stream: &mut S, patience: Duration) -> Result<(), Failed>
    where
        S: AsyncWrite + Unpin,
    {
        write_all(stream, &mut [IoSlice::new(&self.gathered)], patience).await?;
        self.gathered.clear();
        Ok(())
    }
}

/// Writes everything. The patience is for each part that the peer takes, so that a slow one that reads is
/// not one that does not.
async fn write_all<S>(stream: &mut S, mut slices: &mut [IoSlice<'_>], patience: Duration) -> Result<(), Failed>
where
    S: AsyncWrite + Unpin,
{
    while !slices.is_empty() {
        // A timer only for those that have to wait.
        let written: io::Result<usize> = match stream.write_vectored(slices).now_or_never() {
            Some(written) => written,
            None => timeout(patience, stream.write_vectored(slices)).await.map_err(|_| Failed::Slow)?,
        };
        match written {
            Ok(0) | Err(_) => return Err(Failed::Gone),
            Ok(written) => IoSlice::advance_slices(&mut slices, written),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::StreamExt;
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn frames_of_every_length_are_read_as_they_were_written() {
        let pieces = [1, 0, 20_000, 3, 70_000, 5].map(|len| Bytes::from(vec![len as u8; len]));
        let whole = Payload::Pieces(pieces.into());
        let bytes = whole.clone().into_bytes();
        let lengths = [0, 1, 125, 126, 127, 16_383, 16_384, 16_385, 65_535, 65_536, 1_000_000];
        let (mut ours, theirs) = tokio::io::duplex(1_000);
        let config = WebSocketConfig::default().max_frame_size(None);
        let mut reader = WebSocketStream::from_raw_socket(theirs, Role::Client, Some(config)).await;
        let writing = tokio::spawn(async move {
            let mut writer = Writer::default();
            for len in lengths {
                let text = Payload::Text("x".repeat(len).into());
                let binary = Payload::Binary(vec![7; len].into());
                for payload in [text, binary] {
                    assert!(writer.feed(&mut ours, payload, PATIENCE).await.is_ok());
                }
            }
            assert!(writer.feed(&mut ours, whole, PATIENCE).await.is_ok());
            assert!(writer.feed(&mut ours, Payload::heartbeat(), PATIENCE).await.is_ok());
            assert!(writer.flush(&mut ours, PATIENCE).await.is_ok());
            assert_eq!(writer.gathered.capacity(), 0, "the memory of a burst is kept");
        });
        for len in lengths {
            assert_eq!(reader.next().await.unwrap().unwrap(), Message::text("x".repeat(len)));
            assert_eq!(reader.next().await.unwrap().unwrap(), Message::binary(vec![7; len]));
        }
        assert_eq!(reader.next().await.unwrap().unwrap(), Message::Binary(bytes));
        assert_eq!(reader.next().await.unwrap().unwrap(), Message::text(""));
        writing.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_slow_and_one_that_takes_a_little_is_not() {
        let (mut ours, mut theirs) = tokio::io::duplex(1_000);
        let long = Payload::Binary(vec![7; 20_000].into());
        let mut writer = Writer::default();
        let reading = async {
            let mut left = 20_004; // with the head
            while left > 0 {
                tokio::time::sleep(PATIENCE / 2).await;
                left -= tokio::io::AsyncReadExt::read(&mut theirs, &mut [0; 500]).await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(writer.feed(&mut ours, long.clone(), PATIENCE), reading);
        assert!(written.is_ok());
        assert!(matches!(writer.feed(&mut ours, long, PATIENCE).await, Err(Failed::Slow)));
    }
}
