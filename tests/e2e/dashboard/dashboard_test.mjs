// node dashboard_test.mjs BIN CHROMIUM: the dashboard in a real browser, with a real daemon and the twin's data.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createServer, request as plainRequest } from "node:http";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Daemon, folderFor, openPage } from "./harness.mjs";
import { story } from "./story.mjs";

const [bin, chromiumPath] = process.argv.slice(2);
// The libraries lie in the build folder, not beside this file.
const require = createRequire(join(process.env.KASETSU_NODE_MODULES, "package.json"));
const { chromium } = require("playwright-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const PAGES = {
  campaigns: "#/",
  wall: "#/wall",
  start: "#/start",
  results: "#/c/story",
  hypotheses: "#/c/story?tab=hypotheses",
  model: "#/c/story?tab=model",
  elements: "#/c/story?tab=elements",
  proposals: "#/c/story/proposals",
  worksheet: "#/c/story/worksheet",
  measurements: "#/c/story/data",
  quarantine: "#/c/story/data?tab=quarantine&state=readmitted",
  deliveries: "#/c/story/data?tab=deliveries",
  import: "#/c/story/data?tab=import",
  file: "#/c/story/file",
  jobs: "#/work",
  models: "#/work?tab=models",
  drivers: "#/work?tab=drivers",
  events: "#/work?tab=events",
  nothing: "#/nowhere",
};

async function settled(page) {
  await page.locator("main h1, main h2").first().waitFor({ state: "attached" });
  await page.waitForFunction(() => ![...document.querySelectorAll('[role="status"].quiet')].some((e) => e.textContent));
  // Plots are drawn when Plotly has written into them.
  await page.waitForFunction(() => [...document.querySelectorAll(".plot-place")].every((place) => place.querySelector(".main-svg")));
}

async function serious(page) {
  // The policy lets no script be added to the page; evaluation by the browser's tools is not the page's.
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return violations.filter((one) => ["serious", "critical"].includes(one.impact)).map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.target.join(" ")} ${node.failureSummary}`).join(" | ")}`);
}

async function everyPage(browser, daemon) {
  const shots = folderFor("pages");
  for (const [language, locale] of [["en", "en-GB"], ["ja", "ja-JP"]]) {
    for (const theme of ["light", "dark"]) {
      const page = await openPage(browser, daemon.origin, { colorScheme: theme, locale, reducedMotion: "reduce" });
      for (const [name, address] of Object.entries(PAGES)) {
        await page.goto(`${daemon.origin}/${address}`);
        await settled(page);
        assert.equal(await page.evaluate(() => document.documentElement.lang), language);
        assert.deepEqual(await serious(page), [], `${name} ${language} ${theme}`);
      }
      assert.deepEqual(page.wrong, []);
      await page.context().close();
    }
  }
  for (const [width, height] of [[390, 844], [1280, 900], [2560, 1440]]) {
    const page = await openPage(browser, daemon.origin, { viewport: { width, height }, reducedMotion: "reduce" });
    for (const [name, address] of Object.entries(PAGES)) {
      await page.goto(`${daemon.origin}/${address}`);
      await settled(page);
      await page.screenshot({ path: join(shots, `${name}-${width}.png`), fullPage: true });
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(beyond <= 0, `${name} is ${beyond} px wider than ${width} px`);
    }
    assert.deepEqual(page.wrong, []);
    await page.context().close();
  }
  console.log(`screenshots: ${shots}`);
}

async function plots(browser, daemon) {
  const page = await openPage(browser, daemon.origin);
  await page.goto(`${daemon.origin}/#/c/story`);
  await settled(page);
  for (const format of ["SVG", "PNG", "CSV"]) {
    const [file] = await Promise.all([page.waitForEvent("download"), page.locator(".plot").first().getByRole("button", { name: format }).click()]);
    const bytes = readFileSync(await file.path());
    assert.ok(bytes.length > 500, format);
    if (format === "SVG") assert.match(bytes.toString("utf8", 0, 200), /<svg/);
    if (format === "PNG") assert.equal(bytes.toString("latin1", 1, 4), "PNG");
    if (format === "CSV") assert.match(bytes.toString(), /^n,catalyst,/);
  }
  await page.locator(".plot-place").first().hover();
  const buttons = await page.locator(".modebar-btn").evaluateAll((all) => all.map((one) => one.dataset.title || ""));
  assert.ok(buttons.length > 2);
  assert.ok(!buttons.some((title) => /cloud|share|chart studio|upload/i.test(title)), buttons.join());
  assert.equal(await page.locator('a[href*="plotly"], a[href*="plot.ly"]').count(), 0);
  assert.deepEqual(page.wrong, []);
  await page.context().close();
}

