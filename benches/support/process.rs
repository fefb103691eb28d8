//! What a process used: its processor time and its memory, as Linux counts them.

use super::Failure;

/// Clock ticks per second in `/proc`; every Linux has 100.
const TICKS: f64 = 100.0;

/// Processor seconds that this process has used, in user code and in the kernel.
pub fn own_cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The same of another process, to a hundredth of a second.
pub fn cpu(id: u32) -> Result<f64, Failure> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name of the program is in parentheses and may hold blanks; 11 fields lie between it and the times.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).ok_or("no times in /proc");
    Ok((ticks(11)? + ticks(12)?) / TICKS)
}

/// Resident memory of a process in bytes.
pub fn resident(id: u32) -> Result<f64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS in /proc")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? * 1024.0)
}
