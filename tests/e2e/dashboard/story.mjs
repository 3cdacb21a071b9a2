// The life of a campaign in the browser alone: from a table to a pause, with two batches of the twin.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { drop, laboratory, openPage, until } from "./harness.mjs";

const MARKUP = '<img src=x onerror="window.hacked=1"><b>bold</b>';

async function start(page, daemon, folder) {
  const table = join(folder, "own.csv");
  laboratory("table", table);
  await page.goto(`${daemon.origin}/#/start`);
  await drop(page, "own.csv", readFileSync(table, "utf8"));
  await page.getByRole("heading", { name: "own.csv: 40 rows" }).waitFor();
  // What was read as what, and a correction of it.
  await page.getByRole("row", { name: /^M1 slot/ }).waitFor();
  await page.getByLabel("Read column operator as").selectOption("ignore");
  await page.getByRole("row", { name: /^operator not wanted/ }).or(page.getByRole("row", { name: /^operator not used/ })).waitFor();
  await page.getByLabel("Name", { exact: true }).fill("story");
  await page.getByLabel("Target", { exact: true }).selectOption("C2_yield");
  await page.getByLabel("Unit", { exact: true }).fill("%");
  await page.getByLabel("Catalysts in a batch").fill("6");
  await page.getByRole("button", { name: "Draft the campaign's file" }).click();
  // A key that nobody knows is marked while it is typed.
  const source = page.getByRole("textbox", { name: "Campaign file" });
  const text = await source.inputValue();
  await source.fill(text.replace("batch = 6", "batchh = 6"));
  await page.getByRole("alert").filter({ hasText: "batchh" }).waitFor();
  assert.equal(await page.locator(".gutter .wrong").count(), 1);
  assert.ok(await page.getByRole("button", { name: "Apply" }).isDisabled());
  await source.fill(text);
  await form(page, source);
  await source.fill(text.replace("# hit_threshold = ...", "hit_threshold = 12  #").replace("size = 3", "size = 2") + '\n[[rules]]\nname = "no potassium"\nforbid_elements = ["K"]\n\n[materials]\nsample_mass_g = 0.5\namounts = "mmol_per_g"\n');
  await page.getByRole("row", { name: /no potassium/ }).waitFor();
  await page.getByRole("button", { name: "Plan without changing anything" }).click();
  await page.getByRole("dialog").getByText("Nothing was changed.").waitFor();
  assert.equal(await page.getByRole("dialog").locator("tbody tr").count(), 6);
  assert.deepEqual((await daemon.ask("GET", "/v1/campaigns")).campaigns, [], "planning keeps nothing");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Apply" }).click();
  await page.getByRole("heading", { name: /^story/ }).waitFor();
  await until("the table's measurements", async () => (await daemon.ask("GET", "/v1/campaigns/story/overview")).measurements === 40);
}

