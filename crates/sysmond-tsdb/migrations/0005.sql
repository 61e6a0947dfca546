-- What each tier holds, kept by triggers so that nobody can forget it; what is to be summarised; what was set aside.

-- By tier (1 young, 2 blocks, 3 by minutes, 4 by ten minutes) and span of time (an hour of samples, a day of
-- summaries).
CREATE TABLE tally (
    tier    INTEGER NOT NULL,
    span    INTEGER NOT NULL,
    pieces  INTEGER NOT NULL,
    bytes   INTEGER NOT NULL,
    samples INTEGER NOT NULL,             -- in the tier's pieces, or summarised by them
    PRIMARY KEY (tier, span)
) WITHOUT ROWID;

-- How many samples a day's summaries are of; 0 where an older program made them.
ALTER TABLE rollup ADD COLUMN samples INTEGER NOT NULL DEFAULT 0;

-- Days of hosts whose blocks changed since they were summarised.
CREATE TABLE due (
    day     INTEGER NOT NULL,
    host_id INTEGER NOT NULL,
    PRIMARY KEY (day, host_id)
) WITHOUT ROWID;

-- When a damaged piece was set aside, milliseconds, and which stretch of which host it was, where that is known.
ALTER TABLE quarantine ADD COLUMN set_aside INTEGER NOT NULL DEFAULT 0;
ALTER TABLE quarantine ADD COLUMN host TEXT;
ALTER TABLE quarantine ADD COLUMN from_ms INTEGER;
ALTER TABLE quarantine ADD COLUMN to_ms INTEGER;

INSERT INTO tally SELECT 1, hour, count(*), sum(length(data)), sum(cells) FROM young GROUP BY hour;
INSERT INTO tally SELECT 2, id >> 36, count(*), sum(length(data)), sum(cells) FROM block GROUP BY id >> 36;
INSERT INTO tally
    SELECT 2 + (id >> 60), id >> 36 & 0xffffff, count(*), sum(length(data)), 0 FROM rollup GROUP BY id >> 36;
INSERT INTO due SELECT DISTINCT (id >> 36) / 24, host_id FROM block;

CREATE TRIGGER young_added AFTER INSERT ON young BEGIN
    INSERT INTO tally VALUES (1, new.hour, 1, length(new.data), new.cells)
    ON CONFLICT DO UPDATE
    SET pieces = pieces + 1, bytes = bytes + excluded.bytes, samples = samples + excluded.samples;
END;
CREATE TRIGGER young_removed AFTER DELETE ON young BEGIN
    UPDATE tally SET pieces = pieces - 1, bytes = bytes - length(old.data), samples = samples - old.cells
    WHERE tier = 1 AND span = old.hour;
    DELETE FROM tally WHERE tier = 1 AND span = old.hour AND pieces = 0;
END;
CREATE TRIGGER block_added AFTER INSERT ON block BEGIN
    INSERT INTO tally VALUES (2, new.id >> 36, 1, length(new.data), new.cells)
    ON CONFLICT DO UPDATE
    SET pieces = pieces + 1, bytes = bytes + excluded.bytes, samples = samples + excluded.samples;
    INSERT INTO due VALUES ((new.id >> 36) / 24, new.host_id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER block_removed AFTER DELETE ON block BEGIN
    UPDATE tally SET pieces = pieces - 1, bytes = bytes - length(old.data), samples = samples - old.cells
    WHERE tier = 2 AND span = old.id >> 36;
    DELETE FROM tally WHERE tier = 2 AND span = old.id >> 36 AND pieces = 0;
END;
CREATE TRIGGER rollup_added AFTER INSERT ON rollup BEGIN
    INSERT INTO tally VALUES (2 + (new.id >> 60), new.id >> 36 & 0xffffff, 1, length(new.data), new.samples)
    ON CONFLICT DO UPDATE
    SET pieces = pieces + 1, bytes = bytes + excluded.bytes, samples = samples + excluded.samples;
END;
CREATE TRIGGER rollup_removed AFTER DELETE ON rollup BEGIN
    UPDATE tally SET pieces = pieces - 1, bytes = bytes - length(old.data), samples = samples - old.samples
    WHERE tier = 2 + (old.id >> 60) AND span = old.id >> 36 & 0xffffff;
    DELETE FROM tally
    WHERE tier = 2 + (old.id >> 60) AND span = old.id >> 36 & 0xffffff AND pieces = 0;
END;
