// A sheet to take to the bench: printed, or filled in as a table and brought back.
import { html } from "../html.js";
import { all, ask, campaignPath, get, withQuery } from "../api.js";
import { Empty, Loaded, tell } from "../parts/common.js";
import { conditions, download } from "../format.js";
import { link } from "../route.js";
import { useData } from "../state.js";
import { named, t } from "../words.js";
import { amountsOf, placesOf } from "./proposals.js";

async function readSheet(name, id, signal) {
  const [overview, batches] = await Promise.all([get(campaignPath(name, "/overview"), { signal }), all(campaignPath(name, "/batches"), "batches", { signal })]);
  const at = id ? batches.findIndex((batch) => batch.id === id) : batches.length - 1;
  const batch = batches[at];
  const proposals = batch ? await all(`${campaignPath(name, "/proposals")}?batch=${batch.id}`, "proposals", { signal }) : [];
  const weights = batch ? await get(withQuery(campaignPath(name, "/weighing"), { batch: batch.id }), { signal }) : { proposals: [] };
  return { overview, number: at + 1, batch, weighed: new Map(weights.proposals.map((one) => [one.id, one.weigh])), places: placesOf(batch, proposals).filter((place) => !place.proposal || ["REQUESTED", "ACTIVE", "PARTIAL"].includes(place.proposal.state)) };
}

async function save(name, sheet, format) {
  const response = await ask("GET", withQuery(campaignPath(name, "/worksheet"), { batch: sheet.batch.id, format }), { raw: true });
  download(`${name}-batch-${sheet.number}.${format}`, await response.blob());
}

export default function Worksheet({ campaign: name, query }) {
  const sheet = useData((signal) => readSheet(name, query.batch, signal), [name, query.batch], { matters: (event) => event.campaign === name && event.object === "proposal" });
  return html`<${Loaded} of=${sheet}>${(data) => {
    if (!data.batch) return html`<h1>${t("worksheet")}</h1><${Empty} next=${[[t("nav.proposals"), link(["c", name, "proposals"])]]}>${t("worksheet.none")}<//>`;
    const names = data.overview.targets.map((target) => target.name);
    // Where nothing is varied there is nothing to set.
    const varied = data.places.some(({ proposal }) => proposal && conditions(proposal.conditions));
    const title = t("worksheet.title", { name, n: data.number });
    return html`<div class="head"><h1>${title}</h1><div class="buttons no-print">
        <a class="button" href=${link(["c", name, "proposals"], { batch: data.batch.id })}>${t("back")}</a>
        ${["csv", "xlsx"].map((format) => html`<button onClick=${() => save(name, data, format).catch((error) => tell(error.message))}>${format.toUpperCase()}</button>`)}
        <button class="main" onClick=${() => print()}>${t("print")}</button></div></div>
      <p>${t("worksheet.text")}</p>
      <div class="grid-place" role="region" tabindex="0" aria-label=${title}><table class="sheet">
        <thead><tr><th scope="col">${t("channel")}</th><th scope="col">${t("catalyst")}</th><th scope="col">${t("amounts")}</th>${varied ? html`<th scope="col">${t("conditions")}</th>` : null}
          ${data.overview.targets.map((target) => html`<th scope="col">${target.name}${target.unit ? ` (${target.unit})` : ""}</th>`)}<th scope="col">${t("remark")}</th></tr></thead>
        <tbody>${data.places.map(({ channel, sample, catalyst, proposal }) => html`<tr>
          <td class="number">${channel}</td>
          <td>${proposal ? proposal.catalyst.description : catalyst || named("sample", sample)}<br /><small class="mono">${proposal ? proposal.id : ""}</small></td>
          <td>${proposal ? amountsOf(proposal.catalyst, data.weighed.get(proposal.id)) : ""}</td>
          ${varied ? html`<td>${proposal ? conditions(proposal.conditions) : ""}</td>` : null}
          ${names.map(() => html`<td class="blank"></td>`)}<td class="blank"></td></tr>`)}</tbody></table></div>`;
  }}<//>`;
}
