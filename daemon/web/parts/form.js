// The campaign's file as a form. The text stays the truth: each field shows what stands there and writes only its own value.
import { html, useState } from "../html.js";
import { Field } from "./common.js";
import { conditionName } from "../format.js";
import { named, t } from "../words.js";
import { addTable, read, removeTable, set, tablesOf } from "./toml.js";

const STRATEGIES = ["exploit", "explore", "challenge", "recheck", "bridge", "random"];
const NUMBERS_OF_SPACE = ["slots", "min_elements", "max_elements", "step_at_percent"];
// What a new rule may say: the key of its list, with the limit that it needs.
const RULES = { forbid_elements: {}, forbid_together: {}, forbid_supports: {}, allow_elements: {}, group: { at_most: 1 }, number_of_elements: { at_most: 2 }, total_amount: { at_most: 1 } };
const WITHOUT_LIST = ["number_of_elements", "total_amount"];

const words = (list) => list.map((one) => (typeof one === "string" ? one : one.name ?? JSON.stringify(one))).join(", ");
const split = (text, pattern = /[,;、\s]+/) => text.split(pattern).map((one) => one.trim()).filter(Boolean);
const numbers = (text) => split(text).map(Number);
const numberOrText = (text) => (text !== "" && Number.isFinite(Number(text)) ? Number(text) : text);

// A field that writes when it is left, or at once for what is chosen.
const Text = ({ label, value, write, hint, wide = false }) => html`<${Field} label=${label} hint=${hint}>${(id) => (wide
  ? html`<textarea id=${id} rows="3" spellcheck=${false} value=${value} onChange=${(event) => write(event.target.value.trim())}></textarea>`
  : html`<input id=${id} value=${value} autocomplete="off" onChange=${(event) => write(event.target.value.trim())} />`)}<//>`;
const Numeral = ({ label, value, write, hint }) => html`<${Field} label=${label} hint=${hint}>${(id) => html`<input id=${id} type="number" step="any" value=${value ?? ""}
  onChange=${(event) => write(event.target.value === "" ? null : Number(event.target.value))} />`}<//>`;

function Targets({ targets, change }) {
  return targets.map((table, i) => {
    const { name, unit, goal, value, tolerance, hit_threshold: threshold } = valuesOf(table);
    const put = (key) => (next) => change((text, tables) => set(text, tablesOf(tables, "targets")[i], key, next));
    return html`<fieldset><legend>${t("target")}${targets.length > 1 ? ` ${i + 1}` : ""}</legend>
      <${Text} label=${t("name")} value=${name ?? ""} write=${put("name")} />
      <${Text} label=${t("unit")} value=${unit ?? ""} write=${put("unit")} />
      <${Field} label=${t("goal")}>${(id) => html`<select id=${id} value=${goal} onChange=${(event) => put("goal")(event.target.value)}>
        ${["maximize", "minimize"].map((one) => html`<option value=${one}>${t(`goal.${one}`)}</option>`)}<option value="target">${t("form.goal.target")}</option></select>`}<//>
      ${goal === "target" ? html`<${Numeral} label=${t("form.value")} value=${value} write=${put("value")} /><${Numeral} label=${t("form.tolerance")} value=${tolerance} write=${put("tolerance")} />`
        : html`<${Numeral} label=${t("file.hit_threshold")} value=${threshold} write=${put("hit_threshold")} />`}
    </fieldset>`;
  });
}

const valuesOf = (table) => Object.fromEntries(Object.entries(table?.pairs || {}).map(([key, pair]) => [key, pair.value]));

