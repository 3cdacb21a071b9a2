// For the screen in the laboratory: large, live, nothing to press.
import { html } from "../html.js";
import { campaignPath, get, withQuery } from "../api.js";
import { Empty, Loaded, State } from "../parts/common.js";
import { ago, axisName, count, withUnit } from "../format.js";
import { useData } from "../state.js";
import { t } from "../words.js";
import { actionsOf, ENDED, readOverviews, verdictText } from "./campaigns.js";

// What runs, the one with the newest results first, each with the steps of its first target.
async function readWall(signal) {
  const campaigns = (await readOverviews(signal)).filter((one) => !ENDED.includes(one.state));
  campaigns.sort((a, b) => (b.newest || "").localeCompare(a.newest || ""));
  return Promise.all(campaigns.map(async (campaign) => {
    const [target] = campaign.targets;
    const steps = target.best ? await get(withQuery(campaignPath(campaign.name, "/progress"), { property: target.name, points: 1 }), { signal }) : null;
    return { campaign, steps };
  }));
}

const WIDE = 600;
const HIGH = 160;

// The best so far over the measurements, as a line of steps; the numbers stand beside it.
function Steps({ steps }) {
  const { best, total, unit, property } = steps;
  const values = best.map((step) => step.value);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const x = (n) => (total > 1 ? ((n - 1) / (total - 1)) * WIDE : 0);
  const y = (value) => (most > least ? HIGH - 6 - ((value - least) / (most - least)) * (HIGH - 12) : HIGH / 2);
  const line = best.map((step, i) => `${i === 0 ? "M0" : `H${x(step.n).toFixed(1)}`}${i === 0 ? " " : "V"}${y(step.value).toFixed(1)}`).join("") + `H${WIDE}`;
  const last = best[best.length - 1];
  return html`<figure class="steps" role="img" aria-label=${t("plot.progress.summary", { n: count(total), best: withUnit(last.value, unit), catalyst: last.description })}>
    <figcaption>${t("wall.steps", { name: axisName(property, unit) })}</figcaption>
    <div class="scale"><span>${withUnit(most, unit)}</span><span>${withUnit(least, unit)}</span></div>
    <svg viewBox="0 0 ${WIDE} ${HIGH}" preserveAspectRatio="none" aria-hidden="true"><path d=${line} /></svg>
    <div class="ends"><span>1</span><span>${t("wall.measurements", { n: count(total) })}</span></div>
  </figure>`;
}

const Wide = ({ campaign, steps }) => html`<article class="card wall">
  <header><h2>${campaign.name}</h2><${State} name=${campaign.state} /></header>
  <div class="sides"><div>
    ${campaign.targets.map((target) => html`<div class="big">
      <span class="name">${target.name}</span>
      ${target.best ? html`<strong>${withUnit(target.best.value, target.unit)}</strong><span>${target.best.catalyst.description}</span>` : html`<span class="quiet">${t("nothing_measured")}</span>`}
      ${target.hits === null ? null : html`<span>${t("hits", { n: count(target.hits), threshold: withUnit(target.hit_threshold, target.unit) })}</span>`}
    </div>`)}
    <p>${verdictText(campaign)}</p></div>
    <div>${steps ? html`<${Steps} steps=${steps} />` : null}
    <ul class="bars">${campaign.progress.map((batch) => html`<li style=${{ "--share": batch.share }}><span>${t("batch.n", { n: batch.number })}</span><span>${batch.done}/${batch.proposals}</span></li>`)}</ul></div></div>
  <ul class="actions">${actionsOf(campaign).map(([words]) => html`<li>${words}</li>`)}</ul>
  <p class="quiet">${campaign.newest ? t("campaigns.newest", { ago: ago(campaign.newest) }) : ""}</p>
</article>`;

export default function Wall() {
  const walls = useData(readWall, [], { pause: 800 });
  return html`<h1 class="hidden-text">${t("nav.wall")}</h1>
    <${Loaded} of=${walls}>${(list) => (list.length === 0 ? html`<${Empty} next=${[[t("nav.campaigns"), "#/"]]}>${t("wall.none")}<//>`
      : html`<div class="walls">${list.map((one) => html`<${Wide} key=${one.campaign.name} ...${one} />`)}</div>`)}<//>`;
}