// The form beside the file: each field writes its own value, and nothing else of the text changes.
async function form(page, source) {
  const before = await source.inputValue();
  const fields = page.getByRole("form", { name: "The campaign as a form" });
  const write = async (label, value) => {
    await fields.getByLabel(label, { exact: true }).fill(value);
    await page.keyboard.press("Tab");
  };
  await write("Counts as a hit from", "11.5");
  await write("Elements", "Li, Na, Mn W");
  await write("exploit", "2");
  await write("explore", "50 %");
  await fields.getByText("Add a rule").click();
  await fields.getByLabel("Name of the rule").fill("no salt");
  await fields.getByLabel("Elements it speaks of").fill("Na");
  await fields.getByRole("group", { name: "Rules" }).getByRole("button", { name: "Add" }).click();
  await fields.getByText("Add a condition").click();
  await fields.getByLabel("Name of the condition").fill("temperature_C");
  await fields.getByLabel("Levels, such as").fill("700, 800");
  await fields.getByRole("group", { name: "Conditions" }).getByRole("button", { name: "Add" }).click();
  const after = await source.inputValue();
  for (const part of ["hit_threshold = 11.5", 'elements = ["Li", "Na", "Mn", "W"]', "exploit = 2", 'explore = "50 %"', '[[rules]]\nname = "no salt"\nforbid_elements = ["Na"]', "temperature_C = [700, 800]"]) assert.ok(after.includes(part), `${part} in\n${after}`);
  for (const comment of before.match(/^#.*$/gm)) assert.ok(after.includes(comment), comment);
  await page.getByRole("row", { name: /no salt/ }).waitFor();
  await fields.getByRole("button", { name: "Remove no salt" }).click();
  await fields.getByRole("button", { name: "Remove temperature_C" }).click();
  const last = await source.inputValue();
  assert.ok(!last.includes("no salt") && !last.includes("[conditions]"), last);
}

async function batch(page, daemon) {
  await page.goto(`${daemon.origin}/#/c/story/proposals`);
  await page.getByRole("button", { name: "Ask for the next batch" }).click();
  // The places of the batch before are on the page already: those that are to be made are waited for.
  await until("a batch to be made", async () => (await daemon.ask("GET", "/v1/campaigns/story/proposals?state=REQUESTED")).proposals.length >= 6);
  await page.locator("button.place:not(.done)").nth(5).waitFor();
}

async function decide(page) {
  const first = page.locator(".plate button").first();
  await first.click();
  await page.getByRole("dialog").getByRole("table").waitFor();
  assert.ok((await page.getByRole("dialog").locator("tbody tr").count()) >= 3, "more than one neighbour");
  assert.equal(await page.locator(".place .weigh").count(), 6, "what to weigh in for each place");
  assert.match(await page.locator(".place .weigh").first().innerText(), /\d mg/);
  await page.keyboard.press("Escape");
  // Amended by keyboard alone.
  const actions = page.getByLabel(/^Actions for/);
  await actions.first().selectOption("amend");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Active elements and amounts").fill("Mn 1, Na 1, W 1");
  await dialog.getByLabel("Support").fill("SiO2");
  await dialog.getByLabel("Reason").fill(MARKUP);
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Mn-Na-W/SiO2" }).or(page.getByText("was amended")).first().waitFor();
  await actions.nth(1).selectOption("cancel");
  await dialog.getByLabel("Reason").fill("no salt left");
  await dialog.getByRole("button", { name: "Cancel", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
}

async function worksheet(page, daemon, folder) {
  await page.getByRole("link", { name: "Worksheet" }).click();
  await page.getByRole("heading", { name: /^Worksheet: story, batch 1/ }).waitFor();
  await page.emulateMedia({ media: "print" });
  assert.ok((await page.pdf({ path: join(folder, "worksheet.pdf") })).length > 5_000);
  assert.ok(!(await page.locator(".top").isVisible()), "the navigation is not printed");
  await page.emulateMedia({ media: "screen" });
  const filled = {};
  for (const format of ["csv", "xlsx"]) {
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: format.toUpperCase() }).click()]);
    const sheet = join(folder, `sheet.${format}`);
    await file.saveAs(sheet);
    laboratory("fill", sheet);
    filled[format] = readFileSync(sheet);
  }
  await page.getByRole("link", { name: "Back" }).click();
  const before = (await daemon.ask("GET", "/v1/campaigns/story/overview")).measurements;
  // Both are the same five rows; the workbook is taken in.
  await drop(page, "sheet.csv", filled.csv);
  await page.getByRole("dialog").getByText(/^5 accepted/).first().waitFor();
  await page.keyboard.press("Escape");
  await drop(page, "sheet.xlsx", filled.xlsx);
  await page.getByRole("dialog").getByText(/^5 accepted/).first().waitFor();
  assert.equal((await daemon.ask("GET", "/v1/campaigns/story/overview")).measurements, before, "a look takes nothing in");
  await page.getByRole("button", { name: "Take in" }).click();
  await until("the worksheet's results", async () => (await daemon.ask("GET", "/v1/campaigns/story/overview")).measurements > before);
  const { proposals } = await daemon.ask("GET", "/v1/campaigns/story/overview");
  assert.ok(proposals.SUCCEEDED >= 4, JSON.stringify(proposals));
}