// The mix stands in a table of its own or in one line of [planner].
function Planner({ tables, change }) {
  const planner = valuesOf(tablesOf(tables, "planner")[0]);
  const own = tablesOf(tables, "planner.mix")[0];
  const mix = own ? valuesOf(own) : planner.mix || {};
  const put = (path, key) => (value) => change((text, now) => {
    const [table] = tablesOf(now, path);
    return table ? set(text, table, key, value) : value === null ? text : addTable(text, path, false, { [key]: value }, "space");
  });
  const strategy = (name) => (written) => change((text, now) => {
    const value = written === "" ? null : numberOrText(written);
    const [table] = tablesOf(now, "planner.mix");
    const [of] = tablesOf(now, "planner");
    const next = Object.fromEntries(Object.entries({ ...mix, [name]: value }).filter((entry) => entry[1] !== null));
    const empty = Object.keys(next).length === 0;
    if (table) return empty ? removeTable(text, table) : set(text, table, name, value);
    if (of?.pairs.mix) return set(text, of, "mix", empty ? null : next);
    return empty ? text : addTable(text, "planner.mix", false, next, "planner");
  });
  return html`<fieldset><legend>${t("form.batch")}</legend>
      <${Numeral} label=${t("file.batch")} value=${planner.batch} write=${put("planner", "batch")} />
      <${Text} label=${t("file.size")} value=${valuesOf(tablesOf(tables, "model")[0]).size ?? ""} hint=${t("form.size.hint")}
        write=${(text) => put("model", "size")(text === "" ? null : numberOrText(text))} />
    </fieldset>
    <fieldset><legend>${t("form.mix")}</legend><p class="quiet">${t(Object.keys(mix).length ? "form.mix.hint" : "form.mix.automatic")}</p>
      ${STRATEGIES.map((name) => html`<${Text} key=${name} label=${named("strategy", name)} value=${String(mix[name] ?? "")} write=${strategy(name)} />`)}</fieldset>`;
}

function Space({ parts, change }) {
  return parts.map((table, i) => {
    const of = valuesOf(table);
    const put = (key) => (value) => change((text, tables) => set(text, tablesOf(tables, "space")[i], key, value));
    const list = (key, label, pattern) => html`<${Text} wide label=${label} value=${words(of[key] || [])} write=${(text) => put(key)(text === "" ? null : split(text, pattern))} />`;
    const plain = (of.supports || []).every((one) => typeof one === "string");
    return html`<fieldset><legend>${t("plan.space")}${parts.length > 1 ? ` ${i + 1}` : ""}: ${named("space", of.kind)}</legend>
      ${of.kind === "list" ? html`<p class="quiet">${t("form.in_file", { n: (of.catalysts || []).length })}</p>` : html`
        ${list("elements", t("form.elements"))}
        ${NUMBERS_OF_SPACE.filter((key) => key in of).map((key) => html`<${Numeral} key=${key} label=${t(`form.${key}`)} value=${of[key]} write=${put(key)} />`)}
        ${Array.isArray(of.loadings) ? html`<${Text} label=${t("form.loadings", { unit: of.loading_unit || "–" })} value=${words(of.loadings.map(String))} write=${(text) => put("loadings")(numbers(text))} />` : null}
        ${plain ? list("supports", t("supports")) : html`<p class="quiet">${t("form.supports.in_file")}</p>`}
        ${of.preparations ? list("preparations", t("form.preparations"), /[,;、]/) : null}`}</fieldset>`;
  });
}

function Conditions({ table, change }) {
  const [name, setName] = useState("");
  const [levels, setLevels] = useState("");
  const put = (key, value) => change((text, tables) => {
    const [now] = tablesOf(tables, "conditions");
    if (!now) return value === null ? text : addTable(text, "conditions", false, { [key]: value }, "space");
    return value === null && Object.keys(now.pairs).length === 1 && now.pairs[key] ? removeTable(text, now) : set(text, now, key, value);
  });
  const add = () => {
    put(name.trim(), numbers(levels));
    setName("");
    setLevels("");
  };
  return html`<fieldset><legend>${t("conditions")}</legend>
    ${Object.entries(valuesOf(table)).map(([key, value]) => html`<div class="row" key=${key}><${Text} label=${conditionName(key)} value=${words(value.map(String))} write=${(text) => put(key, text === "" ? null : numbers(text))} />
      <button type="button" class="small" aria-label=${t("form.remove", { name: key })} onClick=${() => put(key, null)}>${t("remove")}</button></div>`)}
    <details><summary>${t("form.condition.add")}</summary>
      <${Field} label=${t("form.condition.name")} hint=${t("form.condition.hint")}>${(id) => html`<input id=${id} value=${name} autocomplete="off" onInput=${(event) => setName(event.target.value)} />`}<//>
      <${Field} label=${t("form.condition.levels")}>${(id) => html`<input id=${id} value=${levels} autocomplete="off" onInput=${(event) => setLevels(event.target.value)} />`}<//>
      <button type="button" disabled=${!name.trim() || !levels.trim()} onClick=${add}>${t("add")}</button></details></fieldset>`;
}

