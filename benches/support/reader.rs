//! What runs in the client process: many sockets, each of which must get every frame, in order.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::task::JoinSet;

use super::Failure;
use super::again::end_with_parent;
use super::client::{Kind, Plan};
use super::socket::Socket;
use super::stats::percentile;

/// Bytes read at once.
const BUFFER: usize = 256 << 10;

/// What all sockets of the process have got so far.
struct Seen {
    buffer: Vec<u8>,
    frames: u64,
    bytes: usize,
    latencies: Vec<f64>,
}

/// Does what the plan says and tells the process that started this one on standard output.
pub async fn run(plan: Plan) -> Result<(), Failure> {
    end_with_parent();
    let mut sockets = Vec::with_capacity(plan.sockets);
    for _ in 0..plan.sockets {
        sockets.push(Socket::open(&plan.address, &plan.path).await?);
    }
    let seen = Rc::new(RefCell::new(Seen { buffer: vec![0; BUFFER], frames: 0, bytes: 0, latencies: Vec::new() }));
    for (at, socket) in sockets.iter_mut().enumerate() {
        socket.greet(at).await?;
    }
    say("ready");
    let plan = Rc::new(plan);
    let mut readers = JoinSet::new();
    for socket in sockets {
        readers.spawn_local(read(socket, plan.clone(), seen.clone()));
    }
    while let Some(reader) = readers.join_next().await {
        reader??;
    }
    let finished = now();
    let seen = &mut *seen.borrow_mut();
    seen.latencies.sort_by(f64::total_cmp);
    let latency = |share| percentile(&seen.latencies, share);
    say(&format!("done {finished} {} {} {} {}", seen.frames, seen.bytes, latency(0.5), latency(0.99)));
    Ok(())
}

/// Reads one socket until it has the last frame.
async fn read(mut socket: Socket, plan: Rc<Plan>, seen: Rc<RefCell<Seen>>) -> Result<(), Failure> {
    let timed = plan.kind != Kind::Flood;
    let mut last = 0;
    while last < plan.last {
        socket.readable().await?;
        let seen = &mut *seen.borrow_mut();
        let Seen { buffer, frames, bytes, latencies } = seen;
        let at = if timed { now() } else { 0.0 };
        socket.read(buffer, |frame| {
            if frame.is_empty() {
                return Ok(()); // a heartbeat
            }
            let number = match plan.kind {
                Kind::Flood | Kind::Messages => number_at_end(frame),
                Kind::State => number_behind(frame, br#""rev":"#),
            };
            let number = number.ok_or_else(|| format!("a frame without number: {}", String::from_utf8_lossy(frame)))?;
            let follows = match plan.kind {
                Kind::Flood | Kind::Messages => number == last + 1,
                Kind::State => number > last,
            };
            if !follows {
                return Err(format!("frame {number} after {last}: {}", String::from_utf8_lossy(frame)).into());
            }
            last = number;
            *frames += 1;
            *bytes += frame.len();
            if timed {
                let sent = number_behind(frame, br#""at":"#).ok_or("a frame without time")?;
                latencies.push(at - sent as f64 / 1e6);
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The number before the last brace: a custom message's `n`.
fn number_at_end(frame: &[u8]) -> Option<u64> {
    let digits = frame.strip_suffix(b"}")?;
    let start = digits.iter().rposition(|byte| !byte.is_ascii_digit())? + 1;
    if !digits[..start].ends_with(br#""n":"#) {
        return None;
    }
    number(&digits[start..])
}

/// The number behind the first of these names.
fn number_behind(frame: &[u8], name: &[u8]) -> Option<u64> {
    let start = frame.windows(name.len()).position(|window| window == name)? + name.len();
    let digits = frame[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    number(&frame[start..start + digits])
}

fn number(digits: &[u8]) -> Option<u64> {
    (!digits.is_empty()).then(|| digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

/// Seconds since 1970: a clock that both processes have.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    // Without a reader there is no bench any more.
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
