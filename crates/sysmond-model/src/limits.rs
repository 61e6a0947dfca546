//! The named limits of everything that comes from outside, each with its reason.

/// A push body after decompression, bytes: a day of backlog fits in a few, a bomb does not fit in one.
pub const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;
/// Samples in one push: what [`MAX_BODY_BYTES`] holds of the shortest samples.
pub const MAX_SAMPLES_PER_PUSH: usize = 100_000;
/// A host's name, bytes: RFC 1035 names have at most 253 characters.
pub const MAX_HOSTNAME_BYTES: usize = 253;
/// A metric's name, bytes.
pub const MAX_METRIC_TYPE_BYTES: usize = 128;
/// A canonical tags string of one sample, bytes: a mount's path and its key fit.
pub const MAX_SAMPLE_TAGS_BYTES: usize = 512;
/// Free-form tags of a host.
pub const MAX_HOST_TAGS: usize = 32;
/// A key or a value of a host's tag, bytes.
pub const MAX_HOST_TAG_BYTES: usize = 256;
/// An agent's version or platform, bytes.
pub const MAX_AGENT_WORD_BYTES: usize = 64;
/// Series of one host at a time: hundreds of cores, disks and interfaces fit; a runaway label does not.
pub const MAX_SERIES_PER_HOST: usize = 5_000;
/// Series of one host of which samples are kept, those that ended included: a thousand containers a day for weeks.
pub const MAX_KNOWN_SERIES_PER_HOST: usize = 50_000;
/// Series of one host of which only summaries are left: two years of three new containers a day. The oldest are
/// forgotten first.
pub const MAX_FORMER_SERIES_PER_HOST: usize = 10_000;
/// Columns of one block of the store: a usual host fits into one, and to read one series of a host with thousands not
/// all of them have to be read.
pub const MAX_COLUMNS_PER_BLOCK: usize = 512;
/// Hosts of one aggregator.
pub const MAX_HOSTS: usize = 10_000;
/// How far ahead of the server's clock a sample may be, milliseconds.
pub const MAX_AHEAD_MS: i64 = 10 * 60 * 1000;
/// Points of one series in one answer.
pub const MAX_POINTS: usize = 11_000;
/// Series in one answer of a range query.
pub const MAX_SERIES_PER_ANSWER: usize = 500;
/// Snapshots of processes in one push: those of a push of samples that takes some minutes of a backlog.
pub const MAX_SNAPSHOTS_PER_PUSH: usize = 256;
/// Snapshots of one host in an hour: an agent makes 360.
pub const MAX_SNAPSHOTS_PER_HOUR: usize = 720;
/// Processes of one snapshot: an agent tells of thirty, the first ten by each of three figures.
pub const MAX_PROCESSES_PER_SNAPSHOT: usize = 64;
/// A process' name, bytes: the kernel's own threads have the longest, of 63.
pub const MAX_PROCESS_NAME_BYTES: usize = 64;
/// A process' command line, bytes: an agent cuts at 256 and marks the cut.
pub const MAX_PROCESS_COMMAND_BYTES: usize = 260;
