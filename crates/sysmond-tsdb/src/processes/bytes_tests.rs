use super::*;
use proptest::prelude::*;
use sysmond_model::{ProcessSnapshot, ProcessUse, Timestamp};

fn process() -> impl Strategy<Value = ProcessUse> {
    let rate = || prop::option::of(prop_oneof![Just(0.0), 0.0..1e12]);
    let words = (0_u32..6, "[a-zé(: ]{0,9}", prop::option::of("[a-z -]{0,30}"), 0_u32..3);
    let figures = (any::<u32>(), prop::option::of(0.0..=100.0), any::<u64>(), rate(), rate());
    let state = prop::sample::select(vec!['R', 'S', 'D', 'Z']);
    (words, figures, state).prop_map(|(words, figures, state)| {
        let (pid, name, command, user) = words;
        let (threads, cpu_percent, memory_bytes, read_bytes, write_bytes) = figures;
        let memory_bytes = memory_bytes >> 4;
        ProcessUse {
            pid,
            name,
            command,
            user,
            state,
            threads,
            cpu_percent,
            memory_bytes,
            read_bytes,
            write_bytes,
        }
    })
}

fn hour() -> impl Strategy<Value = Hour> {
    let snapshot = (prop::collection::vec(process(), 0..8), 0_u32..40_000, 0.0..100.0);
    let one = (any::<i32>(), 1_i64..1 << 40, snapshot).prop_map(|(at, seq, (processes, total, seconds))| {
        let snapshot = ProcessSnapshot { seconds, total, processes };
        Hour::of(Timestamp::from_millis(at.into()), &snapshot).numbered(seq)
    });
    prop::collection::vec(one, 0..20).prop_map(Hour::merged)
}

proptest! {
    #[test]
    fn every_hour_survives(hour in hour()) {
        prop_assert_eq!(decode(&encode(&hour)).expect("just encoded"), hour);
    }

    #[test]
    fn what_was_told_is_what_is_kept(hour in hour()) {
        for row in &hour.rows {
            let told = hour.snapshot(row).expect("sound");
            let again = Hour::of(Timestamp::from_millis(row.at), &told);
            prop_assert_eq!(&again, &hour.alone(row));
            prop_assert_eq!(again.snapshot(&again.rows[0]).expect("sound"), told);
        }
    }

    #[test]
    fn an_altered_bit_is_noticed(hour in hour(), at: prop::sample::Index, bit in 0u8..8) {
        let mut data = encode(&hour);
        *at.get_mut(&mut data) ^= 1 << bit;
        prop_assert!(decode(&data).is_err());
    }

    #[test]
    fn no_bytes_panic_even_with_a_right_sum(hour in hour(), at: prop::sample::Index, byte: u8) {
        let mut data = encode(&hour);
        *at.get_mut(&mut data) = byte;
        data[0] = VERSION;
        let sum = crc32fast::hash(&data[5..]);
        data[1..5].copy_from_slice(&sum.to_le_bytes());
        if let Ok(hour) = decode(&data) {
            prop_assert!(hour.rows.iter().map(|row| row.entries.len()).sum::<usize>() <= MAX_ENTRIES);
            prop_assert_eq!(decode(&encode(&hour)).map(|again| again.rows.len()), Ok(hour.rows.len()));
        }
    }
}

#[test]
fn an_hour_is_compressed_and_a_bomb_is_none() {
    let use_of = |pid: u32| ProcessUse { pid, name: format!("worker-{}", pid % 7), ..ProcessUse::default() };
    let snapshot =
        ProcessSnapshot { processes: (1..=30).map(use_of).collect(), ..ProcessSnapshot::default() };
    let pieces: Vec<_> = (0..360).map(|n| Hour::of(Timestamp::from_seconds(n * 10), &snapshot)).collect();
    let hour = Hour::merged(pieces);
    let mut data = encode(&hour);
    assert_eq!(data[5], COMPRESSED);
    assert!(data.len() < 1000, "{}", data.len());
    assert_eq!(decode(&data), Ok(hour));
    // It says that it is larger than any payload may be.
    let mut declared = Vec::new();
    put_size(&mut declared, MAX_PAYLOAD + 1);
    data.splice(6..8, declared);
    let sum = crc32fast::hash(&data[5..]);
    data[1..5].copy_from_slice(&sum.to_le_bytes());
    assert_eq!(decode(&data), Err(Damaged("a size beyond its limit")));
}

#[test]
fn what_is_beyond_the_limits_is_cut() {
    let long = ProcessUse { name: "é".repeat(50), command: Some("x".repeat(999)), ..ProcessUse::default() };
    let many = (0..99).map(|pid| ProcessUse { pid, ..long.clone() }).collect();
    let hour = Hour::of(
        Timestamp::from_seconds(1),
        &ProcessSnapshot { processes: many, ..ProcessSnapshot::default() },
    );
    assert_eq!((hour.rows[0].entries.len(), hour.identities[0].name.len()), (64, 64));
    assert_eq!(hour.identities[0].command.as_ref().map(String::len), Some(260));
    assert_eq!(decode(&encode(&hour)), Ok(hour));
}
