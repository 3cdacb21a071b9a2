// From a table to a campaign: what was read as what, a drafted file, a plan, and only then the campaign itself.
import { html, useEffect, useState } from "../html.js";
import { ask, campaignPath, newKey, withQuery } from "../api.js";
import { Drop, Field, Problem, tell } from "../parts/common.js";
import { Editor } from "../parts/editor.js";
import { typeOf } from "../parts/return_sheet.js";
import { count } from "../format.js";
import { Said } from "../sentences.js";
import { may } from "../state.js";
import { named, t } from "../words.js";

const USES = ["", "target", "condition", "composition", "id", "ignore"];
const EMPTY = `format = 1
name = ""

[[targets]]
name = ""
unit = ""
goal = "maximize"

[[space]]
kind = "slots"
slots = 3
none = true
repetition = true
elements = []
supports = []

[planner]
batch = 20
`;

// A column's name in a list of names: one that holds a comma, a quote or a line end stands in quotes, as in CSV.
const listed = (name) => (/[",\r\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name);

// The uses that a person told, as the API takes them.
function told(uses, sheet) {
  const of = (use) => Object.keys(uses).filter((header) => uses[header] === use);
  const list = (use) => of(use).map(listed).join(",");
  return { target: list("target"), condition: list("condition"), composition: of("composition")[0], id: of("id")[0], ignore: list("ignore"), sheet };
}

function Columns({ table, uses, setUse }) {
  return html`<div class="grid-place" role="region" tabindex="0" aria-label=${t("columns")}><table>
    <thead><tr><th scope="col">${t("column")}</th><th scope="col">${t("column.use")}</th><th scope="col">${t("column.content")}</th><th scope="col" class="number">${t("column.filled")}</th><th scope="col">${t("column.first")}</th><th scope="col">${t("column.change")}</th></tr></thead>
    <tbody>${table.columns.map((column) => html`<tr class=${column.problems > 0 ? "wrong" : ""}>
      <th scope="row">${column.header || column.number}</th>
      <td>${named("use", column.use)}${column.name && column.name !== column.header ? ` ${column.name}` : ""}${column.unit ? ` [${column.unit}]` : ""}</td>
      <td>${named("content", column.content)}${column.problems > 0 ? html` <strong>${t("problems.n", { n: count(column.problems) })}</strong>` : null}</td>
      <td class="number">${count(column.filled)}</td>
      <td class="quiet">${column.first.join(", ")}</td>
      <td><select aria-label=${t("column.change_of", { name: column.header })} value=${uses[column.header] || ""} onChange=${(event) => setUse(column.header, event.target.value)}>
        ${USES.map((use) => html`<option value=${use}>${use ? named("use", use) : t("column.as_read")}</option>`)}</select></td></tr>`)}</tbody></table></div>`;
}

const Problems = ({ table }) => (table.problems.length === 0 ? null : html`<h2>${t("problems.title", { n: count(table.problems_total) })}</h2>
  <div class="grid-place" role="region" tabindex="0" aria-label=${t("problem")}><table><thead><tr><th scope="col" class="number">${t("line")}</th><th scope="col">${t("column")}</th><th scope="col">${t("value")}</th><th scope="col">${t("problem")}</th><th scope="col">${t("expected")}</th></tr></thead>
  <tbody>${table.problems.map((p) => html`<tr><td class="number">${p.line ?? ""}</td><td>${p.column ?? ""}</td><td class="wrong"><code>${p.value ?? ""}</code></td><td class="wide"><${Said} text=${p.detail} /></td><td class="wide"><${Said} text=${p.expected} /></td></tr>`)}</tbody></table></div>`);

function DraftForm({ table, file, uses, drafted }) {
  const [error, setError] = useState(null);
  const candidates = table.columns.filter((c) => uses[c.header] === "target" || (c.content === "numbers" && ["not used", "value"].includes(c.use)));
  const chosen = candidates.find((c) => uses[c.header] === "target") || candidates[candidates.length - 1];
  const send = async (event) => {
    event.preventDefault();
    setError(null);
    const form = Object.fromEntries(new FormData(event.target));
    const query = { ...told(uses, table.sheet), target: listed(form.target), name: form.name, unit: form.unit, goal: form.goal, batch: form.batch, loading_unit: form.loading_unit, file_name: file.name };
    try {
      drafted(await ask("POST", withQuery("/v1/campaigns:draft", query), { body: file, type: typeOf(file) }));
    } catch (refused) {
      setError(refused);
    }
  };
  return html`<h2>${t("draft.title")}</h2><form class="form wide" onSubmit=${send}>
    <${Field} label=${t("name")} hint=${t("draft.name.hint")}>${(id) => html`<input id=${id} name="name" required pattern="[A-Za-z0-9._\\-]{1,64}" autocomplete="off" />`}<//>
    <${Field} label=${t("target")}>${(id) => html`<select id=${id} name="target" required key=${chosen?.header}>${candidates.map((c) => html`<option value=${c.header} selected=${c === chosen}>${c.header}</option>`)}</select>`}<//>
    <${Field} label=${t("unit")}>${(id) => html`<input id=${id} name="unit" size="8" key=${chosen?.unit} defaultValue=${chosen?.unit || ""} />`}<//>
    <${Field} label=${t("goal")}>${(id) => html`<select id=${id} name="goal"><option value="maximize">${t("goal.maximize")}</option><option value="minimize">${t("goal.minimize")}</option></select>`}<//>
    <${Field} label=${t("file.batch")}>${(id) => html`<input id=${id} name="batch" type="number" min="1" max="1000" defaultValue="20" required />`}<//>
    ${table.shape === "loadings" ? html`<${Field} label=${t("draft.loading_unit")}>${(id) => html`<input id=${id} name="loading_unit" defaultValue="mmol/g" />`}<//>` : null}
    <${Problem} error=${error} />
    <button class="main">${t("draft.button")}</button></form>`;
}

export default function Start() {
  const [file, setFile] = useState(null);
  const [uses, setUses] = useState({});
  const [sheet, setSheet] = useState("");
  const [table, setTable] = useState(null);
  const [error, setError] = useState(null);
  const [draft, setDraft] = useState(null);
  const [deliver, setDeliver] = useState(true);
  useEffect(() => {
    if (!file) return;
    setError(null);
    ask("POST", withQuery("/v1/tables:read", { ...told(uses, sheet), file_name: file.name }), { body: file, type: typeOf(file) }).then(setTable, setError);
  }, [file, uses, sheet]);
  const take = (dropped) => {
    setTable(null);
    setDraft(null);
    setUses({});
    setSheet("");
    setFile(dropped);
  };
  const applied = async (answer) => {
    if (!file || !deliver) return;
    const mapping = told(uses, sheet);
    const receipt = await ask("POST", withQuery(campaignPath(answer.name, "/measurements"), { source: "table", file_name: file.name, composition: mapping.composition, ignore: mapping.ignore, id: mapping.id, sheet }), { body: file, type: typeOf(file), headers: { "Idempotency-Key": newKey() } });
    tell(t("receipt", { accepted: count(receipt.accepted), flagged: count(receipt.flagged), duplicate: count(receipt.duplicate), quarantined: count(receipt.quarantined) }));
  };
  if (!may("campaigns")) return html`<h1>${t("nav.start")}</h1><p class="empty">${t("not_allowed")}</p>`;
  return html`<h1>${t("nav.start")}</h1>
    ${draft ? null : html`<${Drop} words=${t("start.drop")} accept=".csv,.tsv,.txt,.xlsx" hint=${t("start.hint")} take=${take} />
      <p><button class="link" onClick=${() => setDraft({ text: EMPTY, own: true })}>${t("start.without")}</button></p>`}
    <${Problem} error=${error} />
    ${error && file && !draft ? html`<p class="quiet">${file.name}</p>` : null}
    ${table && !draft ? html`
      <h2>${t("start.read", { name: file.name, rows: count(table.rows) })}</h2>
      <p class="quiet">${[named("shape", table.shape), table.encoding, table.header_line ? t("header_line", { n: table.header_line }) : ""].filter(Boolean).join(", ")}</p>
      ${table.notes.map((note) => html`<p class="warning"><${Said} text=${note} /></p>`)}
      <${Columns} table=${table} uses=${uses} setUse=${(header, use) => setUses({ ...uses, [header]: use })} />
      <${Problems} table=${table} />
      ${table.columns.length ? html`<${DraftForm} table=${table} file=${file} uses=${uses} drafted=${setDraft} />` : null}` : null}
    ${draft ? html`<div class="filters"><button onClick=${() => setDraft(null)}>${t("back")}</button>
        ${draft.own ? null : html`<label class="inline"><input type="checkbox" checked=${deliver} onChange=${(event) => setDeliver(event.target.checked)} /> ${t("start.deliver", { name: file.name })}</label>`}</div>
      <${Editor} first=${draft.text} applied=${draft.own ? null : applied} />` : null}`;
}
