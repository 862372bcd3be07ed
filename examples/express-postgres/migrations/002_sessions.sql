-- Up Migration

-- The table of connect-pg-simple.
CREATE TABLE session (
  sid VARCHAR PRIMARY KEY,
  sess JSON NOT NULL,
  expire TIMESTAMP(6) NOT NULL
);
CREATE INDEX session_expire ON session (expire);

-- Down Migration

DROP TABLE session;