async function keyboard(browser, daemon) {
  const page = await openPage(browser, daemon.origin);
  await page.goto(`${daemon.origin}/#/c/story/proposals?batch=all`);
  await settled(page);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  // A dialogue keeps the focus and gives it back.
  const sort = page.getByRole("button", { name: /^Strategy/ });
  await sort.focus();
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("th[aria-sort]").count(), 1);
  await page.locator("button.link").first().focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  assert.ok(await page.evaluate(() => document.querySelector("dialog").contains(document.activeElement)));
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.ok(await page.evaluate(() => document.activeElement.matches("button.link")));
  assert.deepEqual(page.wrong, []);
  await page.context().close();
}

async function quick(browser, daemon) {
  const times = [];
  let bytes = 0;
  for (let i = 0; i < 5; ++i) {
    const page = await openPage(browser, daemon.origin);
    await page.goto(`${daemon.origin}/`);
    await page.locator(".card.campaign").first().waitFor();
    times.push(await page.evaluate(() => performance.getEntriesByType("paint").find((one) => one.name === "first-contentful-paint").startTime));
    bytes = await page.evaluate(() => performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation")).reduce((sum, one) => sum + one.encodedBodySize, 0));
    await page.context().close();
  }
  const best = Math.min(...times);
  console.log(`first page: ${Math.round(best)} ms, ${Math.round(bytes / 1000)} kB`);
  assert.ok(bytes < 700_000);
}

async function large(browser, daemon) {
  const text = readFileSync(new URL("../../../config/campaigns/ocm.toml", import.meta.url), "utf8").replace('name = "ocm"', 'name = "large"').replace('when = "every_batch"', 'when = "by_hand"');
  await daemon.ask("POST", "/v1/campaigns", text, "application/toml");
  for (let part = 0; part < 10; ++part) {
    const rows = Array.from({ length: 10_000 }, (_, i) => JSON.stringify({ catalyst: { slots: [["Li", "Mn", "W", "Na"][i % 4], ["Ba", "Ca", "Mg"][i % 3], "none"], support: ["MgO", "SiO2"][i % 2] }, channel: "1", sequence: i, values: { C2_yield: 5 + 10 * Math.abs(Math.sin(i)) } }));
    await daemon.ask("POST", `/v1/campaigns/large/measurements?source=rig&run=${part}`, `${rows.join("\n")}\n`, "application/x-ndjson");
  }
  const page = await openPage(browser, daemon.origin);
  await page.goto(`${daemon.origin}/#/`);
  await page.locator(".card.campaign").first().waitFor();
  const started = Date.now();
  await page.goto(`${daemon.origin}/#/c/large`);
  await page.getByRole("heading", { name: /^large/ }).waitFor();
  await page.locator(".plot-place .main-svg").first().waitFor();
  const took = Date.now() - started;
  console.log(`campaign with 100,000 measurements: ${took} ms`);
  assert.deepEqual(page.wrong, []);
  await page.context().close();
}

const TOKENS = `[tokens]
file = "{folder}/tokens"
[tls]
certificate_file = "{folder}/cert.pem"
key_file = "{folder}/key.pem"
`;

function prepareTokens(daemon) {
  const { folder } = daemon;
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")], { stdio: "ignore" });
  const make = (name, scopes) => {
    const args = ["token", "create", name, ...scopes.flatMap((scope) => ["--scope", scope]), "--file", join(folder, "tokens"), "--json"];
    return JSON.parse(execFileSync(join(bin, "kasetsu"), args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })).token;
  };
  return { reader: make("reader", ["read"]), admin: make("admin", ["read", "results", "campaigns", "admin"]) };
}

async function signIn(page, token) {
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation", { name: "Main pages" }).waitFor();
}

