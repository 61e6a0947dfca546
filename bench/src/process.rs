//! What a server took, by the kernel's account of its process.

use anyhow::{Context, Result};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// The unit of times in `/proc/PID/stat`: a hundredth of a second, on every Linux.
const TICK: Duration = Duration::from_millis(10);
/// How often a server is looked at while it finishes what it does in the background.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Part of one processor below which a server counts as quiet.
const QUIET_SHARE: f64 = 0.02;
/// Longest wait for quiet.
const LONGEST_SETTLE: Duration = Duration::from_mins(20);

/// Totals since a process began.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Processor time, of user and of system.
    pub cpu: Duration,
    /// Bytes of pages that it made dirty, as the kernel counts them: a folio whole where one page of it was written.
    /// What was read ahead, such as a log that is read after a crash, lies in folios of up to a hundred pages and more.
    pub dirtied: u64,
    /// Bytes that the device below its data took, of all processes; `None` where no device has them.
    pub device: Option<u64>,
}

impl Usage {
    /// What came since `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        let device = self.device.zip(before.device).map(|(now, before)| now.saturating_sub(before));
        let dirtied = self.dirtied.saturating_sub(before.dirtied);
        Self { cpu: self.cpu.saturating_sub(before.cpu), dirtied, device }
    }
}

/// Memory now, bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// All pages that are present.
    pub resident: u64,
    /// Those of them that are no file's.
    pub anonymous: u64,
    /// The most that was ever present.
    pub peak: u64,
}

fn read(pid: u32, file: &str) -> Result<String> {
    let path = format!("/proc/{pid}/{file}");
    std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
}

/// The number behind `name`.
fn field(text: &str, name: &str) -> Result<u64> {
    let value =
        text.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
    Ok(value.split_whitespace().next().unwrap_or_default().parse()?)
}

/// Processor time of a process.
pub fn cpu(pid: u32) -> Result<Duration> {
    cpu_of(&read(pid, "stat")?)
}

fn cpu_of(stat: &str) -> Result<Duration> {
    // The name, in parentheses, may contain anything.
    let (_, rest) = stat.rsplit_once(')').context("no name in stat")?;
    let times: Vec<u32> = rest.split_whitespace().skip(11).take(2).flat_map(str::parse).collect();
    let [user, system] = *times else { anyhow::bail!("no times in stat") };
    Ok(TICK * (user + system))
}

/// Totals of a process whose data lie in `folder`.
pub fn usage(pid: u32, folder: &Path) -> Result<Usage> {
    let dirtied = field(&read(pid, "io")?, "write_bytes:")?;
    Ok(Usage { cpu: cpu(pid)?, dirtied, device: device_bytes(folder)? })
}

/// What the device took on which `folder` lies, of all processes.
fn device_bytes(folder: &Path) -> Result<Option<u64>> {
    let (major, minor) = device_numbers(folder.metadata()?.dev());
    // A file system of several devices, or of none, has no such file.
    let Ok(stat) = std::fs::read_to_string(format!("/sys/dev/block/{major}:{minor}/stat")) else {
        return Ok(None);
    };
    sectors_written(&stat).map(|sectors| Some(sectors * 512))
}

/// The two parts of a device's number, as Linux puts them together.
const fn device_numbers(device: u64) -> (u64, u64) {
    let major = device >> 8 & 0xfff | device >> 32 & !0xfff;
    let minor = device & 0xff | device >> 12 & !0xff;
    (major, minor)
}

fn sectors_written(stat: &str) -> Result<u64> {
    Ok(stat.split_whitespace().nth(6).context("no sectors in a device's stat")?.parse()?)
}

/// Memory of a process.
pub fn memory(pid: u32) -> Result<Memory> {
    let (now, status) = (read(pid, "smaps_rollup")?, read(pid, "status")?);
    Ok(Memory {
        resident: field(&now, "Rss:")? * 1024,
        anonymous: field(&now, "Anonymous:")? * 1024,
        peak: field(&status, "VmHWM:")? * 1024,
    })
}

