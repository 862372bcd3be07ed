/** The code of the thread that has the SQLite file, as built. */
export const SQLITE_THREAD = new URL('./sqlite-thread.js', import.meta.url);
