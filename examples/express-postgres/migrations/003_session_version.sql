-- Up Migration

-- A session is valid only while its version is the user's. Each password reset raises the user's.
ALTER TABLE users ADD COLUMN session_version INTEGER NOT NULL DEFAULT 0;

-- Down Migration

ALTER TABLE users DROP COLUMN session_version;
