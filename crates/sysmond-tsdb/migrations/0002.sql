-- Version 2: samples in compressed blocks. The rows of `tick` are moved by the program, in the same transaction.

-- What was acknowledged and is in no block yet; one row per group commit.
CREATE TABLE log (
    id   INTEGER PRIMARY KEY,
    data BLOB NOT NULL
);

-- Blocks of a few minutes of one host, within one hour; hour is Unix seconds / 3600.
CREATE TABLE young (
    id        INTEGER PRIMARY KEY,
    host_id   INTEGER NOT NULL,
    hour      INTEGER NOT NULL,
    seq0      INTEGER NOT NULL,           -- least and greatest of its rows in the order of storing
    seq1      INTEGER NOT NULL,
    newest    INTEGER NOT NULL,           -- greatest timestamp, milliseconds
    sealed_at INTEGER NOT NULL,           -- receiver's clock, milliseconds
    cells     INTEGER NOT NULL,
    data      BLOB NOT NULL
);
CREATE INDEX young_by_host ON young (host_id, hour);
CREATE INDEX young_by_hour ON young (hour, host_id, sealed_at);

-- Blocks of an hour of one host: id is hour * 2^36 + host_id * 2^12 + part.
CREATE TABLE block (
    id      INTEGER PRIMARY KEY,
    host_id INTEGER NOT NULL,
    seq0    INTEGER NOT NULL,
    seq1    INTEGER NOT NULL,
    cells   INTEGER NOT NULL,
    data    BLOB NOT NULL
);
CREATE INDEX block_by_host ON block (host_id);
CREATE INDEX block_by_seq ON block (host_id, seq1);

-- Minima, maxima, sums and counts of a day of one host: id is tier * 2^60 + day * 2^36 + host_id * 2^12; tier 1 is by
-- minutes, tier 2 by ten minutes.
CREATE TABLE rollup (
    id      INTEGER PRIMARY KEY,
    host_id INTEGER NOT NULL,
    data    BLOB NOT NULL
);
CREATE INDEX rollup_by_host ON rollup (host_id);

-- Up to where a host's rows are in blocks.
CREATE TABLE host_state (
    host_id    INTEGER PRIMARY KEY,
    sealed_seq INTEGER NOT NULL,
    newest     INTEGER,                   -- greatest timestamp in a block, milliseconds
    raw_from   INTEGER NOT NULL DEFAULT 0 -- the first hour whose samples were not removed
);

-- What could not be read any more, for people to look at.
CREATE TABLE quarantine (
    id      INTEGER PRIMARY KEY,
    origin  TEXT NOT NULL,                -- table and id
    reason  TEXT NOT NULL,
    data    BLOB NOT NULL
);
