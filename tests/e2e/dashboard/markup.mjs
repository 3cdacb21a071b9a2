// Names with markup in them, wherever a person or a robot may give one: shown as text, and never run.
import assert from "node:assert/strict";
import { Daemon, drop, openPage, until } from "./harness.mjs";
import { pagesOf, settled } from "./pages.mjs";

const MARKUP = '<img src=x onerror="window.hacked=1">';
const QUOTED = JSON.stringify(MARKUP);
const CAMPAIGN = `format = 1
name = "hostile"
description = ${QUOTED}
[[targets]]
name = ${QUOTED}
unit = ${QUOTED}
goal = "maximize"
[[targets]]
name = "second"
unit = "%"
goal = "maximize"
[[space]]
kind = "slots"
slots = 2
none = true
repetition = false
elements = ["Li", "Na", "K", "Mn", "W"]
supports = ["MgO", "SiO2"]
preparations = [${QUOTED}]
[[rules]]
name = ${QUOTED}
forbid_together = ["Li", "Na"]
[planner]
batch = 4
[model]
hypotheses = 5
size = 2
[retrain]
when = "by_hand"
`;

function rows() {
  const elements = ["Li", "Na", "K", "Mn", "W"];
  return Array.from({ length: 14 }, (_, i) => ({
    catalyst: { slots: [elements[i % 5], i % 3 ? elements[(i + 1 + (i % 2)) % 5] : "none"], support: i % 2 ? "MgO" : "SiO2", preparation: MARKUP },
    channel: MARKUP, sample: `${MARKUP} ${i}`, sequence: i, conditions: { [MARKUP]: 700 },
    values: { [MARKUP]: 5 + Math.sin(3 * i) * 4, second: i },
  }));
}

async function fill(daemon) {
  const one = (path, body) => daemon.ask("POST", `/v1/campaigns/hostile${path}`, body);
  await daemon.ask("POST", "/v1/campaigns", CAMPAIGN, "application/toml");
  await one("/measurements", { source: MARKUP, run: MARKUP, rows: rows() });
  // What is wrong goes into quarantine, with the robot's own words.
  const [row] = rows();
  await one("/measurements", { source: MARKUP, run: "2", rows: [{ ...row, values: { second: MARKUP } }, { ...row, catalyst: { slots: ["Li", "none"], support: MARKUP } }] });
  await daemon.ask("POST", `/v1/campaigns/hostile/measurements?source=table&file_name=${encodeURIComponent(MARKUP)}`, `M1,M2,Support,Preparation,second\nLi,W,MgO,,"${MARKUP.replaceAll('"', '""')}"\n`, "text/csv");
  const { measurements } = await daemon.ask("GET", "/v1/campaigns/hostile/measurements?limit=1");
  await daemon.ask("POST", `/v1/measurements/${measurements[0].id}:exclude`, { reason: MARKUP, person: MARKUP });
  const { job } = await one(":retrain", {});
  await until("a model", async () => ["COMPLETED", "FAILED"].includes((await daemon.ask("GET", `/v1/jobs/${job.id}`)).state));
  const proposal = await one("/proposals", { catalyst: { amounts: { Na: 1, Mn: 1 }, support: "MgO", preparation: MARKUP }, reason: MARKUP });
  await daemon.ask("POST", `/v1/proposals/${proposal.id}:claim`, { client: MARKUP });
  await one(":recommend", {});
  await until("a batch", async () => (await daemon.ask("GET", "/v1/campaigns/hostile/proposals")).proposals.length > 1);
  await one(":pause", { reason: MARKUP });
}

// Where the text must be seen as it was given.
const SEEN = ["campaigns", "wall", "results", "proposals", "worksheet", "measurements", "quarantine", "deliveries", "file"];
const CLICKS = {
  proposals: (page) => page.locator(".plate button").first().click(),
  measurements: (page) => page.locator("td button.link").first().click(),
  quarantine: (page) => page.locator("td button").first().click(),
  file: (page) => page.locator(".found .buttons button").first().click(),
};

async function harmless(page, where) {
  const found = await page.evaluate(() => ({ ran: window.hacked, images: document.querySelectorAll('img[src="x"]').length + [...document.querySelectorAll("image")].filter((one) => !one.href.baseVal.startsWith("data:image/png")).length, handlers: document.querySelectorAll("[onerror]").length }));
  assert.deepEqual(found, { ran: undefined, images: 0, handlers: 0 }, where);
}

export async function markup(browser, bin) {
  const daemon = await (await Daemon.start(bin)).run();
  const origin = `http://127.0.0.1:${daemon.port}`;
  try {
    await fill(daemon);
    const page = await openPage(browser, origin);
    for (const [name, address] of Object.entries({ ...pagesOf("hostile"), quarantine: "#/c/hostile/data?tab=quarantine" })) {
      await page.goto(`${origin}/${address}`);
      await settled(page);
      await harmless(page, name);
      const text = await page.evaluate(() => document.body.innerText + [...document.querySelectorAll("textarea")].map((one) => one.value).join());
      if (SEEN.includes(name)) assert.ok(text.includes(MARKUP), `${name} shows the text as it is:\n${text.slice(0, 1500)}`);
      if (!CLICKS[name]) continue;
      await CLICKS[name](page);
      await page.locator("dialog[open] h2").waitFor();
      await page.waitForFunction(() => !document.querySelector("dialog .quiet[role=status]"));
      await harmless(page, `dialogue of ${name}`);
      await page.keyboard.press("Escape");
    }
    // What hovers over a point.
    await page.goto(`${origin}/#/c/hostile`);
    await settled(page);
    await page.locator(".plot-place .scatterlayer .points path").first().hover({ force: true });
    await page.locator(".hoverlayer text").first().waitFor();
    await harmless(page, "hover");
    await page.goto(`${origin}/#/start`);
    await drop(page, MARKUP.replaceAll("/", ""), `M1,${QUOTED.replaceAll('\\"', '""')},Support\nLi,3,${QUOTED.replaceAll('\\"', '""')}\n`);
    await page.locator("h2").first().waitFor();
    await harmless(page, "a dropped table");
    assert.deepEqual(page.wrong, []);
    await page.context().close();
  } finally {
    await daemon.stop();
  }
}
