-- +goose Up
-- From here on reports holds samples only, at most 50 of a group. group_id is 0
-- in rows that the first schema left, until they are adopted.
ALTER TABLE reports ADD COLUMN group_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE reports ADD COLUMN issued   INTEGER NOT NULL DEFAULT 0; -- Unix seconds
ALTER TABLE reports ADD COLUMN network  TEXT    NOT NULL DEFAULT '';
CREATE INDEX reports_group ON reports (group_id, id);

CREATE TABLE report_groups (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    fingerprint   BLOB    NOT NULL UNIQUE, -- of site, lane and shape
    site          TEXT    NOT NULL,
    lane          TEXT    NOT NULL,
    list          INTEGER NOT NULL, -- store.View
    kind          TEXT    NOT NULL,
    directive     TEXT    NOT NULL,
    blocked       TEXT    NOT NULL,
    source        TEXT    NOT NULL,
    sample        TEXT    NOT NULL,
    page          TEXT    NOT NULL,
    first_seen    INTEGER NOT NULL,
    last_seen     INTEGER NOT NULL,
    last_hour     INTEGER NOT NULL, -- Unix hours: the index changes once an hour
    total         INTEGER NOT NULL,
    enforced      INTEGER NOT NULL,
    sampled       INTEGER NOT NULL, -- reports that could be samples; those past the cap are not kept
    state         TEXT    NOT NULL,
    state_changed INTEGER NOT NULL
);

-- The lists of groups, with all that they can be filtered by.
CREATE INDEX report_groups_recent ON report_groups (site, list, last_hour DESC, id DESC, directive, state, lane, kind);
CREATE INDEX report_groups_old    ON report_groups (last_hour);

CREATE TABLE hour_counts (
    group_id INTEGER NOT NULL,
    hour     INTEGER NOT NULL,
    n        INTEGER NOT NULL,
    PRIMARY KEY (group_id, hour)
) WITHOUT ROWID;
CREATE INDEX hour_counts_old ON hour_counts (hour);

CREATE TABLE hour_totals (
    site TEXT    NOT NULL,
    hour INTEGER NOT NULL,
    lane TEXT    NOT NULL,
    kind TEXT    NOT NULL,
    n    INTEGER NOT NULL,
    PRIMARY KEY (site, hour, lane, kind)
) WITHOUT ROWID;
CREATE INDEX hour_totals_old ON hour_totals (hour);

-- HyperLogLog sketches of the different clients and networks, and what they estimate.
CREATE TABLE reach (
    group_id        INTEGER PRIMARY KEY,
    clients         INTEGER NOT NULL,
    networks        INTEGER NOT NULL,
    client_sketch   BLOB    NOT NULL,
    network_sketch  BLOB    NOT NULL
);

-- What a session saw. The time of issue, which the token says, comes before the
-- session, which is random: rows that are written together stand together.
CREATE TABLE sightings (
    issued   INTEGER NOT NULL, -- Unix seconds
    site     TEXT    NOT NULL,
    session  TEXT    NOT NULL,
    group_id INTEGER NOT NULL,
    n        INTEGER NOT NULL,
    PRIMARY KEY (site, issued, session, group_id)
) WITHOUT ROWID;

CREATE TABLE announced (
    id         TEXT    PRIMARY KEY,
    site       TEXT    NOT NULL,
    user_agent TEXT    NOT NULL,
    network    TEXT    NOT NULL,
    created    INTEGER NOT NULL,
    expires    INTEGER NOT NULL
);
CREATE INDEX announced_old ON announced (expires);

CREATE TABLE api_tokens (
    name    TEXT    PRIMARY KEY,
    hash    BLOB    NOT NULL UNIQUE,
    site    TEXT    NOT NULL, -- '' for all
    scopes  TEXT    NOT NULL, -- words
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL  -- 0 for never
);

-- Who does a periodic job, until when.
CREATE TABLE jobs (
    name   TEXT    PRIMARY KEY,
    holder TEXT    NOT NULL,
    until  INTEGER NOT NULL
);

-- +goose Down
DROP TABLE jobs;
DROP TABLE api_tokens;
DROP TABLE announced;
DROP TABLE sightings;
DROP TABLE reach;
DROP TABLE hour_totals;
DROP TABLE hour_counts;
DROP TABLE report_groups;
DROP INDEX reports_group;
ALTER TABLE reports DROP COLUMN network;
ALTER TABLE reports DROP COLUMN issued;
ALTER TABLE reports DROP COLUMN group_id;
