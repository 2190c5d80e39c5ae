// Bundles every top-level source of src/ into web/static/dist/: one .js a .ts, one .css a .css. The
// pictures of icons/ go there as they are.
//
// The pages forbid inline scripts, inline styles and eval, so nothing here may rely on them:
// scripts are modules loaded by address, and the icons of the styles become data: addresses.
import { build } from "esbuild";
import { copyFile, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";
import { tabler } from "./tabler.mjs";

const source = new URL("./src/", import.meta.url);
const icons = fileURLToPath(new URL("./icons/", import.meta.url));
const target = fileURLToPath(new URL("../static/dist/", import.meta.url));

const names = (await readdir(source)).filter((name) => /\.(ts|css)$/.test(name)).sort();
await rm(target, { recursive: true, force: true });
await build({
  entryPoints: names.map((name) => fileURLToPath(new URL(name, source))),
  outdir: target,
  bundle: true,
  format: "esm",
  target: ["chrome90", "safari15"],
  minify: true,
  sourcemap: "linked",
  legalComments: "eof",
  loader: { ".svg": "dataurl", ".woff2": "dataurl", ".png": "dataurl" },
  logLevel: "info",
  plugins: [tabler],
});

for (const name of await readdir(icons)) await copyFile(icons + name, target + name);

// Beside each file its Brotli, which the server has no means to make: a fifth less than gzip.
for (const name of (await readdir(target)).filter((name) => /\.(js|css)$/.test(name))) {
  await writeFile(target + name + ".br", brotliCompressSync(await readFile(target + name)));
}
