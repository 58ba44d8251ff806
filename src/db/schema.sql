-- The index of one host: what it knows of all its folders. Written through src/db/ only.
--
-- How values are kept:
--   * Kinds are small numbers, because SQLite keeps 0 and 1 in no bytes at all:
--     0 file, 1 directory, 2 link, 3 tombstone (of a record) or absent (of an entry).
--   * A path is a directory's number and a name, so that the long part is kept once and the children of a directory
--     lie side by side.
--   * A root hash is kept once, in `content`, and named by its number.
--   * A version is 14 bytes a replica: its id (8), its counter (6, little-endian).
--   * Times are microseconds since 1970 and REAL, as inodes are: some filesystems give numbers above 2^63, which an
--     INTEGER column of a STRICT table would refuse. SQLite keeps a whole REAL as an integer on disk, so it costs
--     nothing.

-- One row: this index. `replica` is made at random with it, so that an index that was lost and made anew is another
-- author. 8 bytes.
CREATE TABLE meta (
  only    INTEGER PRIMARY KEY CHECK (only = 1),
  replica BLOB NOT NULL CHECK (length(replica) = 8)
) STRICT;

-- A row for each folder that this host ever had. `last_sequence` only grows: a record that is dropped takes its
-- sequence with it. The other columns count rows of `entry` and tombstones of `record`; triggers below keep them, so
-- that `status` need not count a million rows. `is_marked` is 1 once its root has had our marker.
CREATE TABLE folder (
  id            INTEGER PRIMARY KEY,
  folder        BLOB NOT NULL UNIQUE CHECK (length(folder) = 16),
  last_sequence INTEGER NOT NULL DEFAULT 0,
  files         INTEGER NOT NULL DEFAULT 0,
  bytes         INTEGER NOT NULL DEFAULT 0,
  directories   INTEGER NOT NULL DEFAULT 0,
  links         INTEGER NOT NULL DEFAULT 0,
  tombstones    INTEGER NOT NULL DEFAULT 0,
  -- The scrub's round: since when it has been on its way (NULL: it is not), and when the last one ended.
  scrub_began_ms REAL,
  scrub_ended_ms REAL,
  is_marked      INTEGER NOT NULL DEFAULT 0,
  -- Milliseconds that daemons have run with this folder while its archive had anything in it: no clock that jumps counts.
  used_ms        REAL NOT NULL DEFAULT 0
) STRICT;

-- A row for each directory under which some record or entry lies, '' for the root. It says nothing about whether the
-- directory exists: that is the entry of its own path.
CREATE TABLE directory (
  id     INTEGER PRIMARY KEY,
  folder INTEGER NOT NULL REFERENCES folder (id),
  path   TEXT NOT NULL,
  UNIQUE (folder, path)
) STRICT;

-- A row for each root hash that a record, an entry or an archived file names. `packed` is its piece list (hashes, then
-- sectors) where this host has it, else NULL, and then `size` too. Other tables name a content by `id`, without a
-- foreign key: checking one would need an index for each, and garbage.ts removes only what nothing names.
CREATE TABLE content (
  id     INTEGER PRIMARY KEY,
  root   BLOB NOT NULL UNIQUE CHECK (length(root) = 32),
  size   INTEGER,
  packed BLOB,
  CHECK ((size IS NULL) = (packed IS NULL))
) STRICT;

-- Where a piece lies: "content has, at this ordinal and sector, a piece whose hash begins with these 48 bits". A piece
-- that a content has several times (zeros) is kept once. 48 bits fit a JavaScript number, and among 10^8 pieces a
-- wrong hit comes once in 3 million look-ups; whoever reads the piece checks its whole hash anyway.
CREATE TABLE piece (
  prefix  INTEGER NOT NULL,
  content INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  sector  INTEGER NOT NULL,
  sectors INTEGER NOT NULL,
  PRIMARY KEY (prefix, content)
) STRICT, WITHOUT ROWID;

-- What the folder says of a path: one row for each record that none other of the same path dominates (usually one).
-- `id` is folder * 2^40 + sequence: the rows of a folder after a sequence are a range, and new ones are appended.
-- `earlier` are root hashes one after the other, NULL where there are none: most paths never change.
CREATE TABLE record (
  id        INTEGER PRIMARY KEY,
  dir       INTEGER NOT NULL REFERENCES directory (id),
  name      TEXT NOT NULL,
  kind      INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 3),
  version   BLOB NOT NULL,
  author    BLOB NOT NULL CHECK (length(author) = 8),
  order_us  REAL NOT NULL,
  signature BLOB NOT NULL CHECK (length(signature) = 64),
  previous  INTEGER,
  content   INTEGER,
  size      INTEGER,
  mtime_us  REAL,
  target    TEXT,
  earlier   BLOB,
  CHECK ((kind = 0) = (content IS NOT NULL AND size IS NOT NULL AND mtime_us IS NOT NULL)),
  CHECK ((kind = 2) = (target IS NOT NULL))
) STRICT;
CREATE INDEX record_path ON record (dir, name);

