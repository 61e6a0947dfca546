-- What processes took: snapshots as they come, and by hours.

CREATE TABLE snapshot (
    id      INTEGER PRIMARY KEY AUTOINCREMENT, -- order of storing; never given twice, whatever was removed
    host_id INTEGER NOT NULL,
    at      INTEGER NOT NULL,                  -- milliseconds
    data    BLOB NOT NULL                      -- as docs/storage-format.md has it
);
CREATE UNIQUE INDEX snapshot_by_time ON snapshot (host_id, at);

-- The snapshots of an hour of one host: id is hour * 2^36 + host_id * 2^12.
CREATE TABLE process_hour (
    id        INTEGER PRIMARY KEY,
    host_id   INTEGER NOT NULL,
    seq0      INTEGER NOT NULL,                -- least and greatest of their ids when they came
    seq1      INTEGER NOT NULL,
    newest    INTEGER NOT NULL,                -- greatest time, milliseconds
    snapshots INTEGER NOT NULL,
    data      BLOB NOT NULL
);
CREATE INDEX process_hour_by_seq ON process_hour (host_id, seq1);

-- Tier 5 of the tally: bytes and snapshots of both by hours.
CREATE TRIGGER snapshot_added AFTER INSERT ON snapshot BEGIN
    INSERT INTO tally VALUES (5, new.at / 3600000, 1, length(new.data), 1)
    ON CONFLICT DO UPDATE
    SET pieces = pieces + 1, bytes = bytes + excluded.bytes, samples = samples + excluded.samples;
END;
CREATE TRIGGER snapshot_removed AFTER DELETE ON snapshot BEGIN
    UPDATE tally SET pieces = pieces - 1, bytes = bytes - length(old.data), samples = samples - 1
    WHERE tier = 5 AND span = old.at / 3600000;
    DELETE FROM tally WHERE tier = 5 AND span = old.at / 3600000 AND pieces = 0;
END;
CREATE TRIGGER process_hour_added AFTER INSERT ON process_hour BEGIN
    INSERT INTO tally VALUES (5, new.id >> 36, 1, length(new.data), new.snapshots)
    ON CONFLICT DO UPDATE
    SET pieces = pieces + 1, bytes = bytes + excluded.bytes, samples = samples + excluded.samples;
END;
CREATE TRIGGER process_hour_removed AFTER DELETE ON process_hour BEGIN
    UPDATE tally SET pieces = pieces - 1, bytes = bytes - length(old.data), samples = samples - old.snapshots
    WHERE tier = 5 AND span = old.id >> 36;
    DELETE FROM tally WHERE tier = 5 AND span = old.id >> 36 AND pieces = 0;
END;
