/** The compiled code of the worker thread. Tests replace this module. */
export const SQLITE_WORKER_URL = new URL('./sqlite-worker.js', import.meta.url);
