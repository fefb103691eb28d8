//! The table a bench prints: Markdown, so that it goes into `docs/performance.md` as it is.

/// Rows of what was measured, ours beside its yardstick.
pub struct Table(Vec<[String; 5]>);

/// What a row has to reach.
#[derive(Clone, Copy)]
pub enum Target {
    /// Ours is at least this share of the yardstick.
    AtLeast(f64),
    /// Ours is at most this many times the yardstick.
    AtMost(f64),
    /// Ours is at most this much, whatever the yardstick.
    Below(f64, Unit),
    None,
}

/// How a number is written.
#[derive(Clone, Copy)]
pub enum Unit {
    PerSecond,
    /// Of seconds.
    Time,
    Bytes,
    /// Of one.
    Share,
}

impl Unit {
    pub fn write(self, value: f64) -> String {
        match self {
            Unit::PerSecond => format!("{}/s", scaled(value)),
            Unit::Time => time(value),
            Unit::Bytes => bytes(value),
            Unit::Share => format!("{value:.2}"),
        }
    }
}

impl Table {
    /// A table under its head, which names the bench's yardstick.
    pub fn new(yardstick: &str) -> Table {
        let head = ["what", "ours", yardstick, "ratio", "target"].map(str::to_owned);
        Table(vec![head])
    }

    /// A row; the ratio is ours by the yardstick's.
    pub fn row(&mut self, what: &str, unit: Unit, ours: f64, yardstick: Option<f64>, target: Target) {
        let ratio = yardstick.map(|yardstick| ours / yardstick);
        let verdict = |met: bool| if met { "met" } else { "MISSED" };
        let target = match (target, ratio) {
            (Target::AtLeast(least), Some(ratio)) => format!("≥ {least:.2}: {}", verdict(ratio >= least)),
            (Target::AtMost(most), Some(ratio)) => format!("≤ {most:.2}: {}", verdict(ratio <= most)),
            (Target::Below(most, unit), _) => format!("≤ {}: {}", unit.write(most), verdict(ours <= most)),
            _ => String::new(),
        };
        let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
        let yardstick = yardstick.map_or(String::new(), |yardstick| unit.write(yardstick));
        self.0.push([what.to_owned(), unit.write(ours), yardstick, ratio, target]);
    }

    /// Prints it, and an empty line behind it.
    pub fn print(&self) {
        let width = |column: usize| self.0.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).max(2);
        let widths: [usize; 5] = std::array::from_fn(width);
        for (at, row) in self.0.iter().enumerate() {
            let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| match column {
                0 | 4 => format!(" {cell:<width$} "),
                _ => format!(" {cell:>width$} "),
            });
            println!("|{}|", cells.collect::<Vec<_>>().join("|"));
            if at == 0 {
                let rules = widths.iter().enumerate().map(|(column, width)| match column {
                    0 | 4 => format!(" {} ", "-".repeat(*width)),
                    _ => format!(" {}: ", "-".repeat(width - 1)),
                });
                println!("|{}|", rules.collect::<Vec<_>>().join("|"));
            }
        }
        println!();
    }
}

fn scaled(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{:.2} M", value / 1e6),
        value if value >= 1e4 => format!("{:.0} k", value / 1e3),
        value if value >= 100.0 || value == value.trunc() => format!("{value:.0}"),
        value => format!("{value:.1}"),
    }
}

fn time(seconds: f64) -> String {
    match seconds {
        seconds if seconds >= 1.0 => format!("{seconds:.2} s"),
        seconds if seconds >= 1e-3 => format!("{:.2} ms", seconds * 1e3),
        seconds if seconds >= 1e-6 => format!("{:.2} µs", seconds * 1e6),
        seconds => format!("{:.0} ns", seconds * 1e9),
    }
}

fn bytes(value: f64) -> String {
    match value {
        value if value >= 1_048_576.0 => format!("{:.1} MiB", value / 1_048_576.0),
        value if value >= 1024.0 => format!("{:.2} KiB", value / 1024.0),
        value => format!("{value:.0} B"),
    }
}
