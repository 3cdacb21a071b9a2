// The batch that is asked for: as a plate and as a table, with what a person may do to each proposal.
import { html, useMemo, useState } from "../html.js";
import { all, campaignPath, get, post, withQuery } from "../api.js";
import { Ask, Dialog, Empty, Field, Loaded, Menu, State, tell } from "../parts/common.js";
import { Grid } from "../parts/grid.js";
import { CatalystFields, readCatalyst } from "../parts/catalyst.js";
import { ReturnSheet } from "../parts/return_sheet.js";
import { nameOf } from "../catalyst_names.js";
import { ago, axisName, colourOf, conditions, count, interval, number, signed, steady, withUnit } from "../format.js";
import { link, setQuery } from "../route.js";
import { English, Reason, Said } from "../sentences.js";
import { may, useData } from "../state.js";
import { language, named, t } from "../words.js";

const OPEN = ["REQUESTED", "ACTIVE", "PARTIAL"];

// What to weigh in, in milligrams, where the campaign's file tells of materials; else the amounts of the composition.
export function amountsOf(catalyst, weigh) {
  if (weigh) return weigh.map((one) => t("weigh", { name: one.name, mass: number(1000 * one.gram) })).join(", ");
  return [...Object.entries(catalyst.amounts || {}).map(([symbol, amount]) => `${symbol} ${withUnit(amount, catalyst.unit)}`), catalyst.support].filter(Boolean).join(", ");
}

// {proposal's id: what to weigh in} of a batch; empty where the campaign tells of no materials.
async function readWeights(name, batch, signal) {
  const { proposals } = await get(withQuery(campaignPath(name, "/weighing"), { batch }), { signal });
  return new Map(proposals.map((one) => [one.id, one]));
}

async function readProposals(name, signal) {
  const [overview, batches, proposals] = await Promise.all([
    get(campaignPath(name, "/overview"), { signal }),
    all(campaignPath(name, "/batches"), "batches", { signal }),
    all(campaignPath(name, "/proposals"), "proposals", { signal }),
  ]);
  return { overview, proposals, batches: batches.map((batch, i) => ({ ...batch, number: i + 1 })) };
}

// The places of the plate as the planner laid them out; else one place a proposal, by rank.
export function placesOf(batch, all) {
  const replaced = new Set(all.map((proposal) => proposal.amended_from));
  const proposals = all.filter((proposal) => !replaced.has(proposal.id));
  const plate = batch?.summary?.plate || [];
  if (plate.length === 0) return proposals.map((proposal) => ({ plate: 1, channel: proposal.rank, sample: "proposal", proposal }));
  const byRank = new Map(proposals.map((proposal) => [proposal.rank, proposal]));
  return plate.map((place) => ({ ...place, proposal: byRank.get(place.rank) }));
}

function Plate({ places, weights, show }) {
  return html`<div class="plate" role="group" aria-label=${t("plate")}>${places.map((place) => {
    const { proposal } = place;
    if (!proposal) return html`<div class="place other"><small>${place.channel}</small><span>${place.catalyst || named("sample", place.sample)}</span></div>`;
    const done = !OPEN.includes(proposal.state);
    return html`<button class="place ${done ? "done" : ""}" style=${{ "--colour": colourOf(proposal.strategy) }} onClick=${() => show(proposal)}
      title=${t("plate.place", { channel: place.channel, catalyst: proposal.catalyst.description, state: named("state", proposal.state), strategy: named("strategy", proposal.strategy) })}>
      <small>${place.channel}</small>${" "}<span>${proposal.catalyst.description}</span>${" "}<small>${named("state", proposal.state)}</small>
      ${weights.has(proposal.id) && !done ? html`<small class="weigh">${weights.get(proposal.id).weigh.map((one) => html`<span>${t("weigh", { name: one.name, mass: number(1000 * one.gram) })}</span> `)}</small>` : null}</button>`;
  })}</div>`;
}

// What each verb asks for, and in which states it is offered.
const VERBS = {
  amend: ["REQUESTED", "ACTIVE"],
  cancel: ["REQUESTED", "ACTIVE", "PARTIAL", "FAILED"],
  fail: ["ACTIVE"],
  infeasible: ["ACTIVE"],
  claim: ["REQUESTED", "FAILED", "EXPIRED"],
  release: ["ACTIVE"],
};

