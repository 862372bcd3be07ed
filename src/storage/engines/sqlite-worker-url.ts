/** The built code of the worker thread. */
export const SQLITE_WORKER_URL = new URL('./sqlite-worker.js', import.meta.url);
