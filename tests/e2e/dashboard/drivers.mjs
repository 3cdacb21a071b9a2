// What the pages say of drivers, one that works and one that is tried again; and what a form leaves alone that does not ask about it.
import assert from "node:assert/strict";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Daemon, openPage, until } from "./harness.mjs";

const CONFIG = `[drivers.gc]
kind = "folder"
campaign = "ocm"
path = "{folder}/gc"
scan_s = 1
[drivers.broken]
kind = "exec"
campaign = "ocm"
command = ["/bin/false"]
`;
const CAMPAIGN = `format = 1
name = "ocm"
[[targets]]
name = "C2_yield"
unit = "%"
goal = "maximize"
[[space]]
kind = "slots"
slots = 2
none = true
repetition = true
elements = ["Li", "Na", "Mn"]
supports = ["MgO", "SiO2"]
[planner]
batch = 4
[retrain]
when = "by_hand"
`;

export async function drivers(browser, bin) {
  const daemon = await Daemon.start(bin, CONFIG);
  mkdirSync(join(daemon.folder, "gc"));
  await daemon.run();
  const origin = `http://127.0.0.1:${daemon.port}`;
  try {
    await daemon.ask("POST", "/v1/campaigns", CAMPAIGN, "application/toml");
    const state = async (name) => (await daemon.ask("GET", `/v1/drivers/${name}`)).state;
    await until("a driver that tries again", async () => (await state("broken")) === "BACKING_OFF");
    const inbox = join(daemon.folder, "gc", "inbox");
    await until("the inbox", async () => (await state("gc")) === "RUNNING");
    writeFileSync(join(inbox, ".one.csv.part"), "M1,M2,Support,C2_yield\nLi,Na,MgO,8\nMn,none,SiO2,9\n");
    renameSync(join(inbox, ".one.csv.part"), join(inbox, "one.csv"));
    writeFileSync(join(inbox, "one.csv.ok"), "");
    await until("two rows", async () => (await daemon.ask("GET", "/v1/drivers/gc")).accepted === 2);

    const page = await openPage(browser, origin);
    await page.goto(`${origin}/#/`);
    await page.getByText("Driver broken is").waitFor();
    assert.equal(await page.getByText("Driver gc is").count(), 0, "one that works is no alarm");
    await page.goto(`${origin}/#/work?tab=drivers`);
    const row = page.locator("tr", { hasText: "folder" });
    await row.getByText("running", { exact: true }).waitFor();
    assert.match(await row.textContent(), /Deliveries 1, Accepted 2, /);
    await page.locator("tr", { hasText: "exec" }).getByText("trying again", { exact: true }).waitFor();

    const catalyst = { amounts: { Li: 1, Na: 1 }, support: "SiO2", preparation: "impregnated" };
    await daemon.ask("POST", "/v1/campaigns/ocm/proposals", { catalyst, reason: "to see" });
    await page.goto(`${origin}/#/c/ocm/proposals`);
    const actions = page.getByRole("combobox", { name: /^Actions/ });
    await actions.first().waitFor();
    await actions.first().selectOption("amend");
    const form = page.getByRole("dialog");
    await form.locator('input[name="amounts"]').fill("Li 1, Mn 1");
    await form.locator('[name="reason"]').fill("no sodium left");
    await form.getByRole("button", { name: "Amend", exact: true }).click();
    const amended = await until("the amended proposal", async () => (await daemon.ask("GET", "/v1/campaigns/ocm/proposals?state=REQUESTED")).proposals.find((one) => one.catalyst.amounts?.Mn));
    assert.equal(amended.catalyst.preparation, "impregnated");

    // The page of events stays open while more come than one answer holds.
    await page.goto(`${origin}/#/work?tab=events`);
    await page.locator("tbody tr").first().waitFor();
    for (let i = 0; i < 520; ++i) {
      await daemon.ask("POST", "/v1/campaigns/ocm:pause", { reason: "a pause" });
      await daemon.ask("POST", "/v1/campaigns/ocm:resume", {});
    }
    const newest = (await daemon.ask("GET", "/v1/session")).last_event;
    assert.ok(newest > 1000);
    await page.locator("tbody tr").first().getByText(String(newest), { exact: true }).waitFor();
    assert.deepEqual(page.wrong, []);
    await page.context().close();
  } finally {
    await daemon.stop();
  }
}
