//! What may happen in a simulation, and how often.

use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;

use super::board::{KEYS, SERVER_KEY};

/// Pages at once.
pub(super) const PAGES: usize = 3;

/// Everything that may happen. Those at a page happen at the one that the action names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The page sets keys and does not save.
    Edit,
    Save,
    /// Both.
    Write,
    /// The page sends a custom message.
    Send,
    /// The page asks for everything, as one does that has to give up a write.
    Ask,
    /// The page opens a connection and says hello.
    Connect,
    /// Frames of the page arrive.
    Up,
    /// The host gives frames to the network.
    Serve,
    /// Frames of the host arrive.
    Down,
    /// The page loses its connection, and of what it sent only a beginning arrives. The host notices nothing.
    Cut,
    /// The page is hidden: it sends what it has and closes.
    Hide,
    /// The page is loaded anew.
    Reload,
    /// Frames arrive that a page sent over a connection which it has given up.
    Late,
    /// The host notices that such a connection is gone.
    Notice,
    /// Rust changes keys.
    Commit,
    /// Rust takes a key away.
    Remove,
    /// Rust sends a custom message to every page.
    Say,
    /// Rust changes a key, then says so.
    CommitAndSay,
    /// The disk writes, answers that it has written, or fails.
    DiskWrites,
    DiskAnswers,
    DiskFails,
    /// The process is killed at this moment, and the next one starts.
    Kill,
    /// The process ends as it should, and the next one starts.
    End,
    /// Every connection is lost, and the model leaves memory and comes back.
    Sleep,
    Wait,
}

/// How often each thing happens, compared to the others.
pub(super) type Mix = &'static [(Kind, u32)];

/// Everything but the end of a process.
pub(super) const NETWORK: Mix = {
    use Kind::*;
    &[
        (Write, 8),
        (Edit, 3),
        (Save, 2),
        (Send, 3),
        (Ask, 1),
        (Connect, 8),
        (Up, 14),
        (Serve, 14),
        (Down, 14),
        (Cut, 3),
        (Hide, 2),
        (Reload, 1),
        (Late, 5),
        (Notice, 2),
        (Commit, 5),
        (Remove, 1),
        (Say, 2),
        (CommitAndSay, 2),
        (Wait, 2),
    ]
};

/// With a disk, and processes that end in every way.
pub(super) const RESTARTS: Mix = {
    use Kind::*;
    &[
        (Write, 10),
        (Edit, 2),
        (Save, 1),
        (Send, 3),
        (Ask, 1),
        (Connect, 14),
        (Up, 16),
        (Serve, 16),
        (Down, 16),
        (Cut, 2),
        (Hide, 2),
        (Reload, 1),
        (Late, 4),
        (Notice, 1),
        (Commit, 5),
        (Remove, 3),
        (Say, 2),
        (CommitAndSay, 2),
        (Wait, 2),
        (DiskWrites, 8),
        (DiskAnswers, 16),
        (DiskFails, 2),
        (Kill, 3),
        (End, 2),
        (Sleep, 1),
    ]
};

/// Many writers of the same keys, and slow answers.
pub(super) const CONFLICTS: Mix = {
    use Kind::*;
    &[
        (Write, 20),
        (Edit, 10),
        (Save, 6),
        (Commit, 14),
        (Connect, 8),
        (Up, 12),
        (Serve, 8),
        (Down, 8),
        (Send, 2),
        (Ask, 1),
        (Cut, 3),
        (Late, 3),
        (Remove, 1),
    ]
};

/// Mostly custom messages.
pub(super) const MESSAGES: Mix = {
    use Kind::*;
    &[
        (Say, 8),
        (CommitAndSay, 6),
        (Send, 8),
        (Ask, 1),
        (Write, 4),
        (Connect, 8),
        (Up, 12),
        (Serve, 12),
        (Down, 12),
        (Cut, 4),
        (Hide, 2),
        (Late, 4),
        (Notice, 2),
        (Commit, 2),
        (Wait, 2),
    ]
};

impl Kind {
    /// Whether no connection outlives it.
    pub(super) fn hangs_up(self) -> bool {
        matches!(self, Kind::Kill | Kind::End | Kind::Sleep)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Action {
    pub(super) kind: Kind,
    /// Of the pages, which one.
    pub(super) who: usize,
    /// How much, or of several things which one: 0 to 7.
    pub(super) amount: usize,
}

impl Action {
    /// One of a mix, by three numbers.
    fn of(mix: Mix, mut at: u32, who: usize, amount: usize) -> Action {
        for (kind, weight) in mix {
            match at.checked_sub(*weight) {
                Some(rest) => at = rest,
                None => return Action { kind: *kind, who, amount },
            }
        }
        unreachable!("the number is below the sum of the weights")
    }

    /// How many frames.
    pub(super) fn frames(self) -> usize {
        if self.amount == 7 { usize::MAX } else { self.amount + 1 }
    }

    /// Which keys: one or some, and now and then one that pages may not write.
    pub(super) fn keys(self) -> Vec<&'static str> {
        match self.amount {
            one @ 0..4 => vec![KEYS[one]],
            4 => vec!["a", "b"],
            5 => vec!["b", "c", "x"],
            6 => vec![SERVER_KEY],
            _ => vec!["c", SERVER_KEY],
        }
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({}, {})", self.kind, self.who, self.amount)
    }
}

fn sum(mix: Mix) -> u32 {
    mix.iter().map(|(_, weight)| weight).sum()
}

/// So many actions at most. A failing case gets shorter, and its actions tend to the first of the mix.
pub(super) fn actions(mix: Mix, most: usize) -> impl Strategy<Value = Vec<Action>> {
    let action = (0..sum(mix), 0..PAGES, 0..8_usize);
    vec(action.prop_map(move |(at, who, amount)| Action::of(mix, at, who, amount)), 0..most)
}

/// So many actions that a seed repeats, whatever libraries do.
pub(super) fn drawn(mix: Mix, seed: u64, count: usize) -> Vec<Action> {
    let mut state = seed;
    let mut draw = move |below: u32| {
        // SplitMix64, by Steele, Lea and Flood.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % u64::from(below)) as u32
    };
    (0..count).map(|_| Action::of(mix, draw(sum(mix)), draw(PAGES as u32) as usize, draw(8) as usize)).collect()
}
