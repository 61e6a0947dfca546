//! Snapshots as bytes: columns of small integers, compressed where there are many.
//!
//! ```text
//! version (1 byte), crc32 of all that follows (4, little-endian), 0 and the payload as it is,
//! or 1, its size (varint) and the payload compressed by zstd
//! payload: snapshots and identities (varints), then one after the other
//!   by snapshot: times, numbers in the order of storing, milliseconds, totals (signed, each less the one before)
//!   by identity: process numbers (signed, each less the one before), users, names (sections),
//!     commands (0, or 1 and a section)
//!   by identity: snapshots (varints): the first less that of the identity before, then in turn how many in a row it is
//!     in and how many it is not in, until it is in no more of them, which 0 says
//!   by identity and within by snapshot: states (bytes), threads, shares (0 for none, or 1 more), memory (signed, each
//!     less the one before of the same process), bytes read, bytes written (as shares)
//! ```

use super::hour::{Figures, Hour, Identity, MAX_ENTRIES, MAX_ROWS, Row};
use crate::codec::Damaged;
use crate::codec::bytes::{Bytes, put_section, put_signed, put_size, put_varint};
use sysmond_model::limits::{MAX_PROCESS_COMMAND_BYTES, MAX_PROCESS_NAME_BYTES};

/// The version that is written.
const VERSION: u8 = 1;
/// What a payload may have at most: every process of every snapshot another one, with the longest words.
const MAX_PAYLOAD: usize = 24 * 1024 * 1024;
/// zstd's level for hours: they are packed seldom and read for days.
const LEVEL: i32 = 9;
/// A payload that is shorter is kept as it is: there is little that repeats within one snapshot.
const COMPRESS_FROM: usize = 4096;

const PLAIN: u8 = 0;
const COMPRESSED: u8 = 1;

/// The bytes of snapshots.
pub(crate) fn encode(hour: &Hour) -> Vec<u8> {
    let payload = payload(hour);
    let mut out = vec![VERSION, 0, 0, 0, 0];
    let short =
        (payload.len() >= COMPRESS_FROM).then(|| zstd::bulk::compress(&payload, LEVEL).ok()).flatten();
    if let Some(short) = short {
        out.push(COMPRESSED);
        put_size(&mut out, payload.len());
        out.extend(short);
    } else {
        out.push(PLAIN);
        out.extend(payload);
    }
    let sum = crc32fast::hash(out.get(5..).unwrap_or_default());
    if let Some(place) = out.get_mut(1..5) {
        place.copy_from_slice(&sum.to_le_bytes());
    }
    out
}

fn payload(hour: &Hour) -> Vec<u8> {
    let Hour { identities, rows } = hour;
    let mut out = Vec::with_capacity(rows.iter().map(|row| 32 + row.entries.len() * 12).sum());
    put_size(&mut out, rows.len());
    put_size(&mut out, identities.len());
    let columns: [fn(&Row) -> i64; 4] =
        [|row| row.at, |row| row.seq, |row| row.millis.cast_signed(), |row| row.total.into()];
    for column in columns {
        put_differences(&mut out, rows.iter().map(column));
    }
    put_differences(&mut out, identities.iter().map(|identity| identity.pid.into()));
    for identity in identities {
        put_varint(&mut out, identity.user.into());
    }
    for identity in identities {
        put_section(&mut out, identity.name.as_bytes());
    }
    for identity in identities {
        out.push(u8::from(identity.command.is_some()));
        if let Some(command) = &identity.command {
            put_section(&mut out, command.as_bytes());
        }
    }
    put_figures(&mut out, &by_identity(hour));
    out
}

fn put_differences(out: &mut Vec<u8>, numbers: impl Iterator<Item = i64>) {
    let mut last = 0_i64;
    for number in numbers {
        put_signed(out, number.wrapping_sub(last));
        last = number;
    }
}

/// Of each identity the snapshots that it is in, and its figures.
fn by_identity(hour: &Hour) -> Vec<Vec<(usize, &Figures)>> {
    let mut of = vec![Vec::new(); hour.identities.len()];
    for (place, row) in hour.rows.iter().enumerate() {
        for (identity, figures) in &row.entries {
            if let Some(of) = usize::try_from(*identity).ok().and_then(|identity| of.get_mut(identity)) {
                of.push((place, figures));
            }
        }
    }
    of
}

