//! Places up to which rows were delivered. They become durable with the next append, or when the store is closed: a
//! commit of their own would be a second one for each delivery. A crash puts them back by what was delivered since,
//! which is then delivered once more.

use crate::writer::Shared;
use crate::{Cursor, QueryError};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Places by name that are not durable yet.
#[derive(Default)]
pub(crate) struct Cursors(Mutex<Noted>);

#[derive(Default)]
struct Noted {
    epoch: u64,
    places: BTreeMap<String, Cursor>,
}

impl Cursors {
    /// How often the file was opened anew. Another file may be there since, in which earlier places mean nothing.
    pub(crate) fn epoch(&self) -> u64 {
        self.lock().epoch
    }

    /// The file was opened anew, or could not be: what was noted is forgotten, and what is noted of before is refused.
    /// To deliver once more costs little; to skip rows of another file would lose them.
    pub(crate) fn begin_epoch(&self) {
        let mut noted = self.lock();
        noted.epoch += 1;
        noted.places.clear();
    }

    /// Remembers places in the file of that epoch; of one name the last counts.
    pub(crate) fn note(&self, epoch: u64, places: impl IntoIterator<Item = (String, Cursor)>) {
        let mut noted = self.lock();
        if noted.epoch == epoch {
            noted.places.extend(places);
        }
    }

    /// Gives them to whoever makes them durable.
    pub(crate) fn take(&self) -> BTreeMap<String, Cursor> {
        std::mem::take(&mut self.lock().places)
    }

    /// They did not become durable. What was noted meanwhile is newer.
    pub(crate) fn give_back(&self, places: BTreeMap<String, Cursor>) {
        let mut noted = self.lock();
        for (name, place) in places {
            noted.places.entry(name).or_insert(place);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        // Each change leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of that name, or the beginning.
pub(crate) fn find(shared: &Shared, name: &str) -> Result<Cursor, QueryError> {
    let noted = shared.cursors.lock().places.get(name).copied();
    if let Some(noted) = noted {
        return Ok(noted);
    }
    shared.readers.ask(|conn, _| {
        let mut select = conn.prepare_cached("SELECT seq FROM cursor WHERE name = ?1")?;
        Ok(select.query_row([name], |row| row.get(0).map(Cursor)).optional()?.unwrap_or_default())
    })
}

/// Writes them, within the caller's transaction.
pub(crate) fn write(conn: &Connection, places: &BTreeMap<String, Cursor>) -> rusqlite::Result<()> {
    let mut put = conn.prepare_cached("INSERT OR REPLACE INTO cursor (name, seq) VALUES (?1, ?2)")?;
    for (name, place) in places {
        put.execute(params![name, place.0])?;
    }
    Ok(())
}
