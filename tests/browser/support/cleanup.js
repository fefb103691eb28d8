/** What a test opened ends with it, newest first, and whatever goes wrong there fails the test. */
import { afterEach } from "node:test";

/** @type {(() => unknown)[]} */
const pending = [];

/** Runs `end` after the test that is running now. @param {() => unknown} end */
export function afterTest(end) {
  pending.push(end);
}

afterEach(async () => {
  /** @type {unknown[]} */
  const errors = [];
  for (let end = pending.pop(); end; end = pending.pop()) {
    try {
      await end();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length) throw errors[0];
});