async function tokens(browser) {
  const daemon = await Daemon.start(bin, TOKENS);
  const secret = prepareTokens(daemon);
  await daemon.run();
  try {
    const origin = `https://127.0.0.1:${daemon.port}`;
    const page = await openPage(browser, origin, { ignoreHTTPSErrors: true });
    page.expected.push(/status of 401/);
    await page.goto(`${origin}/#/start`);
    await page.getByLabel("Token").fill("wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").waitFor();
    await signIn(page, secret.reader);
    await page.getByText("Your token does not allow this.").waitFor();
    const [cookie] = await page.context().cookies();
    assert.deepEqual([cookie.httpOnly, cookie.secure, cookie.sameSite], [true, true, "Strict"]);
    assert.equal(await page.evaluate(() => document.cookie), "", "no script reads it");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Token").waitFor();
    assert.equal((await page.context().cookies()).length, 0);
    await signIn(page, secret.admin);
    await page.goto(`${origin}/#/work?tab=tokens`);
    await page.getByRole("row", { name: /^reader/ }).getByRole("button", { name: "Revoke" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await page.getByRole("row", { name: /^reader/ }).waitFor({ state: "detached" });
    await page.goto(`${origin}/#/start`);
    await page.getByText("Begin without a table").click();
    await page.getByRole("textbox", { name: "Campaign file" }).fill(readFileSync(new URL("../../../config/campaigns/ocm.toml", import.meta.url), "utf8"));
    await page.getByRole("button", { name: "Apply" }).click();
    await page.getByRole("heading", { name: /^ocm/ }).waitFor();
    await strangers(page, origin);
    assert.deepEqual(page.wrong, []);
    await page.context().close();
  } finally {
    await daemon.stop();
  }
}

// A page of another origin, opened in the same browser, with the cookie of the one who is signed in.
async function strangers(page, origin) {
  const evil = createServer((request, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end(`<body><iframe id="frame" src="${origin}/"></iframe></body>`);
  });
  await new Promise((done) => evil.listen(0, "127.0.0.1", done));
  const other = await page.context().newPage();
  try {
    await other.goto(`http://localhost:${evil.address().port}/`);
    const outcomes = await other.evaluate(async (target) => {
      const attempt = async (path, options) => {
        try {
          const response = await fetch(target + path, { credentials: "include", ...options });
          return response.type === "opaque" ? "opaque" : String(response.status);
        } catch {
          return "refused";
        }
      };
      return [
        await attempt("/v1/campaigns", {}),
        await attempt("/v1/campaigns/ocm:stop", { method: "POST", body: '{"reason":"x"}', headers: { "Content-Type": "application/json" } }),
        await attempt("/v1/campaigns/ocm:stop", { method: "POST", mode: "no-cors", body: '{"reason":"x"}', headers: { "Content-Type": "text/plain" } }),
      ];
    }, origin);
    assert.deepEqual(outcomes.slice(0, 2), ["refused", "refused"]);
    const frame = other.frames().find((one) => one.url().startsWith("chrome-error") || one.url().startsWith(origin));
    assert.ok(!frame || !frame.url().startsWith(origin) || (await frame.locator("h1").count()) === 0, "the page is not framed");
    const state = await page.evaluate(async () => (await (await fetch("/v1/campaigns/ocm")).json()).state);
    assert.equal(state, "ACTIVE");
  } finally {
    await other.close();
    evil.close();
  }
}

async function rebinding(daemon) {
  const status = (host) => new Promise((done, fail) => {
    plainRequest({ host: "127.0.0.1", port: daemon.port, path: "/", headers: { Host: host } }, (response) => { response.resume(); done(response.statusCode); }).on("error", fail).end();
  });
  assert.equal(await status(`evil.example:${daemon.port}`), 421);
  assert.equal(await status(`127.0.0.1:${daemon.port}`), 200);
}

async function main() {
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox", "--disable-background-networking"] });
  const daemon = await (await Daemon.start(bin)).run();
  daemon.origin = `http://127.0.0.1:${daemon.port}`;
  const only = process.env.KASETSU_ONLY;
  const parts = { story: () => story(browser, daemon), quick: () => quick(browser, daemon), plots: () => plots(browser, daemon), keyboard: () => keyboard(browser, daemon), everyPage: () => everyPage(browser, daemon), rebinding: () => rebinding(daemon), tokens: () => tokens(browser), large: () => large(browser, daemon) };
  let failed = 0;
  try {
    for (const [name, part] of Object.entries(parts)) {
      if (only && !only.split(",").includes(name)) continue;
      const began = Date.now();
      try {
        await part();
        console.log(`ok   ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
      } catch (error) {
        failed += 1;
        console.log(`FAIL ${name}: ${error.stack}`);
        for (const context of browser.contexts()) {
          for (const [i, page] of context.pages().entries()) await page.screenshot({ path: join(folderFor("failed"), `${name}-${i}.png`) }).catch(() => {});
          await context.close();
        }
      }
    }
  } finally {
    await browser.close();
    if (failed) writeFileSync(join(folderFor("failed"), "daemon.log"), daemon.log);
    await daemon.stop();
  }
  process.exitCode = failed ? 1 : 0;
}

await main();
