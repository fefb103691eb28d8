/**
 * The greatest common divisor of two numbers by WebAssembly, once in the page and once in a worker; both files lie beside this one.
 * State: `a` and `b`, numbers.
 */
export default async () => {
  const { instance } = await WebAssembly.instantiateStreaming(fetch(new URL("./gcd.wasm", import.meta.url)));
  return {
    render({ model, el }) {
      const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
      const [here, there] = ["here", "there"].map((className) => Object.assign(document.createElement("output"), { className }));
      el.append(here, " ", there);

      const draw = () => {
        const numbers = [model.get("a"), model.get("b")];
        here.textContent = instance.exports.gcd(...numbers);
        worker.postMessage(numbers);
      };
      worker.onmessage = ({ data }) => (there.textContent = data);
      model.on("change:a change:b", draw);
      draw();
      return () => worker.terminate();
    },
  };
};
