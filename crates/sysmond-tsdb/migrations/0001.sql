-- Version 1. Times are Unix seconds in hosts (what the documented queries compare) and milliseconds elsewhere.

CREATE TABLE hosts (
    hostname    TEXT PRIMARY KEY,
    first_seen  INTEGER NOT NULL,
    last_seen   INTEGER NOT NULL,
    tags        TEXT NOT NULL,            -- JSON object
    version     TEXT NOT NULL,
    platform    TEXT NOT NULL,
    status      TEXT NOT NULL,            -- as of the last append or sweep; sysmond's own SQL derives it from last_seen
    host_id     INTEGER NOT NULL UNIQUE,
    static_info TEXT                      -- JSON object, NULL until the host sent it
);

CREATE TABLE metric (
    id          INTEGER PRIMARY KEY,      -- dense, from 0
    metric_type TEXT NOT NULL,
    tags        TEXT NOT NULL,            -- canonical
    UNIQUE (metric_type, tags)
);

-- The columns of a row, in order; one layout serves every host of the same shape.
CREATE TABLE layout (
    layout_id INTEGER NOT NULL,           -- dense, from 0
    position  INTEGER NOT NULL,
    metric_id INTEGER NOT NULL REFERENCES metric (id),
    PRIMARY KEY (layout_id, position)
) WITHOUT ROWID;

-- Which layouts a host uses, and the newest sample time with each: what its known series are.
CREATE TABLE host_layout (
    host_id   INTEGER NOT NULL,
    layout_id INTEGER NOT NULL,
    last_used INTEGER NOT NULL,
    PRIMARY KEY (host_id, layout_id)
) WITHOUT ROWID;

CREATE TABLE tick (
    host_id   INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    seq       INTEGER NOT NULL,           -- order of storing; a changed row gets a new one
    layout_id INTEGER NOT NULL,
    data      BLOB NOT NULL,              -- presence bits, then the present values as little-endian doubles
    PRIMARY KEY (host_id, timestamp)
) WITHOUT ROWID;
CREATE UNIQUE INDEX tick_by_seq ON tick (host_id, seq);

CREATE TABLE cursor (
    name TEXT PRIMARY KEY,
    seq  INTEGER NOT NULL
) WITHOUT ROWID;
