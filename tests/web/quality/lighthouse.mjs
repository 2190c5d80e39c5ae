// Runs Lighthouse over pages in one Chromium; a line of JSON a page and run comes out.
//
// Standard input: {chromium, arguments, cookies, categories, phone, runs, pages: [{name, url,
// signedIn}]}. `phone` pretends a middling phone on slow 4G (Lighthouse's own profile); otherwise
// it looks from a desktop and waits for nothing.
import lighthouse, { desktopConfig } from "lighthouse";
import { text } from "node:stream/consumers";
import puppeteer from "puppeteer-core";

const job = JSON.parse(await text(process.stdin));
const browser = await puppeteer.launch({
  executablePath: job.chromium,
  args: job.arguments,
  headless: true,
});
const hurry = {
  pauseAfterFcpMs: 0,
  pauseAfterLoadMs: 0,
  networkQuietThresholdMs: 250,
  cpuQuietThresholdMs: 250,
};
const flags = {
  logLevel: "error",
  onlyCategories: job.categories,
  disableFullPageScreenshot: true,
  ...(job.phone ? {} : hurry),
};

try {
  for (const page of job.pages) {
    for (let run = 0; run < job.runs; run++) await look(page);
  }
} finally {
  await browser.close();
}

async function look({ name, url, signedIn }) {
  // A context of its own: no cookie, no cache of another page.
  const context = await browser.createBrowserContext();
  if (signedIn) await context.setCookie(...job.cookies);
  const tab = await context.newPage();
  const config = job.phone ? undefined : desktopConfig;
  const { lhr } = await lighthouse(url, flags, config, tab);
  await context.close();
  const categories = Object.values(lhr.categories);
  const scores = Object.fromEntries(
    categories.map(({ id, score }) => [id, Math.round((score ?? 0) * 100)]),
  );
  const lost = categories.flatMap(({ auditRefs }) =>
    auditRefs
      .map(({ weight, id }) => ({ weight, audit: lhr.audits[id] }))
      .filter(({ weight, audit }) => weight > 0 && audit.score !== null && audit.score < 0.9)
      .map(({ audit }) => `${audit.id} (${audit.displayValue ?? audit.title})`),
  );
  const trouble = [lhr.runtimeError?.message, ...lhr.runWarnings].filter(Boolean);
  process.stdout.write(`${JSON.stringify({ name, scores, lost, trouble })}\n`);
}
