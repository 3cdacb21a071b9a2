// What the daemon does: jobs, models, drivers, who did what, and who may.
import { html, useCallback, useEffect, useMemo, useState } from "../html.js";
import { all, ask, campaignPath, get, post, withQuery } from "../api.js";
import { Ask, Dialog, Empty, Field, Loaded, Problem, State, Tabs, tell } from "../parts/common.js";
import { Grid } from "../parts/grid.js";
import { axisName, count, errorOnUnseen, number, seconds, time, withUnit } from "../format.js";
import { link, setQuery } from "../route.js";
import { nameOf } from "../catalyst_names.js";
import { Said } from "../sentences.js";
import { may, session, useData, useEvery } from "../state.js";
import { named, t } from "../words.js";

const RUNNING = ["SCHEDULED", "RUNNING"];
const MOST_EVENTS = 1000;

async function readJobs(signal) {
  return (await all("/v1/jobs", "jobs", { signal, most: 5000 })).reverse();
}

const spent = (job) => (job.started_at ? ((job.finished_at ? new Date(job.finished_at) : new Date()) - new Date(job.started_at)) / 1000 : null);

function Jobs() {
  const jobs = useData(readJobs, [], { pause: 500 });
  const live = (jobs.data || []).some((job) => RUNNING.includes(job.state));
  const again = useCallback(() => jobs.again(), [jobs.again]);
  useEvery(1000, live, again);
  const cancel = async (job) => {
    try {
      await post(`/v1/jobs/${job.id}:cancel`);
      tell(t("job.cancel.done"));
    } catch (error) {
      tell(error.message);
    }
    jobs.again();
  };
  const columns = useMemo(() => [
    { id: "kind", name: t("job"), value: (j) => j.kind, show: (j) => named("job", j.kind) },
    { id: "campaign", name: t("campaign"), value: (j) => j.campaign, show: (j) => (j.campaign ? html`<a href=${link(["c", j.campaign])}>${j.campaign}</a>` : "–") },
    { id: "state", name: t("state"), value: (j) => j.state, show: (j) => html`<${State} group="job_state" name=${j.state} />` },
    { id: "progress", name: t("progress"), value: (j) => j.progress, show: (j) => (j.state === "RUNNING" ? html`<progress max="1" value=${j.progress} aria-label=${t("progress")}></progress> ${Math.round(100 * j.progress)} % <span class="quiet"><${Said} text=${j.stage ? named("stage", j.stage) : ""} /></span>` : "") },
    { id: "took", name: t("took"), number: true, value: spent, show: (j) => seconds(spent(j)) },
    { id: "created", name: t("created"), value: (j) => j.created_at, show: (j) => time(j.created_at) },
    { id: "actor", name: t("person"), value: (j) => j.actor, show: (j) => j.actor },
    { id: "result", name: t("result"), wide: true, sortable: false, show: (j) => (j.error && j.state !== "CANCELLED" ? html`<${Said} text=${j.error} />` : j.cancel_requested && j.state === "RUNNING" ? t("job.cancelling") : "") },
    { id: "act", name: "", sortable: false, show: (j) => (may("campaigns") && RUNNING.includes(j.state) && !j.cancel_requested ? html`<button class="small" onClick=${() => cancel(j)}>${t("cancel")}</button>` : "") },
  ], []);
  return html`<${Loaded} of=${jobs}>${(list) => (list.length === 0 ? html`<${Empty}>${t("jobs.none")}<//>` : html`<${Grid} label=${t("tab.jobs")} columns=${columns} rows=${list} />`)}<//>`;
}

function Changes({ model, close }) {
  const { changes, newly_eliminated: killed = [] } = model.summary || {};
  const list = (items) => html`<ul class="formulas">${items.map((d) => html`<li><code>${d}</code></li>`)}</ul>`;
  return html`<${Dialog} title=${t("changes.title", { n: model.version })} close=${close} wide>
    <p><${Said} text=${model.status_reason} /></p>
    ${!changes ? html`<${Empty}>${t("changes.first")}<//>` : html`
      <dl class="list">
        <dt>${t("changes.rows")}</dt><dd>+${count(changes.rows_added)} / −${count(changes.rows_removed)}</dd>
        <dt>${t("honest_error")}</dt><dd>${withUnit(changes.honest_error?.before, model.unit)} → ${withUnit(changes.honest_error?.now, model.unit)}</dd>
        <dt>${t("changes.kept")}</dt><dd>${count(changes.hypotheses_kept)}</dd>
        <dt>${t("changes.killed")}</dt><dd>${count(killed.length)}</dd></dl>
      <div class="plots"><div><h3>${t("changes.in")}</h3>${list(changes.best_in || [])}</div><div><h3>${t("changes.out")}</h3>${list(changes.best_out || [])}</div></div>
      <h3>${t("changes.moved")}</h3>
      <table><thead><tr><th scope="col">${t("catalyst")}</th><th scope="col" class="number">${axisName(t("changes.before"), model.unit)}</th><th scope="col" class="number">${axisName(t("changes.now"), model.unit)}</th></tr></thead>
        <tbody>${(changes.moved_most || []).map((m) => html`<tr><td>${nameOf(m.catalyst)}</td><td class="number">${number(m.before)}</td><td class="number">${number(m.now)}</td></tr>`)}</tbody></table>
      ${killed.length ? html`<h3>${t("changes.killed")}</h3><ul>${killed.map((k) => html`<li class="formulas">${k.descriptors.map((d) => html`<code>${d}</code> `)}<br /><span class="quiet">${t("hypotheses.killed", { promised: withUnit(k.mae_promised, model.unit), mae: withUnit(k.mae_ledger, model.unit), n: k.count })}</span></li>`)}</ul>` : null}`}
  <//>`;
}

