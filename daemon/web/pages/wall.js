// For the screen in the laboratory: large, live, nothing to press.
import { html } from "../html.js";
import { Loaded, State } from "../parts/common.js";
import { ago, count, withUnit } from "../format.js";
import { useData } from "../state.js";
import { t } from "../words.js";
import { actionsOf, readOverviews } from "./campaigns.js";

const Wide = ({ campaign }) => html`<article class="card wall">
  <header><h2>${campaign.name}</h2><${State} name=${campaign.state} /></header>
  ${campaign.targets.map((target) => html`<div class="big">
    <span class="name">${target.name}</span>
    <strong>${target.best ? withUnit(target.best.value, target.unit) : "–"}</strong>
    <span>${target.best ? target.best.catalyst.description : t("nothing_measured")}</span>
    ${target.hits === null ? null : html`<span>${t("hits", { n: count(target.hits), threshold: withUnit(target.hit_threshold, target.unit) })}</span>`}
  </div>`)}
  <ul class="bars">${campaign.progress.map((batch) => html`<li style=${{ "--share": batch.share }}><span>${t("batch.n", { n: batch.number })}</span><span>${batch.done}/${batch.proposals}</span></li>`)}</ul>
  <ul class="actions">${actionsOf(campaign).map(([words]) => html`<li>${words}</li>`)}</ul>
  <p class="quiet">${campaign.newest ? t("campaigns.newest", { ago: ago(campaign.newest) }) : ""}</p>
</article>`;

export default function Wall() {
  const campaigns = useData(readOverviews, [], { pause: 800 });
  return html`<h1 class="hidden-text">${t("nav.wall")}</h1>
    <${Loaded} of=${campaigns}>${(list) => html`<div class="walls">${list.filter((one) => !["COMPLETED", "STOPPED"].includes(one.state)).map((one) => html`<${Wide} key=${one.name} campaign=${one} />`)}</div>`}<//>`;
}
