// Campaigns and daemons as they are on some days: nothing measured, no support, amounts in wt%, several targets, very long names,
// thirty campaigns; a daemon that is slow, or away for a while.
import assert from "node:assert/strict";
import { Daemon, openPage, until } from "./harness.mjs";
import { pagesOf, settled } from "./pages.mjs";

const LONG = "a-very-long-name-".repeat(12).slice(0, 200);
const MANY = "m".repeat(64);
const ELEMENTS = ["Li", "Na", "K", "Mn", "W", "Ca"];
const TARGET = '[[targets]]\nname = "yield"\nunit = "%"\ngoal = "maximize"\n';
const SLOTS = '[[space]]\nkind = "slots"\nslots = 3\nnone = true\nrepetition = true\nelements = ["Li", "Na", "K", "Mn", "W", "Ca"]\n';
const REST = '[planner]\nbatch = 4\n[model]\nhypotheses = 5\nsize = 2\n[retrain]\nwhen = "by_hand"\n';

const CAMPAIGNS = {
  nothing: `${TARGET}${SLOTS}supports = ["MgO"]\n`,
  bulk: `[[targets]]\nname = "activity"\nunit = "mmol/g/h"\ngoal = "maximize"\n${SLOTS}`,
  weights: `[composition]\nbasis = "wt_percent_of_catalyst"\n${TARGET}[[space]]\nkind = "grid"\nelements = ["Li", "Mn", "W"]\nloadings = [1.0, 2.0, 5.0]\nsupports = ["SiO2", "MgO"]\nmin_elements = 1\nmax_elements = 2\n`,
  [MANY]: `[[targets]]\nname = "X_CH4"\nunit = "%"\ngoal = "maximize"\n[[targets]]\nname = "S_C2"\nunit = "%"\ngoal = "maximize"\n[[targets]]\nname = "cost"\nunit = "EUR/g"\ngoal = "minimize"\n${SLOTS}supports = ["MgO", "SiO2"]\n[conditions]\ntemperature_C = [700, 750, 800]\n`,
};

const rows = (values, more) => Array.from({ length: 18 }, (_, i) => ({
  catalyst: { slots: [ELEMENTS[i % 6], ELEMENTS[(i * 3 + 1 + (i > 11 ? 1 : 0)) % 6], i % 4 ? ELEMENTS[(i * 5 + 2) % 6] : "none"], ...more(i).catalyst },
  channel: String(i), sequence: i, ...more(i).row, values: values(i),
}));

async function learn(daemon, name) {
  const { job } = await daemon.ask("POST", `/v1/campaigns/${name}:retrain`, {});
  await until("a model", async () => ["COMPLETED", "FAILED"].includes((await daemon.ask("GET", `/v1/jobs/${job.id}`)).state));
  await daemon.ask("POST", `/v1/campaigns/${name}:recommend`, {});
  await until("a batch", async () => (await daemon.ask("GET", `/v1/campaigns/${name}/proposals`)).proposals.length > 0);
}

async function fill(daemon) {
  for (const [name, text] of Object.entries(CAMPAIGNS)) await daemon.ask("POST", "/v1/campaigns", `format = 1\nname = "${name}"\n${text}${REST}`, "application/toml");
  for (let i = 0; i < 26; ++i) await daemon.ask("POST", "/v1/campaigns", `format = 1\nname = "other-${i}"\n${CAMPAIGNS.nothing}${REST}`, "application/toml");
  await daemon.ask("POST", "/v1/campaigns/bulk/measurements", { source: LONG, run: LONG, rows: rows((i) => ({ activity: 0.001 + 0.01 * i }), () => ({})) });
  await daemon.ask("POST", `/v1/campaigns/${MANY}/measurements`, { source: "rig", run: "1", rows: rows((i) => ({ X_CH4: 20 + i, S_C2: 60 - 1.3 * i, cost: 1 + Math.sin(i) }), (i) => ({ catalyst: { support: i % 2 ? "MgO" : "SiO2" }, row: { conditions: { temperature_C: 700 + 50 * (i % 3) } } })) });
  const table = Array.from({ length: 16 }, (_, i) => `${[1, 2, 5, 0][i % 4]},${[2, 0, 1, 5][i % 4]},0,${i % 2 ? "MgO" : "SiO2"},${5 + i}\n`).join("");
  await daemon.ask("POST", "/v1/campaigns/weights/measurements?source=t", `Li,Mn,W,Support,yield\n${table}`, "text/csv");
  for (const name of ["bulk", "weights", MANY]) await learn(daemon, name);
  await daemon.ask("POST", "/v1/campaigns/bulk/proposals", { catalyst: { amounts: { Li: 1, Mn: 2 } }, reason: LONG });
}