/// A process with all that it started.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tree {
    /// Processor time, of those that ended too.
    pub cpu: Duration,
    /// Bytes that they caused to be written to storage.
    pub written: u64,
    /// Pages that are present now, bytes; what two share counts for each.
    pub resident: u64,
    /// Those of them that are no file's.
    pub anonymous: u64,
}

/// Figures of a process and of its descendants.
pub fn tree(root: u32) -> Result<Tree> {
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // It may have ended meanwhile.
        let Ok(stat) = read(pid, "stat") else { continue };
        parents.push((pid, columns(&stat)?.get(1).copied().unwrap_or(0)));
    }
    let mut members = vec![root];
    let mut place = 0;
    while let Some(member) = members.get(place).copied() {
        members
            .extend(parents.iter().filter(|(_, parent)| *parent == u64::from(member)).map(|(pid, _)| *pid));
        place += 1;
    }
    let mut sum = Tree::default();
    for pid in members {
        let ticks: u64 = columns(&read(pid, "stat")?)?.iter().skip(11).take(4).sum();
        let memory = memory(pid)?;
        sum.cpu += TICK * u32::try_from(ticks)?;
        sum.written += field(&read(pid, "io")?, "write_bytes:")?;
        sum.resident += memory.resident;
        sum.anonymous += memory.anonymous;
    }
    Ok(sum)
}

/// What stands behind the name in `stat`: the state, which is no number, as 0, the parent and so on.
fn columns(stat: &str) -> Result<Vec<u64>> {
    let (_, rest) = stat.rsplit_once(')').context("no name in stat")?;
    Ok(rest.split_whitespace().map(|word| word.parse().unwrap_or(0)).collect())
}

/// Bytes that a folder's files take on disk.
pub fn disk_bytes(folder: &Path) -> Result<u64> {
    let mut total = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        // Background work may have removed it meanwhile.
        let Ok(metadata) = path.symlink_metadata() else { continue };
        total += if metadata.is_dir() { disk_bytes(&path).unwrap_or(0) } else { metadata.blocks() * 512 };
    }
    Ok(total)
}

/// Waits until a server has done nothing to speak of for `quiet`.
pub fn settle(pid: u32, quiet: Duration) -> Result<()> {
    let begin = Instant::now();
    let (mut quiet_since, mut before) = (begin, cpu(pid)?);
    while quiet_since.elapsed() < quiet && begin.elapsed() < LONGEST_SETTLE {
        thread::sleep(LOOK_EVERY.min(quiet / 2));
        let now = cpu(pid)?;
        if now.saturating_sub(before).as_secs_f64() > LOOK_EVERY.as_secs_f64() * QUIET_SHARE {
            quiet_since = Instant::now();
        }
        before = now;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_stand_behind_the_name() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 2 3 4 150 25 5 6 20 0 1 0 9 10 11";
        assert_eq!(cpu_of(stat).expect("readable"), Duration::from_millis(1750));
        assert!(cpu_of("nonsense").is_err());
    }

    #[test]
    fn a_device_says_what_it_took() {
        assert_eq!((device_numbers(0xfe00), device_numbers(0x0010_0803)), ((254, 0), (8, 259)));
        let stat = "  101 2 3333 4 505 66 7070 8 0 9 10\n";
        assert_eq!(sectors_written(stat).expect("readable"), 7070);
        assert!(sectors_written("1 2 3").is_err());
    }

    #[test]
    fn a_tree_has_its_branches() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("it starts");
        let (whole, branch) = (tree(std::process::id()).expect("Linux"), tree(child.id()).expect("Linux"));
        child.kill().expect("it runs");
        child.wait().expect("it is ours");
        assert!(whole.resident > branch.resident && branch.resident > 0);
    }

    #[test]
    fn our_own_figures_can_be_read() {
        let own = std::process::id();
        let memory = memory(own).expect("Linux");
        assert!(memory.resident >= memory.anonymous && memory.peak > 0);
        usage(own, &std::env::temp_dir()).expect("Linux");
    }

    #[test]
    fn a_folder_is_as_large_as_its_files() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("inner")).expect("writable");
        std::fs::write(folder.path().join("inner/file"), vec![1; 100_000]).expect("writable");
        assert!((100_000..200_000).contains(&disk_bytes(folder.path()).expect("readable")));
    }
}