function Act({ verb, proposal, close }) {
  const client = proposal.client && proposal.state === "ACTIVE" ? { client: proposal.client } : {};
  const path = `/v1/proposals/${proposal.id}:${verb}`;
  const act = async (form) => {
    const reason = form.reason ? { reason: form.reason } : {};
    if (verb === "amend") await post(path, { catalyst: readCatalyst(form, proposal.catalyst), ...client, ...reason });
    else if (verb === "cancel") await post(path, reason);
    else if (verb === "claim") await post(path, { client: form.client });
    else await post(path, { ...client, ...reason });
    tell(t(`proposal.${verb}.done`, { catalyst: proposal.catalyst.description }));
  };
  const fields = verb === "amend" ? html`<${CatalystFields} catalyst=${proposal.catalyst} />`
    : verb === "claim" ? html`<${Field} label=${t("proposal.client")}>${(id) => html`<input id=${id} name="client" required maxlength="100" />`}<//>` : null;
  return html`<${Ask} title=${t(`proposal.${verb}.title`, { catalyst: proposal.catalyst.description })} text=${t(`proposal.${verb}.text`)}
    button=${t(`proposal.${verb}`)} danger=${verb === "infeasible" || verb === "cancel"} reason=${["claim", "release"].includes(verb) ? "none" : "required"} fields=${fields} close=${close} act=${act} />`;
}

function AddByHand({ name, close }) {
  const act = async (form) => {
    const made = await post(campaignPath(name, "/proposals"), { catalyst: readCatalyst(form), reason: form.reason });
    tell(t("proposal.added", { catalyst: made.catalyst.description }));
  };
  return html`<${Ask} title=${t("proposal.add")} text=${t("proposal.add.text")} button=${t("add")} fields=${html`<${CatalystFields} />`} close=${close} act=${act} />`;
}

const Bars = ({ drivers, unit }) => {
  const most = Math.max(...drivers.map((d) => Math.abs(d.contribution)), 1e-12);
  return html`<ul class="bars">${drivers.map((d) => html`<li style=${{ "--share": Math.abs(d.contribution) / most }}><span><code>${d.descriptor}</code> <span class="quiet"><${English}>${d.words}<//>${d.outside ? ` (${t("why.outside")})` : ""}</span></span><span>${signed(d.contribution, unit)}</span></li>`)}</ul>`;
};

const Nearest = ({ neighbours, unit }) => html`<h3>${t("nearest")}</h3><table><thead><tr><th scope="col">${t("catalyst")}</th><th scope="col" class="number">${axisName(t("measured"), unit)}</th><th scope="col" class="number">${t("distance")}</th></tr></thead>
  <tbody>${neighbours.map((one) => html`<tr><td>${one.description}</td><td class="number">${steady(one.measured)}</td><td class="number">${steady(one.distance, 2)}</td></tr>`)}</tbody></table>
  <p class="quiet">${t("nearest.help")}</p>`;

// What the model that planned it says: what it rests on, and what was measured near it.
function Why({ name, proposal }) {
  const why = useData((signal) => get(withQuery(campaignPath(name, "/explanation"), { proposal: proposal.id }), { signal }), [name, proposal.id], { matters: () => false });
  return html`<${Loaded} of=${why}>${(found) => (found.model === null ? html`<p class="quiet">${t("why.no_model")}</p>` : html`
    <p>${t("why.agree", { agree: count(found.agree), of: count(found.hypotheses) })}</p>
    <h3>${t("drivers_of")}</h3><p class="quiet">${t("why.usual", { usual: withUnit(found.usual, found.unit) })}</p><${Bars} drivers=${found.contributions} unit=${found.unit} />
    ${found.neighbours.length > 0 ? html`<${Nearest} neighbours=${found.neighbours} unit=${found.unit} />` : null}`)}<//>`;
}

