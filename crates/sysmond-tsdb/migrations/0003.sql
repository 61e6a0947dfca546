-- Version 3: the newest value of each series stands beside the blocks, so that a start decodes none of them. The
-- program fills it in the same transaction. What young blocks said of their newest time is asked no more.

ALTER TABLE host_state ADD COLUMN last BLOB; -- as docs/storage-format.md has it
ALTER TABLE young DROP COLUMN newest;
