/** Imports what a page does not have from the start: the code of widgets, and modules of ours that most pages never need. */

/** @type {Map<string, Promise<any>>} */
const modules = new Map();
const failed = new Set();

/**
 * Imports a module once. What failed is asked for again the next time, with a query: browsers remember the URL of a
 * module that threw, and those of before 2026 that of one they could not fetch (whatwg/html#10327).
 *
 * @param {string} url @returns {Promise<any>}
 */
export function load(url) {
  const module =
    modules.get(url) ??
    import(failed.has(url) ? `${url}?retry=${Date.now()}` : url).catch(async (error) => {
      modules.delete(url);
      failed.add(url);
      // Browsers do not say why a fetch failed.
      const { ok, status } = await fetch(url).catch(() => ({ ok: true, status: 0 }));
      throw new Error(`cannot load ${url}: ${ok ? (error?.message ?? error) : `the server answered ${status}`}`, { cause: error?.cause });
    });
  modules.set(url, module);
  return module;
}

/** One of ours, as in `"./form.js"`. @param {string} name @returns {Promise<any>} */
export const part = (name) => load(new URL(name, import.meta.url).href);
