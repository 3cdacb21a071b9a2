// What came in: measurements with corrections, quarantine, deliveries.
import { html, useMemo, useState } from "../html.js";
import { ask, all, campaignPath, get, post, withQuery } from "../api.js";
import { Ask, Dialog, Empty, Field, Loaded, Menu, Problem, State, Tabs, tell } from "../parts/common.js";
import { Grid } from "../parts/grid.js";
import { ReturnSheet } from "../parts/return_sheet.js";
import { ago, conditions, count, download, number, time } from "../format.js";
import { link, setQuery } from "../route.js";
import { Said } from "../sentences.js";
import { may, useData } from "../state.js";
import { named, t } from "../words.js";

const PAGE = 500;

const MARKS = {
  retract: (m) => !m.retracted && !m.superseded_by,
  restore: (m) => m.retracted && !m.superseded_by,
  exclude: (m) => !m.excluded && !m.retracted && !m.superseded_by,
  include: (m) => m.excluded && !m.retracted && !m.superseded_by,
  supersede: (m) => !m.retracted && !m.superseded_by,
};

function Mark({ verb, items, close }) {
  const act = async (form) => {
    const body = { reason: form.reason, ...(form.person ? { person: form.person } : {}) };
    if (verb === "supersede") body.value = Number(form.value);
    for (const item of items) await post(`/v1/measurements/${item.id}:${verb}`, body);
    tell(t(`mark.${verb}.done`, { n: count(items.length) }));
  };
  return html`<${Ask} title=${t(`mark.${verb}.title`, { n: count(items.length) })} text=${t(`mark.${verb}.text`)} button=${t(`mark.${verb}`)} danger=${verb === "retract"} close=${close} act=${act}
    fields=${html`${verb === "supersede" ? html`<${Field} label=${t("value")}>${(id) => html`<input id=${id} name="value" type="number" step="any" required defaultValue=${items[0].value} />`}<//>` : null}
      <${Field} label=${t("person")} hint=${t("person.hint")}>${(id) => html`<input id=${id} name="person" maxlength="100" />`}<//>`} />`;
}

// Every revision of one measurement, newest first.
async function readHistory(first, signal) {
  const list = [];
  const seen = new Set();
  const visit = async (id) => {
    if (!id || seen.has(id)) return;
    seen.add(id);
    const one = id === first.id ? first : await get(`/v1/measurements/${id}`, { signal });
    list.push(one);
    await visit(one.superseded_by);
    await visit(one.supersedes);
  };
  await visit(first.id);
  return list.sort((a, b) => b.seq - a.seq);
}

function History({ item, close }) {
  const history = useData((signal) => readHistory(item, signal), [item.id], { matters: () => false });
  return html`<${Dialog} title=${t("history.of", { name: item.catalyst.description })} close=${close} wide>
    <${Loaded} of=${history}>${(list) => html`<table><thead><tr><th scope="col">${t("value")}</th><th scope="col">${t("received")}</th><th scope="col">${t("state")}</th><th scope="col">${t("reason")}</th><th scope="col">${t("person")}</th></tr></thead>
      <tbody>${list.map((one) => html`<tr><td class="number">${sign(one)}${number(one.value)}</td><td>${time(one.received_at)}</td><td>${stateOf(one)}</td><td><${Said} text=${one.reason} /></td><td>${one.person || ""}</td></tr>`)}</tbody></table>`}<//>
    <dl class="list">
      ${[["id", item.id], ["source", item.source], ["run", item.run], ["channel", item.channel], ["sample", item.sample], ["proposal", item.proposal]].map(([name, value]) => (value ? html`<dt>${t(name)}</dt><dd>${value}</dd>` : null))}
      <dt>${t("delivery")}</dt><dd><a href=${`/v1/ingests/${item.ingest}/content`}>${item.ingest}</a></dd>
    </dl><//>`;
}

// The sign of a limit: "<0.1", ">95".
const sign = (m) => (m.flags.includes("above_limit") ? ">" : m.flags.includes("censored") ? "<" : "");
const stateOf = (m) => (m.superseded_by ? t("measurement.superseded") : m.retracted ? t("measurement.retracted") : m.excluded ? t("measurement.excluded") : t("measurement.live"));

