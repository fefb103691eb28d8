//! Every number of the protocol, with its unit and default, in one place.

use std::time::Duration;

/// What a host grants its pages. All of it can be changed through [`HostBuilder::limits`].
///
/// ```
/// use anywidget_host::Limits;
///
/// let limits = Limits { frame_bytes: 64 << 20, ..Limits::default() };
/// assert_eq!(limits.heartbeat.as_secs(), 25);
/// ```
///
/// [`HostBuilder::limits`]: crate::HostBuilder::limits
#[derive(Debug, Clone)]
pub struct Limits {
    /// The largest incoming frame, in bytes; a larger one closes its socket with 4413. 16 MiB.
    pub frame_bytes: usize,
    /// The largest value inside a frame, in bytes, to a page that fetches what is larger; see
    /// `docs/protocol.md`. 64 KiB.
    pub inline_bytes: usize,
    /// The same to a page on the host's own machine, where nothing is slow. 1 MiB.
    pub inline_bytes_near: usize,
    /// Silence after which the host sends a heartbeat, give or take 20 %. 25 s.
    pub heartbeat: Duration,
    /// How long a socket may take to say `hello`. 10 s.
    pub hello: Duration,
    /// How long one write may wait for a page that does not read before the socket is closed with
    /// 4002; the page then comes back for the latest values. 60 s.
    pub write: Duration,
    /// Sustained incoming frames per second and session; beyond it the host reads slower. 2,000.
    pub frames_per_second: u32,
    /// Incoming frames that a session may send at once before that rate counts. 10,000.
    pub frame_burst: u32,
    /// Answers that may wait for a page that does not read them; beyond it the host reads nothing
    /// more from that page until it has taken some. 1,024.
    pub answers: usize,
    /// Custom messages kept per model for pages that come back. 4,096.
    pub messages: usize,
    /// Bytes of custom messages kept per model, the newest one always. 4 MiB.
    pub message_bytes: usize,
    /// How long a session is remembered after its last socket. One hour.
    pub session_memory: Duration,
    /// Sessions remembered per model; the oldest goes first. 10,000.
    pub sessions: usize,
    /// Answers remembered per session, for frames that come again. 4,096.
    pub acks: usize,
    /// Keys of a state whose keys are not declared. 1,000.
    pub keys: usize,
    /// Bytes of one such key's name. 256.
    pub key_bytes: usize,
    /// Bytes of a value that still goes into the seed of a fragment. 16 KiB.
    pub seed_bytes: usize,
    /// State frames to one session within [`Limits::pace_window`] before further ones are merged. 64.
    pub pace_frames: u32,
    /// See [`Limits::pace_frames`]. 50 ms.
    pub pace_window: Duration,
    /// How long merged state may wait. 8 ms.
    pub pace_delay: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            frame_bytes: 16 << 20,
            inline_bytes: 64 << 10,
            inline_bytes_near: 1 << 20,
            heartbeat: Duration::from_secs(25),
            hello: Duration::from_secs(10),
            write: Duration::from_secs(60),
            frames_per_second: 2_000,
            frame_burst: 10_000,
            answers: 1_024,
            messages: 4_096,
            message_bytes: 4 << 20,
            session_memory: Duration::from_secs(3_600),
            sessions: 10_000,
            acks: 4_096,
            keys: 1_000,
            key_bytes: 256,
            seed_bytes: 16 << 10,
            pace_frames: 64,
            pace_window: Duration::from_millis(50),
            pace_delay: Duration::from_millis(8),
        }
    }
}
