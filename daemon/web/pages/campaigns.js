// All campaigns: how far, how good, what waits for whom.
import { html } from "../html.js";
import { campaignPath, get } from "../api.js";
import { Empty, Loaded, State } from "../parts/common.js";
import { ago, count, number, withUnit } from "../format.js";
import { link } from "../route.js";
import { Said } from "../sentences.js";
import { may, useData } from "../state.js";
import { t } from "../words.js";

export const ENDED = ["COMPLETED", "STOPPED"];

// Those that go on first, each kind by name.
export async function readOverviews(signal) {
  const { campaigns } = await get("/v1/campaigns", { signal });
  const order = (one) => ENDED.includes(one.state);
  campaigns.sort((a, b) => order(a) - order(b) || a.name.localeCompare(b.name, undefined, { numeric: true }));
  return Promise.all(campaigns.map((one) => get(campaignPath(one.name, "/overview"), { signal })));
}

// What a person should do next, the most urgent first: [[words, address]].
export function actionsOf(campaign) {
  const to = (page, query) => link(["c", campaign.name, page], query);
  const actions = [];
  const { proposals } = campaign;
  const out = (proposals.ACTIVE || 0) + (proposals.PARTIAL || 0);
  if (campaign.quarantined > 0) actions.push([t("next.quarantine", { n: campaign.quarantined }), to("data", { tab: "quarantine" })]);
  if (campaign.state === "PAUSED") actions.push([t("next.paused"), to("")]);
  if (campaign.state === "DRAFT") actions.push([t("next.draft"), to("file")]);
  if (proposals.REQUESTED > 0) actions.push([t("next.make", { n: proposals.REQUESTED }), to("proposals")]);
  if (out > 0) actions.push([t("next.results", { n: out }), to("proposals")]);
  for (const job of campaign.jobs) actions.push([t(`next.job.${job.kind}`), link(["work"])]);
  if (actions.length === 0 && campaign.state === "ACTIVE") actions.push([t("next.plan"), to("proposals")]);
  return actions;
}

// Whether the model predicts better than the median of what was measured.
export function verdictText({ model, targets }) {
  if (!model?.verdict) return "";
  const unit = targets.find((target) => target.name === model.property)?.unit;
  const { word, mae, mae_median: median, catalysts } = model.verdict;
  return t(`verdict_of.${word}`, { mae: withUnit(mae, unit), median: withUnit(median, unit), n: count(catalysts) });
}

const Target = ({ target }) => html`<div class="target">
  <span class="name">${target.name} <small>${t(`goal.${target.goal}`, { value: number(target.value) })}</small></span>
  ${target.best
    ? html`<strong>${withUnit(target.best.value, target.unit)}</strong><span>${target.best.catalyst.description}</span>`
    : html`<span class="quiet">${t("nothing_measured")}</span>`}
  ${target.hits === null ? null : html`<span>${t("hits", { n: count(target.hits), threshold: withUnit(target.hit_threshold, target.unit) })}</span>`}
</div>`;

const Card = ({ campaign }) => html`<article class="card campaign">
  <header>
    <h2><a href=${link(["c", campaign.name])}>${campaign.name}</a></h2>
    <${State} name=${campaign.state} />
  </header>
  ${campaign.reason ? html`<p class="quiet">${t("reason")}${t("list.colon")}<${Said} text=${campaign.reason} /></p>` : null}
  ${campaign.targets.map((target) => html`<${Target} target=${target} />`)}
  <p class="quiet">${t("campaigns.numbers", { measurements: count(campaign.measurements), catalysts: count(campaign.catalysts), batches: count(campaign.batches) })}${campaign.newest ? `${t("list.comma")}${t("campaigns.newest", { ago: ago(campaign.newest) })}` : ""}</p>
  ${campaign.model ? html`<p>${verdictText(campaign)}</p>` : html`<p class="quiet">${t("no_model")}</p>`}
  <ul class="actions">${actionsOf(campaign).map(([words, href]) => html`<li><a href=${href}>${words}</a></li>`)}</ul>
</article>`;

export function Campaigns() {
  const campaigns = useData(readOverviews, [], { pause: 800 });
  const drivers = useData((signal) => get("/v1/drivers", { signal }), [], { pause: 3000 });
  const down = (drivers.data?.drivers || []).filter((one) => one.state === "BACKING_OFF");
  return html`<div class="head"><h1>${t("nav.campaigns")}</h1>
      ${may("campaigns") ? html`<a class="button main" href="#/start">${t("nav.start")}</a>` : null}</div>
    ${down.map((one) => html`<p class="problem" role="alert"><a href="#/work?tab=drivers">${t("campaigns.driver_down", { name: one.name, error: one.last_error || "" })}</a></p>`)}
    <${Loaded} of=${campaigns}>${(list) =>
      list.length === 0
        ? html`<${Empty}>${t("campaigns.none")} <a href="#/start">${t("nav.start")}</a><//>`
        : html`<div class="cards">${list.map((one) => html`<${Card} key=${one.name} campaign=${one} />`)}</div>`}
    <//>`;
}