function Measurements({ name, query }) {
  const [acting, setActing] = useState(null);
  const [shown, setShown] = useState(null);
  const [chosen, setChosen] = useState(new Set());
  const campaign = useData((signal) => get(campaignPath(name), { signal }), [name], { matters: (e) => e.campaign === name && e.object === "campaign" });
  const path = withQuery(campaignPath(name, "/measurements"), { property: query.property, catalyst: query.catalyst, ingest: query.ingest, live: query.live, newest: "true", limit: PAGE, page_token: query.page });
  const page = useData((signal) => get(path, { signal }), [path], { matters: (e) => e.campaign === name && ["measurement", "ingest"].includes(e.object), pause: 1000 });
  const columns = useMemo(() => [
    { id: "catalyst", name: t("catalyst"), value: (m) => m.catalyst.description, show: (m) => html`<button class="link" onClick=${() => setShown(m)}>${m.catalyst.description}</button>` },
    { id: "property", name: t("property"), value: (m) => m.property, show: (m) => m.property },
    { id: "value", name: t("value"), number: true, value: (m) => m.value, show: (m) => `${sign(m)}${number(m.value)} ${m.unit || ""}` },
    { id: "conditions", name: t("conditions"), wide: true, value: (m) => conditions(m.conditions), show: (m) => conditions(m.conditions) || "–" },
    { id: "flags", name: t("flags"), value: (m) => m.flags.length, show: (m) => m.flags.map((flag) => html`<span class="flag">${named("flag", flag)}</span> `) },
    { id: "run", name: t("run"), value: (m) => `${m.source} ${m.run} ${m.channel}`, show: (m) => { const from = [m.source, m.run, m.channel].filter(Boolean).join(" / "); return html`<span class="clip" title=${from}>${from}</span>`; } },
    { id: "received", name: t("received"), value: (m) => m.received_at, show: (m) => time(m.received_at) },
    { id: "state", name: t("state"), value: stateOf, show: stateOf },
    { id: "act", name: "", sortable: false, show: (m) => (may("results") ? html`<${Menu} label=${t("actions_of", { name: m.catalyst.description })}
      options=${Object.keys(MARKS).filter((verb) => MARKS[verb](m)).map((verb) => [verb, t(`mark.${verb}`)])} choose=${(verb) => setActing({ verb, items: [m] })} />` : null) },
  ], []);
  return html`<${Loaded} of=${page}>${(found) => {
    const items = found.measurements.filter((m) => chosen.has(m.id));
    const bulk = ["retract", "exclude", "include"].filter((verb) => items.length > 0 && items.every(MARKS[verb]));
    return html`<div class="filters">
        <label class="inline">${t("property")} <select value=${query.property || ""} onChange=${(event) => setQuery({ property: event.target.value, page: null })}><option value="">${t("all")}</option>
          ${(campaign.data?.properties || []).map((p) => html`<option value=${p.name}>${p.name}</option>`)}</select></label>
        <label class="inline"><input type="checkbox" checked=${query.live === "true"} onChange=${(event) => setQuery({ live: event.target.checked ? "true" : null, page: null })} /> ${t("live_only")}</label>
        ${query.catalyst ? html`<button class="small" onClick=${() => setQuery({ catalyst: null })}>${query.catalyst} ×</button>` : null}
        ${query.ingest ? html`<button class="small" onClick=${() => setQuery({ ingest: null })}>${t("delivery")} ${query.ingest} ×</button>` : null}
        <span class="grow"></span>
        ${bulk.map((verb) => html`<button onClick=${() => setActing({ verb, items })}>${t(`mark.${verb}`)} (${count(items.length)})</button>`)}
        <button onClick=${() => saveCsv(name, query)}>CSV</button>
      </div>
      ${found.measurements.length === 0 ? html`<${Empty} next=${[[t("tab.import"), link(["c", name, "data"], { tab: "import" })]]}>${t("nothing_measured")}<//>` : html`<${Grid} label=${t("measurements")} columns=${columns} rows=${found.measurements}
        chosen=${may("results") ? chosen : undefined} setChosen=${setChosen} mark=${(m) => (stateOf(m) === t("measurement.live") ? "" : "faded")} />`}
      <div class="buttons">${query.page ? html`<button onClick=${() => setQuery({ page: null })}>${t("newest")}</button>` : null}
        ${found.next_page_token ? html`<button onClick=${() => setQuery({ page: found.next_page_token })}>${t("older")}</button>` : null}</div>`;
  }}<//>
  ${acting ? html`<${Mark} ...${acting} close=${() => { setActing(null); setChosen(new Set()); }} />` : null}
  ${shown ? html`<${History} item=${shown} close=${() => setShown(null)} />` : null}`;
}

