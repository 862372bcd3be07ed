-- Up Migration

CREATE TABLE users (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  phone_number TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  is_phone_verified BOOLEAN NOT NULL DEFAULT FALSE,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- A number belongs to the user who verified it. Anyone may register with it, but cannot sign in.
CREATE UNIQUE INDEX users_verified_phone_number ON users (phone_number) WHERE is_phone_verified;
CREATE INDEX users_unverified ON users (created_at) WHERE NOT is_phone_verified;

-- Down Migration

DROP TABLE users;