-- What this host has under a path, as it last saw it itself. 'Absent' rows are what was deleted here: a file made anew
-- starts from their version. `verified_s` is when a scrub last read the file and found it right, in seconds since 1970;
-- NULL while none has since it came (when it came, it was read too).
CREATE TABLE entry (
  dir      INTEGER NOT NULL REFERENCES directory (id),
  name     TEXT NOT NULL,
  kind     INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 3),
  version  BLOB NOT NULL,
  content  INTEGER,
  size     INTEGER,
  mtime_us REAL,
  ctime_us REAL,
  inode    REAL,
  target   TEXT,
  verified_s INTEGER,
  PRIMARY KEY (dir, name),
  CHECK ((kind = 0) = (content IS NOT NULL AND size IS NOT NULL AND mtime_us IS NOT NULL)),
  CHECK ((kind = 0) = (ctime_us IS NOT NULL AND inode IS NOT NULL)),
  CHECK ((kind = 2) = (target IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_content ON entry (content) WHERE content IS NOT NULL;

-- A file whose bytes have changed although nothing has touched it. Its entry names what really lies there, and has no
-- version, so that what the records say comes over it. The row goes when the entry holds something else, or is announced as it is,
-- by triggers.
CREATE TABLE rotten (
  dir        INTEGER NOT NULL REFERENCES directory (id),
  name       TEXT NOT NULL,
  bad_pieces INTEGER NOT NULL,
  pieces     INTEGER NOT NULL,
  found_ms   REAL NOT NULL,
  PRIMARY KEY (dir, name)
) STRICT, WITHOUT ROWID;

-- What the operator has let go and has not been carried out yet: sync/approval.ts says what. The row goes when the entry
-- takes up a version, by triggers.
CREATE TABLE approved (
  dir   INTEGER NOT NULL REFERENCES directory (id),
  name  TEXT NOT NULL,
  what  TEXT NOT NULL CHECK (what IN ('length', 'content', 'records')),
  which TEXT NOT NULL,
  PRIMARY KEY (dir, name, what)
) STRICT, WITHOUT ROWID;

-- A file in the archive of a folder: `name` is its path in the archive, `path` the one it had in the folder. `used_ms` is
-- that of the folder when it came: the difference is how long it has been kept.
CREATE TABLE archived (
  folder      INTEGER NOT NULL REFERENCES folder (id),
  name        TEXT NOT NULL,
  path        TEXT NOT NULL,
  content     INTEGER NOT NULL,
  size        INTEGER NOT NULL,
  reason      TEXT NOT NULL CHECK (reason IN ('deleted', 'replaced', 'conflict', 'rotten', 'unknown')),
  archived_ms REAL NOT NULL,
  used_ms     REAL NOT NULL DEFAULT 0,
  PRIMARY KEY (folder, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX archived_content ON archived (content);

-- How far a peer and this host know each other's records of a folder: a reconnect costs only the difference.
-- `received` counts in the peer's sequences, `acknowledged` in ours.
CREATE TABLE peer (
  folder       INTEGER NOT NULL REFERENCES folder (id),
  replica      BLOB NOT NULL CHECK (length(replica) = 8),
  received     INTEGER NOT NULL DEFAULT 0,
  acknowledged INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (folder, replica)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER entry_came AFTER INSERT ON entry BEGIN
  UPDATE folder SET
    files = files + (NEW.kind = 0),
    bytes = bytes + ifnull(NEW.size, 0),
    directories = directories + (NEW.kind = 1),
    links = links + (NEW.kind = 2)
  WHERE id = (SELECT folder FROM directory WHERE id = NEW.dir);
END;

CREATE TRIGGER entry_changed AFTER UPDATE OF kind, size ON entry WHEN NEW.kind <> OLD.kind OR NEW.size <> OLD.size BEGIN
  UPDATE folder SET
    files = files + (NEW.kind = 0) - (OLD.kind = 0),
    bytes = bytes + ifnull(NEW.size, 0) - ifnull(OLD.size, 0),
    directories = directories + (NEW.kind = 1) - (OLD.kind = 1),
    links = links + (NEW.kind = 2) - (OLD.kind = 2)
  WHERE id = (SELECT folder FROM directory WHERE id = NEW.dir);
END;

CREATE TRIGGER entry_went AFTER DELETE ON entry BEGIN
  UPDATE folder SET
    files = files - (OLD.kind = 0),
    bytes = bytes - ifnull(OLD.size, 0),
    directories = directories - (OLD.kind = 1),
    links = links - (OLD.kind = 2)
  WHERE id = (SELECT folder FROM directory WHERE id = OLD.dir);
END;

CREATE TRIGGER tombstone_came AFTER INSERT ON record WHEN NEW.kind = 3 BEGIN
  UPDATE folder SET tombstones = tombstones + 1 WHERE id = NEW.id >> 40;
END;

CREATE TRIGGER tombstone_went AFTER DELETE ON record WHEN OLD.kind = 3 BEGIN
  UPDATE folder SET tombstones = tombstones - 1 WHERE id = OLD.id >> 40;
END;

CREATE TRIGGER entry_content_changed AFTER UPDATE OF content ON entry WHEN NEW.content IS NOT OLD.content BEGIN
  UPDATE entry SET verified_s = NULL WHERE dir = NEW.dir AND name = NEW.name AND verified_s IS NOT NULL;
END;

CREATE TRIGGER rotten_ended AFTER UPDATE OF content, version ON entry
WHEN NEW.content IS NOT OLD.content OR NEW.version IS NOT OLD.version BEGIN
  DELETE FROM rotten WHERE dir = NEW.dir AND name = NEW.name;
END;

CREATE TRIGGER rotten_went AFTER DELETE ON entry BEGIN
  DELETE FROM rotten WHERE dir = OLD.dir AND name = OLD.name;
END;

CREATE TRIGGER approved_came AFTER INSERT ON entry BEGIN
  DELETE FROM approved WHERE dir = NEW.dir AND name = NEW.name;
END;

CREATE TRIGGER approved_done AFTER UPDATE OF version ON entry WHEN NEW.version IS NOT OLD.version BEGIN
  DELETE FROM approved WHERE dir = NEW.dir AND name = NEW.name;
END;
