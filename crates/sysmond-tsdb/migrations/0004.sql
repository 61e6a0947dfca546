-- What belongs to the file as a whole, such as the settings of the server that has it open.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value NOT NULL
) WITHOUT ROWID;