function Details({ name, proposal, target, weight, close }) {
  const card = proposal.card || {};
  const line = (words, value) => (value ? html`<dt>${words}</dt><dd>${value}</dd>` : null);
  return html`<${Dialog} title=${proposal.catalyst.description} close=${close} wide>
    <p><${Reason} one=${proposal} target=${target} /></p>${language() === "en" ? null : html`<p class="quiet"><${Said} text=${proposal.reason} unit=${proposal.catalyst.unit} /></p>`}
    <dl class="list">
      ${line(t("state"), html`<${State} name=${proposal.state} /> <${Said} text=${proposal.state_reason} unit=${proposal.catalyst.unit} />`)}
      ${line(t("conditions"), conditions(proposal.conditions))}
      ${line(t("predicted"), proposal.mean === null ? "" : `${withUnit(proposal.mean, target.unit)} (${interval(proposal.low, proposal.high)})`)}
      ${(card.targets || []).slice(1).map((other) => line(`${t("predicted")} ${other.target}`, other.mean === null ? "" : `${withUnit(other.mean, other.unit)} (${interval(other.low, other.high)})`))}
      ${line(t("novelty"), proposal.novelty === null ? "" : number(proposal.novelty, 3))}
      ${line(t("runner_up"), card.runner_up ? nameOf(card.runner_up, proposal.catalyst.unit) : "")}
      ${line(t("nearly"), (card.nearly_excluded_by || []).join("; "))}
      ${line(t("amounts"), amountsOf(proposal.catalyst))}
      ${line(t("weigh_in"), weight ? amountsOf(proposal.catalyst, weight.weigh) : "")}
      ${line(t("proposal.client"), proposal.client)}
      ${line(t("proposal.amended_from"), proposal.amended_from)}
      ${line(t("created"), ago(proposal.created_at))}
    </dl>
    <${Why} name=${name} proposal=${proposal} />
  <//>`;
}

function Actions({ proposal, open }) {
  if (!may("results")) return null;
  const verbs = Object.keys(VERBS).filter((verb) => VERBS[verb].includes(proposal.state));
  if (verbs.length === 0) return null;
  return html`<${Menu} label=${t("actions_of", { name: proposal.catalyst.description })} options=${verbs.map((verb) => [verb, t(`proposal.${verb}`)])} choose=${(verb) => open({ verb, proposal })} />`;
}