// All pages of what is filtered, as the daemon writes them.
async function saveCsv(name, query) {
  const parts = [];
  let token = null;
  do {
    const response = await ask("GET", withQuery(campaignPath(name, "/measurements"), { property: query.property, catalyst: query.catalyst, ingest: query.ingest, live: query.live, limit: 10000, page_token: token }), { raw: true, headers: { Accept: "text/csv" } });
    const text = await response.text();
    parts.push(parts.length ? text.slice(text.indexOf("\n") + 1) : text);
    token = response.headers.get("X-Next-Page-Token");
  } while (token);
  download(`${name}-measurements.csv`, parts.join(""));
}

// [[path, value]] of what an object holds, however deep.
function leavesOf(value, path = []) {
  if (value === null || typeof value !== "object") return [[path, value]];
  return Object.entries(value).flatMap(([name, one]) => leavesOf(one, [...path, name]));
}

// The cells of a row as it came: a table of one row, the cells of a profile, or an object of the API.
export function cellsOf(raw) {
  if (raw?.cells) return { kind: "cells", cells: Object.entries(raw.cells) };
  if (raw?.table) {
    const [header, line] = parseCsv(raw.table);
    return { kind: "table", cells: header.map((name, i) => [name, line[i] ?? ""]) };
  }
  return { kind: "json", cells: leavesOf(raw).map(([path, value]) => [path.join("/"), String(value ?? "")]) };
}

// "line 2" of a table, "/rows/0" of what a robot sent: the second line, the first row.
function placeOf(pointer) {
  const line = /^line (\d+)$/.exec(pointer);
  const row = /^\/rows\/(\d+)$/.exec(pointer);
  return line ? t("line.n", { n: line[1] }) : row ? t("row.n", { n: Number(row[1]) + 1 }) : pointer;
}

function parseCsv(text) {
  const rows = [[]];
  let cell = "", quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c === '"' && text[i + 1] === '"') { cell += '"'; i++; }
      else if (c === '"') quoted = false;
      else cell += c;
    } else if (c === '"') quoted = true;
    else if (c === ",") { rows[rows.length - 1].push(cell); cell = ""; }
    else if (c === "\n") { rows[rows.length - 1].push(cell); cell = ""; rows.push([]); }
    else if (c !== "\r") cell += c;
  }
  return rows;
}

const writeCell = (cell) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

// Columns that the reason names are marked.
const blamed = (reason, name) => reason.includes(`"${name}"`) || reason.includes(`column ${name}`) || reason.includes(`/${name}`);

// The object with the leaf at path changed; an empty text takes it away. What the API wants as a number becomes one.
function withLeaf(raw, path, text) {
  const [name, ...rest] = path;
  const copy = Array.isArray(raw) ? [...raw] : { ...raw };
  if (rest.length > 0) copy[name] = withLeaf(raw[name], rest, text);
  else if (text === "") Array.isArray(copy) ? copy.splice(name, 1) : delete copy[name];
  else copy[name] = text;
  return copy;
}
const NUMBERS = /^(values|conditions|catalyst\/amounts)\//;

function correctedObject(raw, form) {
  return leavesOf(raw).reduceRight((row, [path, value], i) => {
    const text = form[`cell-${i}`];
    if (text === undefined || text === String(value ?? "")) return row;
    const numeric = text !== "" && Number.isFinite(Number(text)) && (typeof value === "number" || NUMBERS.test(path.join("/")));
    return withLeaf(row, path, numeric ? Number(text) : text);
  }, raw);
}

