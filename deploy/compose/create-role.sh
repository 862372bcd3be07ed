#!/bin/sh
# Runs once, when the database is created. The service's role owns its database and is no superuser.
set -eu

psql --set=ON_ERROR_STOP=1 --set=password="$POSTGRES_PASSWORD" \
  --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<'SQL'
CREATE ROLE otp LOGIN PASSWORD :'password';
CREATE DATABASE otp OWNER otp;
REVOKE ALL ON DATABASE otp FROM PUBLIC;
-- The superuser can log in only inside the container.
ALTER ROLE CURRENT_USER PASSWORD NULL;
SQL
