// A sheet to take to the bench: printed, or filled in as a table and brought back.
import { html } from "../html.js";
import { all, campaignPath, get, withQuery } from "../api.js";
import { Empty, Loaded } from "../parts/common.js";
import { conditions, csv, download, number } from "../format.js";
import { link } from "../route.js";
import { useData } from "../state.js";
import { named, t } from "../words.js";
import { placesOf } from "./proposals.js";

async function readSheet(name, id, signal) {
  const [overview, batches] = await Promise.all([get(campaignPath(name, "/overview"), { signal }), all(campaignPath(name, "/batches"), "batches", { signal })]);
  const at = id ? batches.findIndex((batch) => batch.id === id) : batches.length - 1;
  const batch = batches[at];
  const proposals = batch ? await all(`${campaignPath(name, "/proposals")}?batch=${batch.id}`, "proposals", { signal }) : [];
  const weights = batch ? await get(withQuery(campaignPath(name, "/weighing"), { batch: batch.id }), { signal }) : { proposals: [] };
  return { overview, number: at + 1, batch, weighed: new Map(weights.proposals.map((one) => [one.id, one.weigh])), places: placesOf(batch, proposals).filter((place) => !place.proposal || ["REQUESTED", "ACTIVE", "PARTIAL"].includes(place.proposal.state)) };
}

// The columns that the daemon reads back; amounts and support tell the catalyst, the proposal tells what it answers.
function table(sheet, names) {
  const elements = [...new Set(sheet.places.flatMap((place) => Object.keys(place.proposal?.catalyst.amounts || {})))];
  const varied = [...new Set(sheet.places.flatMap((place) => Object.keys(place.proposal?.conditions || {})))];
  const rows = [["proposal", "channel", "sample", ...elements, "Support", ...varied, ...names]];
  for (const { channel, proposal } of sheet.places) {
    if (!proposal) continue;
    const { amounts = {}, support = "" } = proposal.catalyst;
    rows.push([proposal.id, channel, "", ...elements.map((e) => amounts[e] ?? 0), support, ...varied.map((c) => proposal.conditions[c] ?? ""), ...names.map(() => "")]);
  }
  return rows;
}

export default function Worksheet({ campaign: name, query }) {
  const sheet = useData((signal) => readSheet(name, query.batch, signal), [name, query.batch], { matters: (event) => event.campaign === name && event.object === "proposal" });
  return html`<${Loaded} of=${sheet}>${(data) => {
    if (!data.batch) return html`<${Empty}>${t("proposals.none")}<//>`;
    const names = data.overview.targets.map((target) => target.name);
    const title = t("worksheet.title", { name, n: data.number });
    return html`<div class="head"><h1>${title}</h1><div class="buttons no-print">
        <a class="button" href=${link(["c", name, "proposals"], { batch: data.batch.id })}>${t("back")}</a>
        <button onClick=${() => download(`${name}-batch-${data.number}.csv`, csv(table(data, names)))}>CSV</button>
        <button class="main" onClick=${() => print()}>${t("print")}</button></div></div>
      <p>${t("worksheet.text")}</p>
      <div class="grid-place" role="region" tabindex="0" aria-label=${title}><table class="sheet">
        <thead><tr><th scope="col">${t("channel")}</th><th scope="col">${t("catalyst")}</th><th scope="col">${t("amounts")}</th><th scope="col">${t("conditions")}</th>
          ${data.overview.targets.map((target) => html`<th scope="col">${target.name}${target.unit ? ` (${target.unit})` : ""}</th>`)}<th scope="col">${t("remark")}</th></tr></thead>
        <tbody>${data.places.map(({ channel, sample, catalyst, proposal }) => html`<tr>
          <td class="number">${channel}</td>
          <td>${proposal ? proposal.catalyst.description : catalyst || named("sample", sample)}<br /><small class="mono">${proposal ? proposal.id : ""}</small></td>
          <td>${proposal ? amountsOf(proposal, data.weighed) : ""}</td>
          <td>${proposal ? conditions(proposal.conditions) : ""}</td>
          ${names.map(() => html`<td class="blank"></td>`)}<td class="blank"></td></tr>`)}</tbody></table></div>`;
  }}<//>`;
}

// What to weigh in, where the campaign's file tells of materials; else the amounts of the composition.
const amountsOf = ({ id, catalyst }, weighed) => {
  const weigh = weighed.get(id);
  if (weigh) return weigh.map(({ name, gram }) => `${name} ${number(1000 * gram)} mg`).join(", ");
  return [...Object.entries(catalyst.amounts || {}).map(([symbol, amount]) => `${symbol} ${number(amount)}`), catalyst.support].filter(Boolean).join(", ");
};