const PAGES = ["results", "hypotheses", "model", "elements", "map", "proposals", "worksheet", "measurements", "quarantine", "deliveries"];

export async function odd(browser, bin) {
  const daemon = await (await Daemon.start(bin)).run();
  const origin = `http://127.0.0.1:${daemon.port}`;
  try {
    await fill(daemon);
    // 640 px is a window of 1,280 px at twice the size.
    const page = await openPage(browser, origin, { viewport: { width: 640, height: 450 }, deviceScaleFactor: 2, reducedMotion: "reduce" });
    const fits = async (where) => {
      await settled(page);
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(beyond <= 0, `${where} is ${beyond} px too wide`);
    };
    for (const name of Object.keys(CAMPAIGNS)) {
      const all = pagesOf(name);
      for (const one of PAGES) {
        await page.goto(`${origin}/${all[one]}`);
        await fits(`${one} of ${name.slice(0, 10)}`);
      }
    }
    for (const address of ["#/", "#/wall", "#/work?tab=models"]) {
      await page.goto(`${origin}/${address}`);
      await fits(address);
    }
    assert.equal(await page.locator("td a").count(), 3 + 2, "the models of five targets");
    await page.goto(`${origin}/#/c/weights/worksheet`);
    await page.getByText(/^(Li|Mn|W) \d\swt%/).first().waitFor();
    // A key is nothing to read: reasons name catalysts and conditions.
    await page.goto(`${origin}/#/c/${MANY}/proposals`);
    await settled(page);
    const reasons = await page.locator("td.wide").allInnerTexts();
    assert.ok(reasons.length >= 4 && !reasons.some((text) => /[A-Z][a-z]?:\d|temperature_C/.test(text)), reasons.join("\n"));
    assert.deepEqual(page.wrong, []);
    await page.context().close();
  } finally {
    await daemon.stop();
  }
}

// The daemon goes away while a page is open and another one is asked for, comes back, and is slow.
export async function silence(browser, bin) {
  const daemon = await (await Daemon.start(bin)).run();
  const origin = `http://127.0.0.1:${daemon.port}`;
  try {
    await daemon.ask("POST", "/v1/campaigns", `format = 1\nname = "nothing"\n${CAMPAIGNS.nothing}${REST}`, "application/toml");
    const page = await openPage(browser, origin);
    page.expected.push(/Failed to load resource|ERR_/);
    await page.goto(`${origin}/#/c/nothing`);
    await settled(page);
    await page.locator(".live-live").waitFor();
    await daemon.crash();
    await page.locator(".live-waiting").waitFor();
    await page.getByRole("button", { name: "Retrain" }).click();
    await page.locator(".toast").getByText("The daemon does not answer.").waitFor();
    await page.goto(`${origin}/#/c/nothing/data`);
    await page.getByRole("alert").getByText("The daemon does not answer.").waitFor();
    await daemon.run();
    await page.getByText("Nothing was measured yet.").waitFor();
    await page.locator(".live-live").waitFor();
    await page.route("**/v1/campaigns/**", async (route) => {
      await new Promise((done) => setTimeout(done, 1500));
      await route.continue();
    });
    await page.goto(`${origin}/#/c/nothing/proposals`);
    await page.getByText("Reading…").first().waitFor();
    await page.getByText("Nothing was proposed yet.").waitFor();
    await page.unrouteAll({ behavior: "wait" });
    assert.deepEqual(page.wrong, []);
    await page.context().close();
  } finally {
    await daemon.stop();
  }
}
