/**
 * Random choices that a seed repeats, so that a failing case can be run again.
 */

/** @param {number} seed */
export function random(seed) {
  let state = seed >>> 0 || 1;
  /** In [0, 1). */
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  /** @param {number} below */
  const int = (below) => Math.floor(next() * below);
  /** @template T @param {readonly T[]} from @returns {T} */
  const pick = (from) => /** @type {T} */ (from[int(from.length)]);
  /** Any value that travels, bytes as `DataView`s. @param {number} depth @returns {any} */
  const value = (depth = 0) => {
    const kinds = [
      () => null,
      () => next() < 0.5,
      () => int(200) - 100,
      () => (next() - 0.5) * 2 ** int(80),
      () => Math.round((next() - 0.5) * 2 ** 53),
      () => pick([NaN, Infinity, -Infinity, 0, 2 ** 31, -(2 ** 31), 2 ** 32, 127, 128, 255, 256, -32, -33, 65535, 65536]),
      () => pick([2n ** 53n, 2n ** 63n, 2n ** 64n - 1000n, -(2n ** 53n) - 1000n, -(2n ** 63n)]) + BigInt(int(1000)),
      () => pick(["", "é", "日本", "𝄞", "__proto__", "x".repeat(int(300))]),
      () => new DataView(Uint8Array.from({ length: int(40) }, () => int(256)).buffer),
      () => Array.from({ length: int(depth > 3 ? 1 : 20) }, () => value(depth + 1)),
      () => Object.fromEntries(Array.from({ length: int(depth > 3 ? 1 : 20) }, () => [pick(["a", "b", "__proto__", "constructor", "key " + int(50)]), value(depth + 1)])),
    ];
    return pick(kinds)();
  };
  return { next, int, pick, value };
}
