// Builds the browser client into the Python package: sv.js, recorder.js, each one classic script, and their types.
// `node client/build.mjs` in ui/. The recorder is rrweb's, which is why it is a file of its own.
import { copyFileSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "vite";

const here = import.meta.dirname;
const out = join(here, "../../sv/sdk/browser");
const version = /^version = "(.*)"$/m.exec(readFileSync(join(here, "../../pyproject.toml"), "utf8"))[1];

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
for (const [name, entry] of [
  ["sv", "core/index.ts"],
  ["recorder", "recorder/index.ts"],
]) {
  await build({
    configFile: false,
    root: here,
    logLevel: "warn",
    define: { VERSION: JSON.stringify(version) },
    build: {
      outDir: out,
      emptyOutDir: false,
      target: ["es2020"],
      lib: { entry: join(here, entry), name: `__sv_${name}`, formats: ["iife"], fileName: () => `${name}.js` },
    },
  });
}
copyFileSync(join(here, "sv.d.ts"), join(out, "sv.d.ts"));
