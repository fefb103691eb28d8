/** One module and one stylesheet, under names that widget.json can say. */
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [vue()],
  // Vite leaves this to whoever bundles a library; a page that loads it as it is has no `process`.
  define: { "process.env.NODE_ENV": '"production"' },
  build: {
    lib: { entry: "src/widget.js", formats: ["es"], fileName: "widget", cssFileName: "widget" },
  },
});
