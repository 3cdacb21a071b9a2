// A daemon on a temporary folder, a browser that reports what it should not see, and small helpers for pages.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const PATIENCE = Number(process.env.KASETSU_PATIENCE || 1);
// Where every processor is taken already a browser needs minutes to open its first page. Who waits in vain learns it later, no more.
export const WAIT = 240_000 * PATIENCE;

export async function until(what, check, wait = WAIT) {
  const end = Date.now() + wait;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) assert.fail(`did not come: ${what}`);
    await new Promise((done) => setTimeout(done, 200));
  }
}

export class Daemon {
  // config: text of a configuration file; {folder} in it is the daemon's own.
  static async start(bin, config = "") {
    const folder = mkdtempSync(join(tmpdir(), "kasetsu-dashboard-"));
    const daemon = new Daemon();
    daemon.bin = bin;
    daemon.folder = folder;
    const args = ["--data-dir", join(folder, "data"), "--listen", "127.0.0.1:0", "--port-file", join(folder, "port")];
    if (config) {
      writeFileSync(join(folder, "kasetsud.toml"), config.replaceAll("{folder}", folder));
      args.push("--config", join(folder, "kasetsud.toml"));
    }
    daemon.args = args;
    return daemon;
  }
  async run() {
    this.process = spawn(join(this.bin, "kasetsud"), this.args, { stdio: ["ignore", "pipe", "pipe"] });
    this.log = "";
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on("data", (text) => { this.log += text; });
    await until(`the daemon's port\n${this.log}`, () => existsSync(join(this.folder, "port")) && readFileSync(join(this.folder, "port"), "utf8").trim());
    this.port = Number(readFileSync(join(this.folder, "port"), "utf8"));
    return this;
  }
  // As a crash does it; the port stays the same, so pages find it again.
  async crash() {
    const ended = new Promise((done) => this.process.once("exit", done));
    this.process.kill("SIGKILL");
    await ended;
    rmSync(join(this.folder, "port"));
    this.args[this.args.indexOf("--listen") + 1] = `127.0.0.1:${this.port}`;
  }
  async ask(method, path, body, type = "application/json") {
    const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, { method, body: text, headers: text === undefined ? {} : { "Content-Type": type } });
    const answer = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${answer.slice(0, 500)}`);
    return answer ? JSON.parse(answer) : null;
  }
  async stop() {
    if (this.process && this.process.exitCode === null) {
      const ended = new Promise((done) => this.process.once("exit", done));
      this.process.kill("SIGTERM");
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

// A page whose errors, violations and foreign requests are kept in page.wrong.
export async function openPage(browser, origin, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT);
  page.wrong = [];
  page.expected = [];
  page.on("console", (message) => {
    if (message.type() !== "error") return;
    if (page.expected.some((pattern) => pattern.test(message.text()))) return;
    page.wrong.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => page.wrong.push(`error: ${error.stack}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && url.origin !== origin) page.wrong.push(`request to ${url.href}`);
  });
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI}`));
  });
  return page;
}

// Drops a file (its text or its bytes) on the page, as a person does with the mouse.
export async function drop(page, name, content, type = "text/csv") {
  const place = page.locator(".drop");
  await place.waitFor();
  const transfer = await page.evaluateHandle(([fileName, encoded, mime]) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(atob(encoded), (byte) => byte.charCodeAt(0))], fileName, { type: mime }));
    return data;
  }, [name, Buffer.from(content).toString("base64"), type]);
  await place.dispatchEvent("dragover", { dataTransfer: transfer });
  await place.dispatchEvent("drop", { dataTransfer: transfer });
}

export const laboratory = (...args) => execFileSync("python3", [new URL("laboratory.py", import.meta.url).pathname, ...args], { encoding: "utf8" });

export function folderFor(name) {
  const folder = join(process.env.KASETSU_SHOTS || join(tmpdir(), "kasetsu-dashboard-shots"), name);
  mkdirSync(folder, { recursive: true });
  return folder;
}