fn put_figures(out: &mut Vec<u8>, by_identity: &[Vec<(usize, &Figures)>]) {
    let mut before = 0;
    for entries in by_identity {
        let first = entries.first().map_or(before, |(row, _)| *row);
        put_signed(out, (first as u64).cast_signed() - (before as u64).cast_signed());
        before = first;
        put_runs(out, entries);
    }
    let all = || by_identity.iter().flatten().map(|(_, figures)| figures);
    all().for_each(|figures| out.push(figures.state));
    for entries in by_identity {
        put_differences(out, entries.iter().map(|(_, figures)| figures.threads.into()));
    }
    all().for_each(|figures| put_optional(out, figures.share));
    for entries in by_identity {
        put_differences(out, entries.iter().map(|(_, figures)| figures.memory.cast_signed()));
    }
    all().for_each(|figures| put_optional(out, figures.read));
    all().for_each(|figures| put_optional(out, figures.written));
}

fn put_runs(out: &mut Vec<u8>, entries: &[(usize, &Figures)]) {
    let mut runs = entries.chunk_by(|(a, _), (b, _)| a + 1 == *b).peekable();
    while let Some(run) = runs.next() {
        put_size(out, run.len());
        let end = run.last().map_or(0, |(row, _)| row + 1);
        put_size(out, runs.peek().and_then(|next| next.first()).map_or(0, |(row, _)| row - end));
    }
    if entries.is_empty() {
        put_size(out, 0);
    }
}

fn put_optional(out: &mut Vec<u8>, code: Option<u64>) {
    put_varint(out, code.map_or(0, |code| code + 1));
}

/// Reads them again. What it gives is never larger than the limits allow.
pub(crate) fn decode(data: &[u8]) -> Result<Hour, Damaged> {
    let mut bytes = checked(data)?;
    match bytes.byte()? {
        PLAIN => read(Bytes::new(bytes.rest())),
        COMPRESSED => {
            let size = bytes.size(MAX_PAYLOAD)?;
            let payload =
                zstd::bulk::decompress(bytes.rest(), size).map_err(|_| Damaged("not compressed by zstd"))?;
            if payload.len() != size {
                return Err(Damaged("a payload of another size"));
            }
            read(Bytes::new(&payload))
        }
        _ => Err(Damaged("no such compression")),
    }
}

/// Compares the checksum.
pub(crate) fn check(data: &[u8]) -> Result<(), Damaged> {
    checked(data).map(drop)
}

/// What lies behind the checksum.
fn checked(data: &[u8]) -> Result<Bytes<'_>, Damaged> {
    let mut bytes = Bytes::new(data);
    if bytes.byte()? != VERSION {
        return Err(Damaged("snapshots of another version"));
    }
    if u32::from_le_bytes(bytes.array()?) != crc32fast::hash(bytes.rest()) {
        return Err(Damaged("the snapshots' checksum is wrong"));
    }
    Ok(bytes)
}

fn read(mut bytes: Bytes<'_>) -> Result<Hour, Damaged> {
    let bytes = &mut bytes;
    // Each snapshot and each identity has several bytes at least: no more is made room for than there is.
    let count = bytes.size(MAX_ROWS.min(bytes.rest().len()))?;
    let identities = bytes.size(MAX_ENTRIES.min(bytes.rest().len()))?;
    let times = differences(bytes, count)?;
    let seqs = differences(bytes, count)?;
    let millis = differences(bytes, count)?;
    let totals = differences(bytes, count)?;
    if !times.is_sorted_by(|a, b| a < b) {
        return Err(Damaged("snapshots out of order"));
    }
    let numbers = seqs.into_iter().zip(millis).zip(totals);
    let row = |(at, ((seq, millis), total)): (i64, ((i64, i64), i64))| {
        let millis = u64::try_from(millis).map_err(|_| Damaged("a negative time"))?;
        Ok(Row { at, seq, millis, total: small(total)?, entries: Vec::new() })
    };
    let rows = times.into_iter().zip(numbers).map(row).collect::<Result<_, _>>()?;
    let mut hour = Hour { identities: read_identities(bytes, identities)?, rows };
    let places = read_places(bytes, identities, count)?;
    read_figures(bytes, &mut hour, &places)?;
    if bytes.is_empty() { Ok(hour) } else { Err(Damaged("bytes behind the snapshots")) }
}

fn small(number: i64) -> Result<u32, Damaged> {
    u32::try_from(number).map_err(|_| Damaged("a number beyond 32 bits"))
}

fn differences(bytes: &mut Bytes<'_>, count: usize) -> Result<Vec<i64>, Damaged> {
    let mut last = 0_i64;
    let mut next = || {
        last = last.wrapping_add(bytes.signed()?);
        Ok(last)
    };
    (0..count).map(|_| next()).collect()
}

