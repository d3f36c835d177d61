-- +goose Up
-- Times are Unix milliseconds.
CREATE TABLE reports (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    site           TEXT    NOT NULL,
    received       INTEGER NOT NULL,
    observed       INTEGER NOT NULL,
    lane           TEXT    NOT NULL,
    key_id         INTEGER NOT NULL,
    session        TEXT    NOT NULL,
    policy_version INTEGER NOT NULL,
    kind           TEXT    NOT NULL,
    disposition    TEXT    NOT NULL,
    directive      TEXT    NOT NULL,
    blocked        TEXT    NOT NULL,
    page           TEXT    NOT NULL,
    referrer       TEXT    NOT NULL,
    source_file    TEXT    NOT NULL,
    line           INTEGER NOT NULL,
    col            INTEGER NOT NULL,
    sample         TEXT    NOT NULL,
    detail         TEXT    NOT NULL,
    status         INTEGER NOT NULL,
    policy         TEXT    NOT NULL,
    user_agent     TEXT    NOT NULL
);

-- One index for each of the dashboard's lists; a report stands in one of them.
CREATE INDEX reports_violations ON reports (site, id) WHERE lane <> 'forged' AND kind = 'csp-violation';
CREATE INDEX reports_others     ON reports (site, id) WHERE lane <> 'forged' AND kind <> 'csp-violation';
CREATE INDEX reports_unverified ON reports (site, id) WHERE lane = 'forged';

-- A used token is kept: that there is one says that somebody has logged in.
CREATE TABLE login_tokens (
    hash    BLOB    PRIMARY KEY,
    expires INTEGER NOT NULL,
    used    INTEGER -- NULL until the login
);

CREATE TABLE admin_sessions (
    hash    BLOB    PRIMARY KEY,
    expires INTEGER NOT NULL
);

-- Its one row is written to see whether the database can be written.
CREATE TABLE readiness (
    id      INTEGER PRIMARY KEY,
    checked INTEGER NOT NULL
);

-- +goose Down
DROP TABLE readiness;
DROP TABLE admin_sessions;
DROP TABLE login_tokens;
DROP TABLE reports;
