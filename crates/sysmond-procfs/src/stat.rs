//! The parser of `/proc/stat`.

use crate::text::{fields, lines, number};

/// The time that processors spent in each mode since the kernel started, in ticks. Time of guests is inside `user`
/// and `nice` already, and in no sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CpuTimes {
    pub(crate) user: u64,
    pub(crate) nice: u64,
    pub(crate) system: u64,
    pub(crate) idle: u64,
    pub(crate) iowait: u64,
    pub(crate) irq: u64,
    pub(crate) softirq: u64,
    pub(crate) steal: u64,
    pub(crate) guest: u64,
    pub(crate) guest_nice: u64,
}

impl CpuTimes {
    /// Columns that an old kernel lacks are 0; the first four were always there.
    fn parse<'a>(columns: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let mut times = [0; 10];
        let mut count = 0;
        for (slot, column) in times.iter_mut().zip(columns) {
            *slot = number(column)?;
            count += 1;
        }
        let [user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice] = times;
        let times = Self { user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice };
        (count >= 4).then_some(times)
    }

    /// The ticks of all modes.
    pub(crate) fn total(&self) -> u64 {
        [self.user, self.nice, self.system, self.idle, self.iowait, self.irq, self.softirq, self.steal]
            .into_iter()
            .fold(0, u64::saturating_add)
    }

    /// The ticks of all modes but idle ones.
    pub(crate) fn busy(&self) -> u64 {
        Self { idle: 0, iowait: 0, ..*self }.total()
    }

    /// What each mode took since `last`. A mode that went back, as iowait and steal do on some kernels, took nothing.
    pub(crate) fn since(&self, last: &Self) -> Self {
        Self {
            user: self.user.saturating_sub(last.user),
            nice: self.nice.saturating_sub(last.nice),
            system: self.system.saturating_sub(last.system),
            idle: self.idle.saturating_sub(last.idle),
            iowait: self.iowait.saturating_sub(last.iowait),
            irq: self.irq.saturating_sub(last.irq),
            softirq: self.softirq.saturating_sub(last.softirq),
            steal: self.steal.saturating_sub(last.steal),
            guest: self.guest.saturating_sub(last.guest),
            guest_nice: self.guest_nice.saturating_sub(last.guest_nice),
        }
    }
}

/// The kinds of soft interrupts in the order of their columns.
pub(crate) const SOFT_INTERRUPTS: [&str; 10] =
    ["hi", "timer", "net_tx", "net_rx", "block", "irq_poll", "tasklet", "sched", "hrtimer", "rcu"];

/// A line that says something to us.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// All cores together.
    Total(CpuTimes),
    /// One core, by its number as written.
    Core(&'a [u8], CpuTimes),
    /// Interrupts since the kernel started.
    Interrupts(u64),
    /// Soft interrupts since the kernel started, all and by [`SOFT_INTERRUPTS`]; kinds that an old kernel lacks are 0.
    SoftInterrupts(u64, [u64; SOFT_INTERRUPTS.len()]),
    /// Context switches since the kernel started.
    ContextSwitches(u64),
    /// When the kernel started, Unix seconds.
    BootTime(u64),
    /// Processes and threads started since the kernel started.
    Forks(u64),
    /// Tasks that run or could.
    Running(u64),
    /// Tasks that wait for I/O.
    Blocked(u64),
}

/// The lines of the text that say something to us; what cannot be read is passed over.
pub(crate) fn parse(text: &[u8]) -> impl Iterator<Item = Line<'_>> {
    lines(text).filter_map(line)
}

fn line(line: &[u8]) -> Option<Line<'_>> {
    let mut columns = fields(line);
    let key = columns.next()?;
    if let Some(core) = key.strip_prefix(b"cpu") {
        let times = CpuTimes::parse(columns)?;
        return match core {
            b"" => Some(Line::Total(times)),
            _ => core.iter().all(u8::is_ascii_digit).then_some(Line::Core(core, times)),
        };
    }
    let make = match key {
        // The longest line by far, one column per interrupt: the first is their sum.
        b"intr" => Line::Interrupts,
        b"softirq" => return soft_interrupts(columns),
        b"ctxt" => Line::ContextSwitches,
        b"btime" => Line::BootTime,
        b"processes" => Line::Forks,
        b"procs_running" => Line::Running,
        b"procs_blocked" => Line::Blocked,
        _ => return None,
    };
    Some(make(number(columns.next()?)?))
}

fn soft_interrupts<'a>(mut columns: impl Iterator<Item = &'a [u8]>) -> Option<Line<'a>> {
    let total = number(columns.next()?)?;
    let mut kinds = [0; SOFT_INTERRUPTS.len()];
    for (slot, column) in kinds.iter_mut().zip(columns) {
        *slot = number(column)?;
    }
    Some(Line::SoftInterrupts(total, kinds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_understood() {
        let check = |text: &str, expected| assert_eq!(parse(text.as_bytes()).next(), expected, "{text}");
        let times = CpuTimes {
            user: 1,
            nice: 2,
            system: 3,
            idle: 4,
            iowait: 5,
            irq: 6,
            softirq: 7,
            steal: 8,
            guest: 9,
            guest_nice: 10,
        };
        check("cpu  1 2 3 4 5 6 7 8 9 10", Some(Line::Total(times)));
        check("cpu12 1 2 3 4 5 6 7 8 9 10", Some(Line::Core(b"12", times)));
        let old = CpuTimes { user: 1, nice: 2, system: 3, idle: 4, ..CpuTimes::default() };
        check("cpu 1 2 3 4", Some(Line::Total(old)));
        check("intr 7 0 0 5", Some(Line::Interrupts(7)));
        check("softirq 9 1 2", Some(Line::SoftInterrupts(9, [1, 2, 0, 0, 0, 0, 0, 0, 0, 0])));
        check("ctxt 7", Some(Line::ContextSwitches(7)));
        check("btime 1795327958", Some(Line::BootTime(1_795_327_958)));
        check("processes 8", Some(Line::Forks(8)));
        check("procs_running 2", Some(Line::Running(2)));
        check("procs_blocked 1", Some(Line::Blocked(1)));
    }

    #[test]
    fn what_cannot_be_read_is_passed_over() {
        for text in ["cpu 1 2 3", "cpu 1 2 3 x", "cpux 1 2 3 4", "ctxt", "ctxt -1", "intr", ""] {
            assert_eq!(parse(text.as_bytes()).next(), None, "{text}");
        }
    }
}