async function quarantine(page, daemon) {
  await page.goto(`${daemon.origin}/#/c/story/data?tab=import`);
  await drop(page, "late.csv", "M1,M2,M3,Support,C2_yield\nMn,W,none,MgO,about nine\n");
  await page.getByRole("dialog").getByText(/1 in quarantine/).waitFor();
  await page.getByRole("button", { name: "Take in" }).click();
  await page.getByRole("button", { name: "Fix" }).click();
  const dialog = page.getByRole("dialog");
  assert.equal(await dialog.locator(".wrong input").inputValue(), "about nine", "the problem stands beside its cell");
  await dialog.getByLabel("C2_yield").fill("9.1");
  await dialog.getByRole("button", { name: "Readmit" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByText("No row waits in quarantine.").waitFor();
  // A robot's row is an object: its members are fields, and one that nobody knows is taken out.
  const row = { catalyst: { slots: ["Mn", "Mn", "W"], support: "MgO" }, flag: "?", values: { C2_yield: "about ten" } };
  await daemon.ask("POST", "/v1/campaigns/story/measurements", { source: "robot", run: "9", rows: [row] });
  await page.getByRole("button", { name: "Fix" }).click();
  await dialog.getByLabel("flag", { exact: true }).fill("");
  await dialog.getByLabel("values/C2_yield").fill("10.1");
  await dialog.getByRole("button", { name: "Readmit" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByText("No row waits in quarantine.").waitFor();
  const { measurements } = await daemon.ask("GET", "/v1/campaigns/story/measurements?newest=true&limit=1");
  assert.deepEqual([measurements[0].value, measurements[0].source], [10.1, "robot"]);
}

async function correct(page, daemon) {
  await page.goto(`${daemon.origin}/#/c/story/data`);
  await page.getByLabel(/^Actions for/).first().selectOption("retract");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Reason").fill(MARKUP);
  await dialog.getByLabel("Person").fill("Ada");
  await dialog.getByRole("button", { name: "Retract" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.locator("tr.faded").first().waitFor();
  await page.locator("tr.faded button.link").first().click();
  await dialog.getByText(MARKUP).first().waitFor();
  await page.keyboard.press("Escape");
}

async function look(page, daemon) {
  // The batch that follows the correction is planned: nothing changes between the page and the answer.
  await until("no job", async () => (await daemon.ask("GET", "/v1/campaigns/story/overview")).jobs.length === 0);
  await page.goto(`${daemon.origin}/#/c/story?tab=map`);
  await page.locator(".plot-place .main-svg").first().waitFor();
  const seen = await daemon.ask("GET", "/v1/campaigns/story/coverage");
  const shown = await page.locator(".plot-place").evaluate((place) => place.data.map((trace) => [trace.type, trace.x.length]));
  const of = (state) => seen.points.filter((point) => point.state === state).length;
  assert.deepEqual(shown.slice(1), ["measured", "pending", "proposed"].map((state) => ["scatter", of(state)]));
  assert.equal(seen.measured, of("measured"));
  assert.equal(shown[0][0], "heatmap");
  assert.equal(seen.density.counts.flat().reduce((sum, n) => sum + n, 0), seen.sampled);
  await page.goto(`${daemon.origin}/#/c/story`);
  await page.locator(".plot-place .legendtext").getByText("random order (expected)").waitFor();
}

// A retraining of fifty rows may be done before anybody can press a button: it is asked for again until one was cancelled.
async function retrain(page, daemon) {
  const idle = async () => (await daemon.ask("GET", "/v1/campaigns/story/overview")).jobs.length === 0;
  const cancelled = async () => (await daemon.ask("GET", "/v1/jobs?state=CANCELLED")).jobs.length > 0;
  for (let attempt = 0; attempt < 30 && !(await cancelled()); ++attempt) {
    await until("no job", idle);
    await page.goto(`${daemon.origin}/#/c/story`);
    await page.getByRole("button", { name: "Retrain" }).click();
    await page.goto(`${daemon.origin}/#/work`);
    await page.getByRole("button", { name: "Cancel" }).first().click({ timeout: 2000 }).catch(() => {});
    await until("the end of the job", idle);
  }
  assert.ok(await cancelled(), "no retraining could be cancelled");
  await page.goto(`${daemon.origin}/#/work`);
  await page.getByText("cancelled", { exact: true }).first().waitFor();
}

export async function story(browser, daemon) {
  const folder = mkdtempSync(join(tmpdir(), "kasetsu-story-"));
  const page = await openPage(browser, daemon.origin);
  const watching = await openPage(browser, daemon.origin);
  // A refusal is an answer: Chromium writes a line for it. A job may end while somebody presses Cancel (409).
  page.expected.push(/status of 40[09]/);
  await start(page, daemon, folder);
  await watching.goto(`${daemon.origin}/#/c/story`);
  await watching.locator(".figure", { hasText: "Measurements" }).getByText("40", { exact: true }).waitFor();
  await batch(page, daemon);
  await decide(page);
  await worksheet(page, daemon, folder);
  await watching.locator(".figure", { hasText: "Measurements" }).getByText("45", { exact: true }).waitFor();
  await quarantine(page, daemon);
  await batch(page, daemon);
  laboratory("measure", daemon.origin, "story");
  await until("the second batch", async () => (await daemon.ask("GET", "/v1/campaigns/story/overview")).measurements >= 52);
  await watching.locator(".figure", { hasText: "Measurements" }).getByText(/^5[2-4]$/).waitFor();
  await look(page, daemon);
  await correct(page, daemon);
  await retrain(page, daemon);
  await page.goto(`${daemon.origin}/#/c/story`);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("dialog").getByLabel("Reason").fill("holidays");
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await watching.locator("h1").getByText("paused").waitFor();
  assert.equal(await page.evaluate(() => window.hacked), undefined, "markup in names is text");
  assert.deepEqual([...page.wrong, ...watching.wrong], []);
  writeFileSync(join(folder, "done"), "");
  await page.context().close();
  await watching.context().close();
}