function Board({ name, data, query }) {
  const [acting, setActing] = useState(null);
  const [shown, setShown] = useState(null);
  const [adding, setAdding] = useState(false);
  const [target] = data.overview.targets;
  const open = data.proposals.filter((p) => OPEN.includes(p.state));
  const newest = data.batches.filter((batch) => open.some((p) => p.batch === batch.id)).pop() || data.batches[data.batches.length - 1];
  const chosen = query.batch === "all" ? null : data.batches.find((batch) => batch.id === query.batch) || newest;
  const proposals = data.proposals.filter((p) => (!chosen || p.batch === chosen.id) && (!query.state || p.state === query.state));
  const weights = useData((signal) => (chosen ? readWeights(name, chosen.id, signal) : Promise.resolve(new Map())), [name, chosen?.id, data], { matters: () => false }).data || new Map();
  const columns = useMemo(() => [
    { id: "rank", name: t("rank"), number: true, value: (p) => p.rank, show: (p) => p.rank },
    { id: "catalyst", name: t("catalyst"), value: (p) => p.catalyst.description, show: (p) => html`<button class="link" onClick=${() => setShown(p)}>${p.catalyst.description}</button>` },
    { id: "conditions", name: t("conditions"), value: (p) => conditions(p.conditions), show: (p) => conditions(p.conditions) || "–" },
    { id: "strategy", name: t("strategy"), value: (p) => p.strategy, show: (p) => html`<span class="strategy"><span class="dot" style=${{ background: colourOf(p.strategy) }}></span> ${named("strategy", p.strategy)}</span>` },
    { id: "state", name: t("state"), value: (p) => p.state, show: (p) => html`<${State} name=${p.state} />` },
    { id: "mean", name: axisName(data.overview.targets.length > 1 ? `${t("predicted")} ${target.name}` : t("predicted"), target.unit), number: true, value: (p) => p.mean, show: (p) => steady(p.mean) },
    { id: "interval", name: t("interval"), number: true, value: (p) => (p.low === null ? null : p.high - p.low), show: (p) => interval(p.low, p.high) },
    { id: "novelty", name: t("novelty"), number: true, value: (p) => p.novelty, show: (p) => steady(p.novelty, 3) },
    { id: "reason", name: t("reason"), wide: true, sortable: false, show: (p) => html`<${Reason} one=${p} target=${target} />` },
    { id: "act", name: "", sortable: false, show: (p) => html`<${Actions} proposal=${p} open=${setActing} />` },
  ], [target.name, data.overview.targets.length]);
  const varied = proposals.some((p) => conditions(p.conditions));
  const price = [...weights.values()].reduce((sum, one) => sum + one.price, 0);
  const states = [...new Set(data.proposals.map((p) => p.state))];
  return html`<div class="head"><h1>${t("nav.proposals")}</h1><div class="buttons">
      ${chosen ? html`<a class="button" href=${link(["c", name, "worksheet"], { batch: chosen.id })}>${t("worksheet")}</a>` : null}
      ${may("results") ? html`<button onClick=${() => setAdding(true)}>${t("proposal.add")}</button><${NextBatch} name=${name} overview=${data.overview} />` : null}
    </div></div>
    <div class="filters">
      <label class="inline">${t("batch")} <select value=${chosen ? chosen.id : "all"} onChange=${(event) => setQuery({ batch: event.target.value })}>
        <option value="all">${t("all")}</option>
        ${[...data.batches].reverse().map((batch) => html`<option value=${batch.id}>${t("batch.n", { n: batch.number })}</option>`)}</select></label>
      <label class="inline">${t("state")} <select value=${query.state || ""} onChange=${(event) => setQuery({ state: event.target.value })}>
        <option value="">${t("all")}</option>${states.map((state) => html`<option value=${state}>${named("state", state)}</option>`)}</select></label>
      <span class="quiet">${t("proposals.n", { n: count(proposals.length), open: count(proposals.filter((p) => OPEN.includes(p.state)).length) })}</span>
    </div>
    ${proposals.length === 0 ? html`<${Empty}>${t(data.proposals.length === 0 ? "proposals.first" : "proposals.none")}<//>` : html`
      ${chosen ? html`<${Plate} places=${placesOf(chosen, proposals)} weights=${weights} show=${setShown} />` : null}
      ${price > 0 ? html`<p class="quiet">${t("plan.price", { price: number(price) })}</p>` : null}
      <${Grid} label=${t("nav.proposals")} columns=${columns.filter((column) => varied || column.id !== "conditions")} rows=${proposals} sort=${{ id: "rank", way: 1 }} mark=${(p) => (OPEN.includes(p.state) ? "" : "faded")} />`}
    ${chosen?.summary?.notes?.length ? html`<details><summary>${t("batch.notes")}</summary><ul>${chosen.summary.notes.map((note) => html`<li><${Said} text=${note} /></li>`)}</ul></details>` : null}
    ${may("results") ? html`<${ReturnSheet} name=${name} />` : null}
    ${acting ? html`<${Act} ...${acting} close=${() => setActing(null)} />` : null}
    ${shown ? html`<${Details} name=${name} proposal=${shown} target=${target} weight=${weights.get(shown.id)} close=${() => setShown(null)} />` : null}
    ${adding ? html`<${AddByHand} name=${name} close=${() => setAdding(false)} />` : null}`;
}

function NextBatch({ name, overview }) {
  const [busy, setBusy] = useState(false);
  const planning = overview.jobs.some((job) => job.kind === "plan");
  const press = async () => {
    setBusy(true);
    try {
      const answer = await post(campaignPath(name, ":recommend"), {});
      tell(answer.job ? t("plan.scheduled") : t("plan.waiting", { n: answer.proposals.length }));
    } catch (error) {
      tell(error.message);
    }
    setBusy(false);
  };
  return html`<button class="main" disabled=${busy || planning || overview.state !== "ACTIVE"} onClick=${press}>${planning ? t("plan.running") : t("plan.next")}</button>`;
}

export default function Proposals({ campaign: name, query }) {
  const data = useData((signal) => readProposals(name, signal), [name], { matters: (event) => event.campaign === name && ["proposal", "batch", "campaign", "job", "measurement"].includes(event.object), pause: 600 });
  return html`<${Loaded} of=${data}>${(found) => html`<${Board} name=${name} data=${found} query=${query} />`}<//>`;
}
