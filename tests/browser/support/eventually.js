/** Waiting by condition: a test never sleeps for a time that it only hopes is long enough. */

/** How long a condition may take to come true (ms), unless the test says otherwise. */
const PATIENCE = 8_000;
const PAUSE = 15;

/**
 * Repeats a check until it no longer throws, and gives what it returned. After the timeout its last error is thrown.
 * @template T @param {() => T | Promise<T>} check @param {{ timeout?: number }} [options] @returns {Promise<T>}
 */
export async function eventually(check, { timeout = PATIENCE } = {}) {
  const end = performance.now() + timeout;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await new Promise((done) => setTimeout(done, PAUSE));
  }
}
