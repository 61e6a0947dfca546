//! What a real recording becomes: `RECORDING=copy-of-a.db cargo test -p sysmond-tsdb recording -- --ignored` brings all
//! of the file's hours and days into their final form, in place; `tests/read_blocks.py store` then tells their sizes.

use crate::{Retention, Store, StoreOptions};
use std::path::Path;

#[test]
#[ignore = "needs a recording"]
#[expect(clippy::disallowed_methods, reason = "whoever runs it says which file")]
fn recording_in_its_final_form() {
    let path = std::env::var("RECORDING").expect("RECORDING names a copy of a store's file");
    let retention = Retention::of_raw(3650 * Retention::DAY);
    let options = StoreOptions { retention, max_disk_bytes: 1 << 40, queue_limit: 1 };
    let store = Store::open(Path::new(&path), options, sysmond_model::Timestamp::default()).expect("a store");
    let newest = store.hosts().iter().filter_map(|host| store.newest(&host.info.hostname)).max();
    let later = newest.expect("samples").plus_millis(2 * 86_400_000);
    store.seal_all();
    store.retain(later).expect("kept in order");
    println!("{:?}", store.storage(later).expect("counted"));
}
