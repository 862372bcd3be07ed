import { pool } from './database.js';

export interface User {
  id: string;
  phoneNumber: string;
  passwordHash: string;
  sessionVersion: number;
}

/** The user of a session. The session is valid only while the version is the user's. */
export type SessionUser = Pick<User, 'id' | 'sessionVersion'>;

const COLUMNS = `id, phone_number AS "phoneNumber", password_hash AS "passwordHash",
  session_version AS "sessionVersion"`;

/**
 * Adds a user whose number is not verified yet, and returns the id. Deletes users who did not verify their
 * number within a day.
 */
export async function addUser(phoneNumber: string, passwordHash: string): Promise<string> {
  await pool.query(
    `DELETE FROM users WHERE NOT is_phone_verified AND created_at < now() - interval '1 day'`,
  );
  const { rows } = await pool.query<{ id: string }>(
    'INSERT INTO users (phone_number, password_hash) VALUES ($1, $2) RETURNING id',
    [phoneNumber, passwordHash],
  );
  return rows[0]?.id ?? '';
}

/** Returns nothing if another user verified the number first, or if the user no longer exists. */
export async function markPhoneVerified(id: string): Promise<User | undefined> {
  try {
    const { rows } = await pool.query<User>(
      `UPDATE users SET is_phone_verified = TRUE WHERE id = $1 RETURNING ${COLUMNS}`,
      [id],
    );
    return rows[0];
  } catch (error) {
    const UNIQUE_VIOLATION = '23505';
    if ((error as { code?: string }).code === UNIQUE_VIOLATION) return undefined;
    throw error;
  }
}

export async function findVerifiedUser(phoneNumber: string): Promise<User | undefined> {
  const { rows } = await pool.query<User>(
    `SELECT ${COLUMNS} FROM users WHERE phone_number = $1 AND is_phone_verified`,
    [phoneNumber],
  );
  return rows[0];
}

/** Returns nothing if the password was reset after the user signed in. */
export async function findSessionUser({ id, sessionVersion }: SessionUser) {
  const { rows } = await pool.query<{ phoneNumber: string; isPhoneVerified: boolean }>(
    `SELECT phone_number AS "phoneNumber", is_phone_verified AS "isPhoneVerified"
     FROM users WHERE id = $1 AND session_version = $2`,
    [id, sessionVersion],
  );
  return rows[0];
}

/**
 * Sets a new password, and ends every session of the user: no browser stays signed in with the old one.
 * Deleting the sessions would not be enough, because a login that checked the old password can save its
 * session later.
 */
export async function setPassword(id: string, passwordHash: string): Promise<void> {
  await pool.query(
    `UPDATE users SET password_hash = $2, session_version = session_version + 1 WHERE id = $1`,
    [id, passwordHash],
  );
}
