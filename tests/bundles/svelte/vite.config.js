/** One module and one stylesheet, under names that widget.json can say. */
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [svelte()],
  build: {
    lib: { entry: "src/widget.js", formats: ["es"], fileName: "widget", cssFileName: "widget" },
  },
});
