/** Answers each pair of numbers with their greatest common divisor. */
const wasm = WebAssembly.instantiateStreaming(fetch(new URL("./gcd.wasm", import.meta.url)));

// Not after an `await`: what comes before there is a listener is lost.
onmessage = async ({ data: [a, b] }) => {
  const { instance } = await wasm;
  postMessage(instance.exports.gcd(a, b));
};