// "forbids Pb, Cd", "at most 1 of Rh, Pt".
function ruleWords(rule) {
  const limits = [["at_least", rule.at_least], ["at_most", rule.at_most]].filter((one) => one[1] !== undefined).map(([key, value]) => t(`form.${key}`, { n: value })).join(", ");
  const parts = Object.entries(rule).filter(([key]) => !["name", "at_least", "at_most"].includes(key)).map(([key, value]) => `${named("rule", key)}${Array.isArray(value) ? `: ${words(value)}` : ""}`);
  return [parts.join(", "), limits].filter(Boolean).join("; ");
}

function NewRule({ change }) {
  const [kind, setKind] = useState("forbid_elements");
  const [name, setName] = useState("");
  const [list, setList] = useState("");
  const [limit, setLimit] = useState("");
  const usual = RULES[kind].at_most;
  const add = () => {
    const rule = { ...(name.trim() ? { name: name.trim() } : {}), [kind]: WITHOUT_LIST.includes(kind) ? true : split(list), ...(usual === undefined ? {} : { at_most: limit === "" ? usual : Number(limit) }) };
    change((text) => addTable(text, "rules", true, rule, "space"));
    setName("");
    setList("");
    setLimit("");
  };
  return html`<details><summary>${t("form.rule.add")}</summary>
    <${Field} label=${t("form.rule.kind")}>${(id) => html`<select id=${id} value=${kind} onChange=${(event) => setKind(event.target.value)}>${Object.keys(RULES).map((one) => html`<option value=${one}>${named("rule", one)}</option>`)}</select>`}<//>
    <${Field} label=${t("form.rule.name")}>${(id) => html`<input id=${id} value=${name} autocomplete="off" onInput=${(event) => setName(event.target.value)} />`}<//>
    ${WITHOUT_LIST.includes(kind) ? null : html`<${Field} label=${t(kind === "forbid_supports" ? "form.rule.supports" : "form.rule.elements")}>${(id) => html`<input id=${id} value=${list} autocomplete="off" onInput=${(event) => setList(event.target.value)} />`}<//>`}
    ${usual === undefined ? null : html`<${Field} label=${t("form.limit")}>${(id) => html`<input id=${id} type="number" step="any" value=${limit} placeholder=${usual} onInput=${(event) => setLimit(event.target.value)} />`}<//>`}
    <button type="button" disabled=${!WITHOUT_LIST.includes(kind) && !list.trim()} onClick=${add}>${t("add")}</button></details>`;
}

const Rules = ({ rules, change }) => html`<fieldset><legend>${t("form.rules")}</legend>
  ${rules.length === 0 ? html`<p class="quiet">${t("form.rules.none")}</p>` : html`<ul class="rules">${rules.map((table, i) => {
    const { name } = valuesOf(table);
    return html`<li><span>${name ? html`<strong>${name}</strong> ` : null}${ruleWords(valuesOf(table))}</span>
      <button type="button" class="small" aria-label=${t("form.remove", { name: name || ruleWords(valuesOf(table)) })} onClick=${() => change((text, tables) => removeTable(text, tablesOf(tables, "rules")[i]))}>${t("remove")}</button></li>`;
  })}</ul>`}
  <${NewRule} change=${change} /></fieldset>`;

// setText(text) is given the whole file, in which one value differs.
export function CampaignForm({ text, setText }) {
  let tables;
  try {
    tables = read(text);
  } catch (error) {
    return html`<p class="warning">${t("form.unreadable", { where: error.message })}</p>`;
  }
  const change = (act) => setText(act(text, tables));
  return html`<form class="fields" aria-label=${t("form.title")} onSubmit=${(event) => event.preventDefault()}>
    <${Targets} targets=${tablesOf(tables, "targets")} change=${change} />
    <${Space} parts=${tablesOf(tables, "space")} change=${change} />
    <${Conditions} table=${tablesOf(tables, "conditions")[0]} change=${change} />
    <${Rules} rules=${tablesOf(tables, "rules")} change=${change} />
    <${Planner} tables=${tables} change=${change} />
  </form>`;
}
