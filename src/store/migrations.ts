/**
 * The schema, one step a version; `user_version` says which were taken. Steps are only added.
 *
 * Beside the bytes that count, records carry their fields as columns, so that people can read a
 * database with any SQLite shell, and a dead node's file tells what it knew.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) WITHOUT ROWID, STRICT;

  CREATE TABLE head (
    owner TEXT PRIMARY KEY,
    last_update INTEGER NOT NULL,
    node TEXT NOT NULL,
    body BLOB NOT NULL,
    signature BLOB NOT NULL,
    revision INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE record (
    owner TEXT NOT NULL,
    grp TEXT NOT NULL,
    name TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    ip TEXT NOT NULL,
    port INTEGER NOT NULL,
    health TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    last_update INTEGER NOT NULL,
    body BLOB NOT NULL,
    hash BLOB NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (owner, grp, name, instance_id)
  ) WITHOUT ROWID, STRICT;

  CREATE TABLE registration (
    grp TEXT NOT NULL,
    name TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    spec TEXT NOT NULL,
    PRIMARY KEY (grp, name, instance_id)
  ) WITHOUT ROWID, STRICT;

  CREATE TABLE peer (
    owner TEXT PRIMARY KEY,
    addresses TEXT NOT NULL,
    is_dead INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE maintenance (
    grp TEXT NOT NULL,
    name TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (grp, name, instance_id)
  ) WITHOUT ROWID, STRICT;
  `,
];
