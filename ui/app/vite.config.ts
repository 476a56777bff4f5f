// Builds the web app into the Python package, with a gzipped twin beside each file, so that the server compresses nothing.
// `npm run dev` serves the sources instead and hands what is the API's to a running server (API_SERVER, by default `sv dev`'s).
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const out = join(import.meta.dirname, "../../sv/web/ui");
const server = process.env["API_SERVER"] ?? "http://127.0.0.1:8000";

function zipped(): Plugin {
  return {
    name: "zipped",
    apply: "build",
    closeBundle() {
      for (const name of readdirSync(out, { recursive: true, encoding: "utf8" })) {
        if (!/\.(?:js|css|html|svg|txt)$/.test(name)) continue;
        const path = join(out, name);
        writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  root: import.meta.dirname,
  base: "./", // the server writes into the page where it is; files find each other by where they are themselves
  plugins: [zipped()],
  server: { proxy: { "/api": server, "/schema": server } },
  build: {
    outDir: out,
    emptyOutDir: true,
    target: "es2022",
    cssTarget: ["chrome123", "firefox120", "safari17.5"], // the first to know light-dark(), which the colours are written in
    assetsInlineLimit: 0, // nothing by data: or inline, which the Content-Security-Policy would refuse
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 300, // rrweb's player, loaded where a recording is watched
  },
});