function corrected(raw, kind, form) {
  if (kind === "json") return correctedObject(raw, form);
  const cells = cellsOf(raw).cells.map(([name], i) => [name, form[`cell-${i}`]]);
  if (kind === "cells") return { ...raw, cells: Object.fromEntries(cells) };
  return { ...raw, table: `${cells.map(([name]) => writeCell(name)).join(",")}\n${cells.map(([, value]) => writeCell(value)).join(",")}\n` };
}

function Fix({ row, close }) {
  const { kind, cells } = cellsOf(row.raw);
  const act = async (form) => {
    const changed = corrected(row.raw, kind, form);
    const same = JSON.stringify(changed) === JSON.stringify(row.raw);
    const verdict = await post(`/v1/quarantine/${row.id}:readmit`, { ...(same ? {} : { row: changed }), ...(form.reason ? { remark: form.reason } : {}) });
    if (verdict.verdict === "quarantined") throw new Error(verdict.reason);
    tell(t("readmitted.done", { n: 1 }));
  };
  const fields = html`<p class="problem"><${Said} text=${row.reason} /></p>
    <div class="cells">${cells.map(([name, value], i) => html`<div class=${blamed(row.reason, name) ? "wrong" : ""}><${Field} label=${name} hint=${blamed(row.reason, name) ? t("cell.wrong") : ""}>${(id) => html`<input id=${id} name=${`cell-${i}`} defaultValue=${value} aria-invalid=${blamed(row.reason, name)} />`}<//></div>`)}</div>
    ${kind === "json" ? html`<p class="quiet">${t("fix.empty")}</p><details><summary>${t("row.json")}</summary><pre>${JSON.stringify(row.raw, null, 2)}</pre></details>` : null}`;
  return html`<${Ask} title=${t("fix.title", { row: placeOf(row.pointer) })} button=${t("readmit")} reason="optional" fields=${fields} close=${close} act=${act} wide />`;
}

function Quarantine({ name, query }) {
  const [fixing, setFixing] = useState(null);
  const [discarding, setDiscarding] = useState(null);
  const [chosen, setChosen] = useState(new Set());
  const [error, setError] = useState(null);
  const state = query.state ?? "waiting";
  const path = withQuery(campaignPath(name, "/quarantine"), { state, limit: 1000 });
  const rows = useData((signal) => get(path, { signal }), [path], { matters: (e) => e.campaign === name, pause: 800 });
  const readmit = async (items) => {
    setError(null);
    let done = 0;
    const refused = [];
    for (const row of items) {
      try {
        const verdict = await post(`/v1/quarantine/${row.id}:readmit`, {});
        if (verdict.verdict === "quarantined") refused.push({ detail: `${placeOf(row.pointer)}: ${verdict.reason}` });
        else done += 1;
      } catch (failed) {
        refused.push({ detail: `${placeOf(row.pointer)}: ${failed.message}` });
      }
    }
    setChosen(new Set());
    tell(t("readmitted.done", { n: count(done) }));
    if (refused.length) setError({ message: t("readmitted.refused", { n: count(refused.length) }), errors: [{ detail: "" }, ...refused] });
  };
  const columns = useMemo(() => [
    { id: "row", name: t("row"), value: (r) => r.row, show: (r) => placeOf(r.pointer) },
    { id: "reason", name: t("problem"), wide: true, value: (r) => r.reason, show: (r) => html`<${Said} text=${r.reason} />` },
    { id: "cells", name: t("cells"), wide: true, sortable: false, show: (r) => {
      const { cells } = cellsOf(r.raw);
      return html`<span class="formulas">${cells.filter(([, value]) => value !== "").slice(0, 12).map(([cell, value]) => html`<span class=${blamed(r.reason, cell) ? "cell wrong" : "cell"}>${cell}: ${value}</span> `)}</span>`;
    } },
    { id: "received", name: t("received"), value: (r) => r.received_at, show: (r) => ago(r.received_at) },
    { id: "act", name: "", sortable: false, show: (r) => (may("results") && r.state === "waiting" ? html`<span class="buttons"><button class="small" onClick=${() => setFixing(r)}>${t("fix")}</button>
      <button class="small" onClick=${() => setDiscarding(r)}>${t("discard")}</button></span>` : named("quarantine", r.state)) },
  ], []);
  return html`<div class="filters"><label class="inline">${t("state")} <select value=${state} onChange=${(event) => setQuery({ state: event.target.value })}>
      ${["waiting", "readmitted", "discarded"].map((one) => html`<option value=${one}>${named("quarantine", one)}</option>`)}</select></label></div>
    <${Problem} error=${error} />
    <${Loaded} of=${rows}>${(found) => (found.quarantine.length === 0 ? html`<${Empty}>${t("quarantine.none")}<//>` : html`
      ${found.next_page_token ? html`<p class="quiet">${t("quarantine.more", { n: count(found.quarantine.length) })}</p>` : null}
      ${chosen.size > 0 ? html`<div class="filters"><button onClick=${() => readmit(found.quarantine.filter((r) => chosen.has(r.id)))}>${t("readmit")} (${count(chosen.size)})</button>
        <button onClick=${() => setDiscarding(found.quarantine.filter((r) => chosen.has(r.id)))}>${t("discard")} (${count(chosen.size)})</button></div>` : null}
      <${Grid} label=${t("tab.quarantine")} columns=${columns} rows=${found.quarantine} chosen=${may("results") && state === "waiting" ? chosen : undefined} setChosen=${setChosen} />`)}<//>
    ${fixing ? html`<${Fix} row=${fixing} close=${() => setFixing(null)} />` : null}
    ${discarding ? html`<${Ask} title=${t("discard.title", { n: [discarding].flat().length })} text=${t("discard.text")} button=${t("discard")} danger close=${() => { setDiscarding(null); setChosen(new Set()); }}
      act=${async ({ reason }) => { for (const row of [discarding].flat()) await post(`/v1/quarantine/${row.id}:discard`, { reason }); }} />` : null}`;
}

function Deliveries({ name }) {
  const list = useData((signal) => all(campaignPath(name, "/ingests"), "ingests", { signal, most: 5000 }), [name], { matters: (e) => e.campaign === name && ["ingest", "measurement"].includes(e.object), pause: 1000 });
  const numberOf = (id) => ({ id, name: t(`delivery.${id}`), number: true, value: (d) => d[id], show: (d) => count(d[id]) });
  const columns = useMemo(() => [
    { id: "received", name: t("received"), value: (d) => d.received_at, show: (d) => time(d.received_at) },
    { id: "source", name: t("source"), value: (d) => d.source, show: (d) => d.source || "–" },
    { id: "actor", name: t("person"), value: (d) => d.actor, show: (d) => d.actor },
    numberOf("rows"), numberOf("accepted"), numberOf("flagged"), numberOf("duplicate"), numberOf("quarantined"),
    { id: "measurements", name: "", sortable: false, show: (d) => html`<a href=${link(["c", name, "data"], { ingest: d.id })}>${t("measurements")}</a>` },
    { id: "bytes", name: t("delivery.bytes"), sortable: false, show: (d) => html`<a href=${`/v1/ingests/${d.id}/content`} download>${t("delivery.raw")}</a> <small class="mono" title=${d.sha256}>${d.sha256.slice(0, 12)}…</small>` },
  ], [name]);
  return html`<${Loaded} of=${list}>${(found) => (found.length === 0 ? html`<${Empty} next=${[[t("tab.import"), link(["c", name, "data"], { tab: "import" })]]}>${t("deliveries.none")}<//>` : html`<${Grid} label=${t("tab.deliveries")} columns=${columns} rows=${found} sort=${{ id: "received", way: -1 }} />`)}<//>`;
}

export default function Data({ campaign: name, query }) {
  const tab = query.tab || "measurements";
  const tabs = ["measurements", "quarantine", "deliveries", "import"].map((id) => [id, t(`tab.${id}`), link(["c", name, "data"], { tab: id === "measurements" ? null : id })]);
  return html`<h1>${t("nav.data")}</h1><${Tabs} tabs=${tabs} current=${tab} label=${t("tabs")} />
    ${tab === "measurements" ? html`<${Measurements} name=${name} query=${query} />` : null}
    ${tab === "quarantine" ? html`<${Quarantine} name=${name} query=${query} />` : null}
    ${tab === "deliveries" ? html`<${Deliveries} name=${name} />` : null}
    ${tab === "import" ? (may("results") ? html`<${ReturnSheet} name=${name} />` : html`<${Empty}>${t("not_allowed")}<//>`) : null}`;
}