async function readModels(signal) {
  const { campaigns } = await get("/v1/campaigns", { signal });
  const lists = await Promise.all(campaigns.map(async ({ name }) => {
    const [{ properties }, models] = await Promise.all([get(campaignPath(name), { signal }), all(campaignPath(name, "/models"), "models", { signal })]);
    return models.map((model) => ({ ...model, campaign: name, unit: properties.find((one) => one.name === model.property)?.unit }));
  }));
  return lists.flat().sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
}

function Models() {
  const [shown, setShown] = useState(null);
  const [promoting, setPromoting] = useState(null);
  const models = useData(readModels, [], { matters: (e) => ["model", "campaign"].includes(e.object) });
  const columns = useMemo(() => [
    { id: "campaign", name: t("campaign"), value: (m) => m.campaign, show: (m) => html`<a href=${link(["c", m.campaign], { tab: "model", model: m.id })}>${m.campaign}</a>` },
    { id: "property", name: t("property"), value: (m) => m.property, show: (m) => m.property },
    { id: "version", name: t("version"), number: true, value: (m) => m.version, show: (m) => m.version },
    { id: "status", name: t("state"), value: (m) => m.status, show: (m) => html`<${State} group="model" name=${m.status} />` },
    { id: "rows", name: t("measurements"), number: true, value: (m) => m.rows, show: (m) => count(m.rows) },
    { id: "honest", name: t("honest_error"), number: true, value: (m) => errorOnUnseen(m.summary), show: (m) => withUnit(errorOnUnseen(m.summary), m.unit) },
    { id: "loo", name: t("loo_error"), number: true, value: (m) => m.mae_cv, show: (m) => withUnit(m.mae_cv, m.unit) },
    { id: "took", name: t("took"), number: true, value: (m) => m.seconds, show: (m) => seconds(m.seconds) },
    { id: "created", name: t("created"), value: (m) => m.created_at, show: (m) => time(m.created_at) },
    { id: "act", name: "", sortable: false, show: (m) => html`<span class="buttons"><button class="small" onClick=${() => setShown(m)}>${t("changes")}</button>
      ${may("campaigns") && m.status !== "current" ? html`<button class="small" onClick=${() => setPromoting(m)}>${t("promote")}</button>` : null}</span>` },
  ], []);
  return html`<${Loaded} of=${models}>${(list) => (list.length === 0 ? html`<${Empty}>${t("no_model")}<//>` : html`<${Grid} label=${t("tab.models")} columns=${columns} rows=${list} mark=${(m) => (m.status === "retired" ? "faded" : "")} />`)}<//>
    ${shown ? html`<${Changes} model=${shown} close=${() => setShown(null)} />` : null}
    ${promoting ? html`<${Ask} title=${t("promote.title", { n: promoting.version, campaign: promoting.campaign })} text=${t("promote.text")} button=${t("promote")} close=${() => setPromoting(null)}
      act=${async ({ reason }) => { await post(campaignPath(promoting.campaign, `/models/${promoting.id}:promote`), { reason }); tell(t("promote.done")); }} />` : null}`;
}

const COUNTERS = { deliveries: "driver.deliveries", accepted: "delivery.accepted", flagged: "delivery.flagged", duplicate: "delivery.duplicate", quarantined: "delivery.quarantined", dropped: "driver.dropped" };

function Drivers() {
  const [found, setFound] = useState(null);
  const drivers = useData((signal) => get("/v1/drivers", { signal }), [], { pause: 2000 });
  const again = useCallback(() => drivers.again(), [drivers.again]);
  useEvery(5000, true, again);
  const act = async (driver, verb) => {
    try {
      const answer = await post(`/v1/drivers/${encodeURIComponent(driver.name)}:${verb}`);
      if (verb === "check") setFound({ driver, answer });
    } catch (error) {
      setFound({ driver, error });
    }
    drivers.again();
  };
  const counters = (d) => Object.entries(COUNTERS).map(([name, word]) => `${t(word)} ${count(d[name])}`).join(t("list.comma"));
  const columns = [
    { id: "name", name: t("driver"), value: (d) => d.name, show: (d) => html`<strong>${d.name}</strong> <small>${d.kind}</small>` },
    { id: "campaign", name: t("campaign"), value: (d) => d.campaign, show: (d) => d.campaign || "–" },
    { id: "state", name: t("state"), value: (d) => d.state, show: (d) => html`<${State} group="driver" name=${d.state} />` },
    { id: "counters", name: t("counters"), wide: true, sortable: false, show: counters },
    { id: "error", name: t("last_error"), wide: true, value: (d) => d.last_error, show: (d) => (d.last_error ? html`<${Said} text=${d.last_error} />` : "–") },
    { id: "act", name: "", sortable: false, show: (d) => (may("admin") ? html`<span class="buttons">${["check", "start", "stop"].map((verb) => html`<button class="small" onClick=${() => act(d, verb)}>${t(`driver.${verb}`)}</button>`)}</span>` : "") },
  ];
  return html`<${Loaded} of=${drivers}>${({ drivers: list }) => (list.length === 0 ? html`<${Empty}>${t("drivers.none")}<//>` : html`<${Grid} label=${t("tab.drivers")} columns=${columns} rows=${list} id=${(d) => d.name} />`)}<//>
    ${found ? html`<${Dialog} title=${found.driver.name} close=${() => setFound(null)} wide><${Problem} error=${found.error} />${found.answer ? html`<pre>${JSON.stringify(found.answer, null, 2)}</pre>` : null}<//>` : null}`;
}

const LONGEST = 240;

// "accepted 6, source rig": what an event tells beside its verb; counts of nothing are left out.
function Detail({ of, object, verb }) {
  if (of === null || of === undefined || typeof of !== "object") return html`<${Said} text=${of} />`;
  const special = {
    kind: (one) => named("job", one),
    strategies: (one) => Object.entries(one).map(([strategy, n]) => `${named("strategy", strategy)} ${n}`).join(t("list.comma")),
    state: (one) => named(object === "job" ? "job_state" : object === "hypothesis" ? "hypothesis" : "state", one),
    status: (one) => named("model", one),
    catalyst: (one) => nameOf(one),
  };
  const value = (name, one) => {
    if (typeof one === "number") return number(one);
    if (special[name] && one) return special[name](one);
    if (one !== null && typeof one === "object") return html`<${Detail} of=${one} object=${object} />`;
    if (/^\d{4}-\d\d-\d\dT/.test(one)) return time(one);
    const text = String(one);
    return html`<${Said} text=${text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text} />`;
  };
  const told = Object.entries(of).filter(([, one]) => one !== 0 && one !== "" && one !== null && one !== verb);
  return told.map(([name, one], i) => html`${i > 0 ? t("list.comma") : ""}${Array.isArray(of) ? "" : `${named("detail", name).replaceAll("_", " ")} `}${value(name, one)}`);
}

function Events({ query }) {
  const [from, setFrom] = useState(Math.max(0, session.last_event - 500));
  const path = withQuery("/v1/events", { after: query.after ?? from, campaign: query.campaign, limit: MOST_EVENTS });
  const events = useData((signal) => get(path, { signal }), [path], { pause: 800 });
  // A page that stays open follows the newest ones, of which there may be more than one answer holds.
  const full = query.after === undefined && (events.data?.events.length ?? 0) >= MOST_EVENTS;
  useEffect(() => {
    if (full) setFrom((before) => Math.max(before, events.data.events[MOST_EVENTS - 1].seq - 500));
  }, [full, events.data]);
  const columns = useMemo(() => [
    { id: "seq", name: "#", number: true, value: (e) => e.seq, show: (e) => e.seq },
    { id: "at", name: t("when"), value: (e) => e.at, show: (e) => time(e.at) },
    { id: "actor", name: t("person"), value: (e) => e.actor, show: (e) => e.actor },
    { id: "campaign", name: t("campaign"), value: (e) => e.campaign, show: (e) => e.campaign || "–" },
    { id: "what", name: t("what"), value: (e) => `${e.object} ${e.verb}`, show: (e) => `${named("object", e.object)}${t("list.colon")}${named("verb", e.verb)}` },
    { id: "detail", name: t("details"), wide: true, sortable: false, show: (e) => html`<${Detail} of=${e.detail} object=${e.object} verb=${e.verb} />` },
  ], []);
  return html`<${Loaded} of=${events}>${({ events: list }) => {
    const people = [...new Set(list.map((e) => e.actor))].sort();
    const shown = list.filter((e) => !query.actor || e.actor === query.actor).reverse();
    return html`<div class="filters"><label class="inline">${t("person")} <select value=${query.actor || ""} onChange=${(event) => setQuery({ actor: event.target.value })}><option value="">${t("all")}</option>${people.map((one) => html`<option value=${one}>${one}</option>`)}</select></label>
      ${list.length > 0 && list[0].seq > 1 ? html`<button onClick=${() => setQuery({ after: Math.max(0, list[0].seq - 1001) })}>${t("older")}</button>` : null}
      ${query.after !== undefined ? html`<button onClick=${() => setQuery({ after: null })}>${t("newest")}</button>` : null}</div>
      ${shown.length === 0 ? html`<${Empty}>${t("events.none")}<//>` : html`<${Grid} label=${t("tab.events")} columns=${columns} rows=${shown} id=${(e) => e.seq} />`}`;
  }}<//>`;
}

