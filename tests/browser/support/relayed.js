/** Published widgets behind the relay of the examples: a message that a client of the test sends comes to every view from the host. */
import { runExample } from "./example.js";
import { servePublished } from "./published.js";

/**
 * As `servePublished`. @param {import("node:test").TestContext} t @param {import("./published.js").Published} published
 */
export async function relayPublished(t, published) {
  const host = await servePublished(t, published);
  if (!host) return null;
  await host.stop(); // only its folder is wanted
  return runExample("relay", [host.path(published.name)]);
}
