// Changes single values of a TOML text and leaves everything else as a person wrote it: order, spacing and comments.
// What TOML allows and campaign files do not use (dotted keys, dates, numbers in other bases) is kept as it stands.

const BARE = /^[A-Za-z0-9_-]+$/;

class Scanner {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }
  get next() {
    return this.text[this.at];
  }
  fail() {
    throw new Error(`line ${this.text.slice(0, this.at).split("\n").length}`);
  }
  // Blanks; with `lines` also line ends and comments.
  skip(lines = false) {
    const pattern = lines ? /(?:[\s]|#[^\n]*)*/y : /[ \t]*/y;
    pattern.lastIndex = this.at;
    pattern.exec(this.text);
    this.at = pattern.lastIndex;
  }
  endOfLine() {
    const end = this.text.indexOf("\n", this.at);
    this.at = end < 0 ? this.text.length : end + 1;
  }
  take(sign) {
    if (this.next !== sign) this.fail();
    this.at += 1;
  }
  key() {
    const parts = [];
    for (;;) {
      this.skip();
      if (this.next === '"' || this.next === "'") parts.push(this.string());
      else {
        const found = /[A-Za-z0-9_-]+/y;
        found.lastIndex = this.at;
        const match = found.exec(this.text);
        if (!match) this.fail();
        parts.push(match[0]);
        this.at = found.lastIndex;
      }
      this.skip();
      if (this.next !== ".") return parts;
      this.at += 1;
    }
  }
  string() {
    const quote = this.next;
    const long = this.text.startsWith(quote.repeat(3), this.at);
    const mark = long ? quote.repeat(3) : quote;
    const start = this.at + mark.length;
    let end = start;
    while (!this.text.startsWith(mark, end)) {
      if (end >= this.text.length || (!long && this.text[end] === "\n")) this.fail();
      end += quote === '"' && this.text[end] === "\\" ? 2 : 1;
    }
    this.at = end + mark.length;
    const raw = this.text.slice(start, end);
    if (quote === "'") return raw;
    return raw.replace(/\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))/gs, (_, four, eight, one) => (four || eight ? String.fromCodePoint(parseInt(four || eight, 16)) : { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" }[one] ?? one));
  }
  list(close, item) {
    this.at += 1;
    for (;;) {
      this.skip(true);
      if (this.next === close) break;
      item();
      this.skip(true);
      if (this.next === ",") this.at += 1;
      else if (this.next !== close) this.fail();
    }
    this.at += 1;
  }
  value() {
    if (this.next === '"' || this.next === "'") return this.string();
    if (this.next === "[") {
      const list = [];
      this.list("]", () => list.push(this.value()));
      return list;
    }
    if (this.next === "{") {
      const object = {};
      this.list("}", () => {
        const name = this.key().join(".");
        this.take("=");
        this.skip();
        object[name] = this.value();
      });
      return object;
    }
    const found = /[^\s,#\]}]+/y;
    found.lastIndex = this.at;
    const match = found.exec(this.text);
    if (!match) this.fail();
    this.at = found.lastIndex;
    if (match[0] === "true" || match[0] === "false") return match[0] === "true";
    const number = Number(match[0].replaceAll("_", ""));
    return Number.isNaN(number) ? match[0] : number;
  }
}

// [{path: "planner.mix", list, start, end, pairs: {key: {value, start, end, lineEnd}}, last}]: the tables in their order, the first one
// without a heading. `last` is where a further key goes. Throws where the text is no TOML.
export function read(text) {
  const scanner = new Scanner(text);
  const tables = [{ path: "", list: false, start: 0, end: 0, pairs: {}, last: 0 }];
  for (;;) {
    scanner.skip(true);
    if (scanner.at >= text.length) return tables;
    const start = text.lastIndexOf("\n", scanner.at - 1) + 1;
    if (scanner.next === "[") {
      const list = text.startsWith("[[", scanner.at);
      scanner.at += list ? 2 : 1;
      const path = scanner.key().join(".");
      for (const sign of list ? "]]" : "]") scanner.take(sign);
      scanner.endOfLine();
      tables.push({ path, list, start, end: scanner.at, pairs: {}, last: scanner.at });
      continue;
    }
    const table = tables[tables.length - 1];
    const key = scanner.key().join(".");
    scanner.take("=");
    scanner.skip();
    const from = scanner.at;
    const value = scanner.value();
    const pair = { value, start: from, end: scanner.at, lineStart: start };
    scanner.endOfLine();
    pair.lineEnd = scanner.at;
    table.pairs[key] = pair;
    table.end = table.last = scanner.at;
  }
}

export const tablesOf = (tables, path) => tables.filter((table) => table.path === path);

// A value as TOML writes it; long lists of texts in several lines.
export function written(value, width = 100) {
  if (typeof value === "string") return JSON.stringify(value).replaceAll("\u007f", "\\u007f");
  if (Array.isArray(value)) {
    const items = value.map((one) => written(one));
    const line = `[${items.join(", ")}]`;
    if (line.length <= width) return line;
    const lines = [""];
    for (const item of items) {
      if (lines[lines.length - 1].length + item.length > width - 14) lines.push("");
      lines[lines.length - 1] += `${item}, `;
    }
    return `[${lines.map((one) => one.trim()).join("\n            ").replace(/,$/, "")}]`;
  }
  if (value !== null && typeof value === "object") return `{ ${Object.entries(value).map(([name, one]) => `${keyText(name)} = ${written(one)}`).join(", ")} }`;
  return String(value);
}

const keyText = (name) => (BARE.test(name) ? name : JSON.stringify(name));
const put = (text, from, to, what) => text.slice(0, from) + what + text.slice(to);
const newLineBefore = (text, at) => (at > 0 && text[at - 1] !== "\n" ? "\n" : "");

// The text with table's key set to value; null takes the key away and leaves a comment behind it where it stood.
export function set(text, table, key, value) {
  const pair = table.pairs[key];
  if (value === null) {
    if (!pair) return text;
    const comment = text.slice(pair.end, pair.lineEnd).trimStart();
    return put(text, pair.lineStart, pair.lineEnd, comment.startsWith("#") ? comment : "");
  }
  if (pair) return put(text, pair.start, pair.end, written(value));
  return put(text, table.last, table.last, `${newLineBefore(text, table.last)}${keyText(key)} = ${written(value)}\n`);
}

// The text with a further table: after the last one of its name or of `after`, else at the end.
export function addTable(text, path, list, values, after = "") {
  const tables = read(text);
  const before = [...tables].reverse().find((table) => table.path === path) || [...tables].reverse().find((table) => after && (table.path === after || table.path.startsWith(`${after}.`)));
  const at = before ? before.end : text.length;
  const heading = list ? `[[${path}]]` : `[${path}]`;
  const lines = Object.entries(values).map(([name, value]) => `${keyText(name)} = ${written(value)}\n`);
  return put(text, at, at, `${newLineBefore(text, at)}\n${heading}\n${lines.join("")}`);
}

// The text without the table and the tables below it.
export function removeTable(text, table) {
  const tables = read(text);
  const first = tables.findIndex((one) => one.start === table.start && one.path === table.path);
  let last = first;
  while (tables[last + 1]?.path.startsWith(`${table.path}.`)) last += 1;
  const from = table.start;
  const to = tables[last].end;
  return put(text, from, text[to] === "\n" && text[from - 2] === "\n" ? to + 1 : to, "");
}
