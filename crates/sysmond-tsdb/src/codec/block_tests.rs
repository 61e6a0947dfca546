//! Blocks there and back, in parts, and with wrong bytes.

use super::*;
use proptest::prelude::*;

fn bits(table: &Table) -> impl PartialEq + std::fmt::Debug + use<> {
    let column = |(id, values): &(u32, Vec<f64>)| {
        (*id, values.iter().map(|v| (!v.is_nan()).then(|| v.to_bits())).collect::<Vec<_>>())
    };
    (table.timestamps.clone(), table.seqs.clone(), table.columns.iter().map(column).collect::<Vec<_>>())
}

fn tables() -> impl Strategy<Value = Table> {
    let value = prop_oneof![
        Just(f64::NAN),
        (0u32..300, 1u32..300).prop_map(|(a, b)| 100.0 * f64::from(a) / f64::from(b)),
        any::<i16>().prop_map(f64::from),
        any::<f64>().prop_filter("finite", |v| v.is_finite()),
    ];
    (0usize..60, prop::collection::btree_set(any::<u32>(), 0..8)).prop_flat_map(move |(rows, ids)| {
        let columns = prop::collection::vec(prop::collection::vec(value.clone(), rows), ids.len());
        let times = prop::collection::btree_set(any::<i64>(), rows);
        let seqs = prop::collection::vec(any::<i64>(), rows);
        (columns, times, seqs).prop_map(move |(columns, times, seqs)| Table {
            timestamps: times.into_iter().collect(),
            seqs,
            columns: ids.iter().copied().zip(columns).collect(),
        })
    })
}

proptest! {
    #[test]
    fn every_table_survives_whole_and_by_column(table in tables()) {
        let data = encode(&table, Effort::Thorough);
        let block = Block::open(&data).expect("just encoded");
        prop_assert_eq!(bits(&block.table().expect("just encoded")), bits(&table));
        for (id, values) in &table.columns {
            let back = block.column(*id).expect("just encoded").expect("known");
            prop_assert!(back.iter().zip(values).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()));
        }
    }

    #[test]
    fn an_altered_bit_is_noticed(table in tables(), at: prop::sample::Index, bit in 0u8..8) {
        let mut data = encode(&table, Effort::Thorough);
        *at.get_mut(&mut data) ^= 1 << bit;
        prop_assert!(Block::open(&data).and_then(|block| block.table()).is_err());
    }

    #[test]
    fn no_bytes_panic_even_with_right_sums(table in tables(), at: prop::sample::Index, byte: u8, version in READABLE) {
        let mut data = encode(&table, Effort::Thorough);
        *at.get_mut(&mut data) = byte;
        data[0] = version;
        if let Ok(table) = Block::open_trusted(&data).and_then(|block| block.table()) {
            prop_assert!(table.columns.iter().all(|(_, values)| values.len() == table.timestamps.len()));
        }
    }
}

/// Bytes that say how many of them were read.
struct Counted(Vec<u8>, std::cell::Cell<usize>);

impl Stored for Counted {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn read(&self, range: Range<usize>) -> Option<Vec<u8>> {
        self.1.set(self.1.get() + range.len());
        self.0.get(range).map(<[u8]>::to_vec)
    }
}

/// So wide that nothing shares a run with much else.
fn wide() -> Table {
    let column = |id: u32| (id, (0..900).map(|row| f64::from(row * 7919 % 1009 + id).sqrt()).collect());
    let times: Vec<i64> = (0..900).collect();
    Table { timestamps: times.clone(), seqs: times, columns: (0..100).map(column).collect() }
}

#[test]
fn of_stored_bytes_little_more_is_read_than_is_wanted() {
    let (table, stored) = (wide(), Counted(encode(&wide(), Effort::Thorough), 0.into()));
    let block = Block::open_stored(&stored).expect("just encoded");
    assert_eq!(block.timestamps().as_ref(), Ok(&table.timestamps));
    assert_eq!(block.column(70).expect("sound").as_deref(), table.column(70));
    assert!(stored.1.get() < stored.len() / 20, "{} of {}", stored.1.get(), stored.len());
    assert_eq!(bits(&block.table().expect("just encoded")), bits(&table));
}

#[test]
fn damage_in_one_run_leaves_the_others() {
    let (table, mut data) = (wide(), encode(&wide(), Effort::Thorough));
    *data.last_mut().expect("bytes") ^= 1;
    let block = Block::open(&data).expect("a sound directory");
    assert_eq!(block.column(0).expect("sound").as_deref(), table.column(0));
    assert_eq!(block.column(99), Err(Damaged("a checksum of columns is wrong")));
}

#[test]
fn times_out_of_order_and_more_streams_than_columns_are_damage() {
    let directory = |times: [i64; 2], streams: usize| {
        let mut out = vec![2, 0, usize::to_le_bytes(streams)[0]];
        for stream in [times, [1, 2]] {
            let mut section = Vec::new();
            ints::encode(&stream, Effort::Quick, &mut section);
            put_section(&mut out, &section);
        }
        out.extend(vec![0; streams]);
        out
    };
    let times = |times, streams| {
        let data = join(&directory(times, streams), &[]);
        Block::open(&data).and_then(|block| block.timestamps())
    };
    assert_eq!(times([5, 6], 0), Ok(vec![5, 6]));
    assert_eq!(times([6, 5], 0), Err(Damaged("times out of order")));
    assert_eq!(times([5, 5], 0), Err(Damaged("times out of order")));
    assert!(times([5, 6], 3).is_err());
}

proptest! {
    #[test]
    fn blocks_with_one_sum_are_read_in_parts_as_well(table in tables(), at: prop::sample::Index) {
        let stored = Counted(encode_as(ONE_SUM, &table, Effort::Thorough), 0.into());
        let block = Block::open_stored(&stored).expect("just encoded");
        prop_assert_eq!(bits(&block.table().expect("just encoded")), bits(&table));
        let mut stored = stored;
        *at.get_mut(&mut stored.0) ^= 1;
        prop_assert!(Block::open_stored(&stored).is_err());
    }
}

#[test]
fn no_such_column_is_no_damage() {
    let data =
        encode(&Table { timestamps: vec![5], seqs: vec![1], columns: vec![(7, vec![1.0])] }, Effort::Quick);
    let block = Block::open(&data).expect("just encoded");
    assert_eq!(block.column(8), Ok(None));
}