function Tokens() {
  const [revoking, setRevoking] = useState(null);
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState(null);
  const tokens = useData((signal) => get("/v1/tokens", { signal }), [], { matters: () => false });
  const columns = [
    { id: "name", name: t("token"), value: (k) => k.name, show: (k) => k.name },
    { id: "scopes", name: t("scopes"), value: (k) => k.scopes.join(), show: (k) => k.scopes.map((scope) => html`<span class="flag">${named("scope", scope)}</span> `) },
    { id: "created", name: t("created"), value: (k) => k.created_at, show: (k) => time(k.created_at) },
    { id: "expires", name: t("expires"), value: (k) => k.expires_at, show: (k) => (k.expires_at ? html`<span class=${k.expired ? "flag" : ""}>${time(k.expires_at)}</span>` : t("never")) },
    { id: "act", name: "", sortable: false, show: (k) => html`<button class="small" onClick=${() => setRevoking(k)}>${t("revoke")}</button>` },
  ];
  const create = async (form) => {
    const scopes = ["read", "results", "campaigns", "admin"].filter((scope) => form[scope]);
    const answer = await post("/v1/tokens", { name: form.name, scopes, ...(form.expires ? { expires_at: `${form.expires}T00:00:00Z` } : {}) });
    setMade(answer);
    tokens.again();
  };
  return html`<div class="filters"><button onClick=${() => setAdding(true)}>${t("token.add")}</button></div>
    <${Loaded} of=${tokens}>${({ tokens: list }) => html`<${Grid} label=${t("tab.tokens")} columns=${columns} rows=${list} id=${(k) => k.name} />`}<//>
    ${adding ? html`<${Ask} title=${t("token.add")} button=${t("token.make")} reason="none" close=${() => setAdding(false)} act=${create} fields=${html`
      <${Field} label=${t("name")}>${(id) => html`<input id=${id} name="name" required pattern="[A-Za-z0-9._\\-]{1,64}" autocomplete="off" />`}<//>
      <fieldset><legend>${t("scopes")}</legend>${["read", "results", "campaigns", "admin"].map((scope) => html`<label class="inline"><input type="checkbox" name=${scope} defaultChecked=${scope === "read"} /> ${named("scope", scope)}</label> `)}</fieldset>
      <${Field} label=${t("expires")} hint=${t("token.expires.hint")}>${(id) => html`<input id=${id} name="expires" type="date" />`}<//>`} />` : null}
    ${made ? html`<${Dialog} title=${t("token.made", { name: made.name })} close=${() => setMade(null)}><p>${t("token.once")}</p><p><code class="mono secret">${made.token}</code></p><//>` : null}
    ${revoking ? html`<${Ask} title=${t("revoke.title", { name: revoking.name })} text=${t("revoke.text")} button=${t("revoke")} danger reason="none" close=${() => setRevoking(null)}
      act=${async () => { await ask("POST", `/v1/tokens/${encodeURIComponent(revoking.name)}:revoke`, { body: {} }); tokens.again(); }} />` : null}`;
}

const TABS = { jobs: Jobs, models: Models, drivers: Drivers, events: Events, tokens: Tokens };

export default function Work({ query }) {
  const names = Object.keys(TABS).filter((name) => name !== "tokens" || (session.tokens && may("admin")));
  const tab = names.includes(query.tab) ? query.tab : "jobs";
  const Shown = TABS[tab];
  return html`<h1>${t("nav.work")}</h1>
    <${Tabs} tabs=${names.map((name) => [name, t(`tab.${name}`), link(["work"], { tab: name === "jobs" ? null : name })])} current=${tab} label=${t("tabs")} />
    <${Shown} query=${query} />`;
}