fn read_identities(bytes: &mut Bytes<'_>, count: usize) -> Result<Vec<Identity>, Damaged> {
    let pids = differences(bytes, count)?;
    let mut identities = Vec::with_capacity(count);
    for pid in pids {
        identities.push(Identity { pid: small(pid)?, ..Identity::default() });
    }
    for identity in &mut identities {
        identity.user = u32::try_from(bytes.varint()?).map_err(|_| Damaged("a number beyond 32 bits"))?;
    }
    for identity in &mut identities {
        identity.name = word(bytes, MAX_PROCESS_NAME_BYTES)?;
    }
    for identity in &mut identities {
        identity.command = match bytes.byte()? {
            0 => None,
            1 => Some(word(bytes, MAX_PROCESS_COMMAND_BYTES)?),
            _ => return Err(Damaged("no such command")),
        };
    }
    Ok(identities)
}

fn word(bytes: &mut Bytes<'_>, limit: usize) -> Result<String, Damaged> {
    let word = bytes.section()?;
    if word.len() > limit {
        return Err(Damaged("a word beyond its limit"));
    }
    std::str::from_utf8(word).map(str::to_owned).map_err(|_| Damaged("a word that is no text"))
}

/// Of each identity the snapshots that it is in.
fn read_places(bytes: &mut Bytes<'_>, identities: usize, rows: usize) -> Result<Vec<Vec<usize>>, Damaged> {
    let beyond = Damaged("no such snapshot");
    let (mut first, mut entries) = (0_i64, 0);
    let mut places = Vec::with_capacity(identities);
    for _ in 0..identities {
        first = first.wrapping_add(bytes.signed()?);
        let mut row = usize::try_from(first).map_err(|_| beyond)?;
        let mut of = Vec::new();
        loop {
            let run = bytes.size(rows)?;
            let end = row.checked_add(run).filter(|end| *end <= rows).ok_or(beyond)?;
            of.extend(row..end);
            entries += run;
            if entries > MAX_ENTRIES {
                return Err(Damaged("too many processes"));
            }
            if run == 0 {
                break;
            }
            let gap = bytes.size(rows)?;
            if gap == 0 {
                break;
            }
            row = end + gap;
        }
        places.push(of);
    }
    Ok(places)
}

fn read_figures(bytes: &mut Bytes<'_>, hour: &mut Hour, places: &[Vec<usize>]) -> Result<(), Damaged> {
    let count = places.iter().map(Vec::len).sum();
    let states = bytes.take(count)?;
    let mut all: Vec<Figures> =
        states.iter().map(|state| Figures { state: *state, ..Figures::default() }).collect();
    if !states.iter().all(u8::is_ascii) {
        return Err(Damaged("no such state"));
    }
    let lengths: Vec<usize> = places.iter().map(Vec::len).collect();
    each_difference(bytes, &lengths, &mut all, |figures, threads| {
        figures.threads = small(threads)?;
        Ok(())
    })?;
    for figures in &mut all {
        figures.share = bytes.varint()?.checked_sub(1);
    }
    each_difference(bytes, &lengths, &mut all, |figures, memory| {
        figures.memory = u64::try_from(memory).map_err(|_| Damaged("negative memory"))?;
        Ok(())
    })?;
    for figures in &mut all {
        figures.read = bytes.varint()?.checked_sub(1);
    }
    for figures in &mut all {
        figures.written = bytes.varint()?.checked_sub(1);
        figures.check()?;
    }
    let owners =
        places.iter().zip(0_u32..).flat_map(|(rows, identity)| rows.iter().map(move |row| (row, identity)));
    for ((row, identity), figures) in owners.zip(all) {
        if let Some(row) = hour.rows.get_mut(*row) {
            row.entries.push((identity, figures));
        }
    }
    Ok(())
}

/// A column of differences that begins anew with each identity.
fn each_difference(
    bytes: &mut Bytes<'_>,
    lengths: &[usize],
    all: &mut [Figures],
    mut put: impl FnMut(&mut Figures, i64) -> Result<(), Damaged>,
) -> Result<(), Damaged> {
    let mut all = all.iter_mut();
    for length in lengths {
        let mut last = 0_i64;
        for figures in all.by_ref().take(*length) {
            last = last.wrapping_add(bytes.signed()?);
            put(figures, last)?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "bytes_tests.rs"]
mod tests;
