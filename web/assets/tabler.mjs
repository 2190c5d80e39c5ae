// Takes from Tabler what the pages use, in words that the oldest browser reads.
//
// Its style sheet is 20 times as long as what is used of it, and colours itself by functions that
// came years after Chromium 90 and Safari 15 (oklch, color-mix, light-dark). Declarations with
// those, and rules with :has(), are left out here; src/style/tokens.css gives the tokens that they
// set plain values.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import postcss from "postcss";
import { PurgeCSS } from "purgecss";

const web = fileURLToPath(new URL("../", import.meta.url));
// Everywhere a class is named; scripts/browser_assets.py builds again when one of these changes.
const users = ["templates/**/*.html", "assets/src/**/*.ts"];
// The guard's app has styles of its own.
const others = ["assets/src/guard/**"];
// Words of the pages that are no classes there.
const blocklist = ["ratio"];
const tooNew = /oklch|oklab|color-mix\(|light-dark\(/;
// And whole rules by what they choose with.
const tooNewSelector = /:has\(/;
const sides = { "inline-start": "left", "inline-end": "right" };

export const tabler = {
  name: "tabler",
  setup(build) {
    build.onLoad({ filter: /@tabler[\\/]core[\\/]dist[\\/]css[\\/]tabler\.css$/ }, async ({ path }) => {
      const raw = (await readFile(path, "utf8")).replace(/\/\*# sourceMappingURL=.*?\*\//, "");
      const [used] = await new PurgeCSS().purge({
        content: users.map((name) => web + name),
        skippedContentGlobs: others.map((name) => web + name),
        css: [{ raw }],
        blocklist,
        variables: true,
        keyframes: true,
      });
      const { css } = await postcss([plain]).process(used.css, { from: path });
      return { contents: css, loader: "css" };
    });
  },
};

const plain = {
  postcssPlugin: "plain",
  AtRule: { property: (rule) => rule.remove() },
  Rule(rule) {
    const read = rule.selectors.filter((selector) => !tooNewSelector.test(selector));
    if (read.length === 0) rule.remove();
    else if (read.length < rule.selectors.length) rule.selectors = read;
  },
  Declaration(declaration) {
    if (tooNew.test(declaration.value)) declaration.remove();
    else if (declaration.prop === "float") {
      declaration.value = sides[declaration.value] ?? declaration.value;
    }
  },
};
