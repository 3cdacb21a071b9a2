// node dashboard_test.mjs BIN CHROMIUM: the dashboard in a real browser, with a real daemon and the twin's data.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createServer, request as plainRequest } from "node:http";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { drivers } from "./drivers.mjs";
import { Daemon, drop, folderFor, openPage, until, WAIT } from "./harness.mjs";
import { markup } from "./markup.mjs";
import { odd, silence } from "./odd.mjs";
import { libraries, LOOKS, pagesOf, serious, settled, unmarked } from "./pages.mjs";
import { story } from "./story.mjs";

const [bin, chromiumPath] = process.argv.slice(2);
const { chromium } = libraries("playwright-core");
const PAGES = pagesOf("story");

async function everyPage(browser, daemon) {
  const shots = folderFor("pages");
  for (const { language, locale, theme } of LOOKS) {
    const page = await openPage(browser, daemon.origin, { colorScheme: theme, locale, reducedMotion: "reduce" });
    for (const [name, address] of Object.entries(PAGES)) {
      await page.goto(`${daemon.origin}/${address}`);
      await settled(page);
      assert.equal(await page.evaluate(() => document.documentElement.lang), language);
      assert.deepEqual(await serious(page), [], `${name} ${language} ${theme}`);
      if (language !== "en") assert.deepEqual(await unmarked(page), [], `${name} ${language}`);
    }
    assert.deepEqual(page.wrong, []);
    await page.context().close();
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

// What opens each dialogue, in any language.
const DIALOGS = {
  proposal: ["proposals", (page) => page.locator(".plate button").first().click()],
  "add by hand": ["proposals", (page) => page.locator(".head .buttons button").first().click()],
  steer: ["results", (page) => page.locator(".head .buttons button").last().click()],
  history: ["measurements", (page) => page.locator("td button.link").first().click()],
  retract: ["measurements", (page) => page.locator("td select").last().selectOption("retract")],
  correct: ["measurements", (page) => page.locator("td select").last().selectOption("supersede")],
  return: ["import", (page) => drop(page, "late.csv", "M1,M2,M3,Support,C2_yield\nMn,W,none,MgO,about nine\nMn,Mn,none,MgO,8\n")],
  plan: ["file", (page) => page.locator(".found .buttons button").first().click()],
  changes: ["models", (page) => page.locator("td .buttons button").first().click()],
};

async function dialogs(browser, daemon) {
  const shots = folderFor("dialogs");
  for (const { language, locale, theme } of LOOKS) {
    const page = await openPage(browser, daemon.origin, { colorScheme: theme, locale, reducedMotion: "reduce" });
    for (const [name, [address, open]] of Object.entries(DIALOGS)) {
      await page.goto(`${daemon.origin}/${PAGES[address]}`);
      await settled(page);
      await open(page);
      await page.locator("dialog[open] h2").waitFor();
      await page.waitForFunction(() => !document.querySelector("dialog .quiet[role=status]"));
      assert.deepEqual(await serious(page), [], `${name} ${language} ${theme}`);
      if (language !== "en") assert.deepEqual(await unmarked(page), [], `${name} ${language}`);
      const beyond = await page.locator("dialog[open]").evaluate((dialog) => dialog.scrollWidth - dialog.clientWidth);
      assert.ok(beyond <= 0, `${name} is ${beyond} px wider than its dialogue`);
      if (theme === "light") await page.screenshot({ path: join(shots, `${name.replaceAll(" ", "-")}-${language}.png`) });
      await page.keyboard.press("Escape");
      await page.locator("dialog[open]").waitFor({ state: "detached" });
    }
    assert.deepEqual(page.wrong, []);
    await page.context().close();
  }
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
  // What is chosen stands in the address.
  for (const [tab, name] of [["hypotheses", "alive"], ["elements", "Coverage"]]) {
    await page.goto(`${daemon.origin}/#/c/story?tab=${tab}`);
    await page.getByRole("button", { name, exact: true }).click();
    await page.waitForURL(/(state=alive|view=coverage)$/);
    await page.reload();
    await page.locator("button[aria-pressed=true]", { hasText: name }).waitFor();
  }
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
  // An arrow key opens the list of what may be done and chooses nothing yet.
  await page.locator("td select").first().focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Escape");
  assert.equal(await page.getByRole("dialog").count(), 0);
  assert.equal(await page.locator("td select").first().inputValue(), "");
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
  times.sort((a, b) => a - b);
  console.log(`first page: painted after ${times.map(Math.round).join(", ")} ms, ${Math.round(bytes / 1000)} kB compressed`);
  assert.ok(bytes < 700_000, `${bytes} bytes`);
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

async function signInLooks(browser, origin) {
  for (const { language, locale, theme } of LOOKS) {
    const page = await openPage(browser, origin, { colorScheme: theme, locale, ignoreHTTPSErrors: true });
    await page.goto(`${origin}/`);
    await page.locator("input[name=token]").waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.lang), language);
    assert.deepEqual(await serious(page), [], `sign-in ${language} ${theme}`);
    await page.context().close();
  }
}

async function tokens(browser) {
  const daemon = await Daemon.start(bin, TOKENS);
  const secret = prepareTokens(daemon);
  await daemon.run();
  try {
    const origin = `https://127.0.0.1:${daemon.port}`;
    const page = await openPage(browser, origin, { ignoreHTTPSErrors: true });
    // Refusals are answers, too: an unknown token, and the file of a campaign that nobody has filled in.
    page.expected.push(/status of 40[01]/);
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
    await signInLooks(browser, origin);
    await page.goto(`${origin}/#/work?tab=tokens`);
    await page.getByRole("button", { name: "New token" }).click();
    await page.getByRole("dialog").getByLabel("Name").fill("robot");
    assert.deepEqual(await serious(page), [], "a new token");
    await page.getByRole("dialog").getByRole("button", { name: "Make it" }).click();
    await page.locator("code.secret").waitFor();
    assert.deepEqual(await serious(page), [], "the token that was made");
    await page.keyboard.press("Escape");
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

// The browser refuses to put the daemon's answer into the frame, and nothing of the daemon runs there.
async function notFramed(other, origin, refused) {
  await until("the refusal of the frame", () => refused.length > 0);
  assert.match(refused[0], /BLOCKED_BY_RESPONSE/);
  for (const frame of other.frames()) assert.ok(!frame.url().startsWith(origin) && (await frame.locator("#app").count()) === 0, `framed: ${frame.url()}`);
}

// A page of another origin, opened in the same browser, with the cookie of the one who is signed in.
async function strangers(page, origin) {
  const evil = createServer((request, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end(`<body><iframe id="frame" src="${origin}/"></iframe></body>`);
  });
  await new Promise((done) => evil.listen(0, "127.0.0.1", done));
  const other = await page.context().newPage();
  const refused = [];
  other.on("requestfailed", (request) => { if (request.url().startsWith(origin) && request.resourceType() === "document") refused.push(request.failure().errorText); });
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
    await notFramed(other, origin, refused);
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
  const browser = await chromium.launch({ executablePath: chromiumPath, timeout: WAIT, args: ["--no-sandbox", "--disable-background-networking"] });
  const daemon = await (await Daemon.start(bin, "[limits]\nplan_s = 600\n")).run();  // a busy machine plans slowly
  daemon.origin = `http://127.0.0.1:${daemon.port}`;
  const only = process.env.KASETSU_ONLY;
  const parts = { story: () => story(browser, daemon), quick: () => quick(browser, daemon), plots: () => plots(browser, daemon), keyboard: () => keyboard(browser, daemon), everyPage: () => everyPage(browser, daemon), dialogs: () => dialogs(browser, daemon), markup: () => markup(browser, bin), odd: () => odd(browser, bin), silence: () => silence(browser, bin), drivers: () => drivers(browser, bin), rebinding: () => rebinding(daemon), tokens: () => tokens(browser), large: () => large(browser, daemon) };
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
          await context.close().catch(() => {});
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
