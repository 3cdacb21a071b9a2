// Which pages there are, when one has settled, and what axe says of it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

// The libraries lie in the build folder, not beside this file.
export const libraries = createRequire(join(process.env.KASETSU_NODE_MODULES, "package.json"));
const axeSource = readFileSync(libraries.resolve("axe-core/axe.min.js"), "utf8");
export const LOOKS = [["en", "en-GB"], ["ja", "ja-JP"]].flatMap(([language, locale]) => ["light", "dark"].map((theme) => ({ language, locale, theme })));

// The pages of a campaign and those of the daemon.
export const pagesOf = (name) => ({
  campaigns: "#/",
  wall: "#/wall",
  start: "#/start",
  results: `#/c/${name}`,
  hypotheses: `#/c/${name}?tab=hypotheses`,
  model: `#/c/${name}?tab=model`,
  elements: `#/c/${name}?tab=elements`,
  map: `#/c/${name}?tab=map`,
  proposals: `#/c/${name}/proposals`,
  worksheet: `#/c/${name}/worksheet`,
  measurements: `#/c/${name}/data`,
  quarantine: `#/c/${name}/data?tab=quarantine&state=readmitted`,
  deliveries: `#/c/${name}/data?tab=deliveries`,
  import: `#/c/${name}/data?tab=import`,
  file: `#/c/${name}/file`,
  jobs: "#/work",
  models: "#/work?tab=models",
  drivers: "#/work?tab=drivers",
  events: "#/work?tab=events",
  nothing: "#/nowhere",
});

export async function settled(page) {
  await page.locator("main h1, main h2").first().waitFor({ state: "attached" });
  await page.waitForFunction(() => ![...document.querySelectorAll('[role="status"].quiet')].some((e) => e.textContent));
  // Plots are drawn when Plotly has written into them.
  await page.waitForFunction(() => [...document.querySelectorAll(".plot-place")].every((place) => place.querySelector(".main-svg")));
}

// Sentences in English on a page in another language that nothing marks as English: screen readers would read them with the
// sounds of that language.
export const unmarked = (page) => page.evaluate(() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const place = walker.currentNode.parentElement;
    if (/[A-Za-z]{2,}(,? [A-Za-z]{2,}){3,}/.test(walker.currentNode.data) && place.closest("[lang]").lang !== "en" && !place.closest("noscript, script, textarea, pre, code")) found.push(walker.currentNode.data);
  }
  return found;
});

// What axe finds that keeps people out.
export async function serious(page) {
  // The policy lets no script be added to the page; evaluation by the browser's tools is not the page's.
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return violations.filter((one) => ["serious", "critical"].includes(one.impact)).map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.target.join(" ")} ${node.failureSummary}`).join(" | ")}`);
}
