// One campaign: what was found, what the model believes, and how far that was right.
import { html, useMemo, useState } from "../html.js";
import { campaignPath, get, post, withQuery } from "../api.js";
import { Ask, Empty, Figure, Loaded, State, Tabs, tell } from "../parts/common.js";
import { ago, count, errorOnUnseen, number, withUnit } from "../format.js";
import { link } from "../route.js";
import { Said } from "../sentences.js";
import { may, useData } from "../state.js";
import { t } from "../words.js";
import { actionsOf, verdictText } from "./campaigns.js";
import { CoverageMap } from "./campaign_map.js";
import { Elements, Progress, TwoTargets } from "./campaign_results.js";
import { Descriptors, Foretold, Hypotheses, Parity } from "./campaign_model.js";

const VERBS = { DRAFT: ["start", "stop"], ACTIVE: ["pause", "complete", "stop"], PAUSED: ["resume", "complete", "stop"] };

function Steer({ campaign }) {
  const [verb, setVerb] = useState(null);
  if (!may("campaigns")) return null;
  const act = async ({ reason }) => {
    await post(campaignPath(campaign.name, `:${verb}`), reason ? { reason } : {});
    tell(t(`steer.${verb}.done`, { name: campaign.name }));
  };
  const retrain = async () => {
    try {
      await post(campaignPath(campaign.name, ":retrain"));
      tell(t("retrain.scheduled"));
    } catch (error) {
      tell(error.message);
    }
  };
  return html`<div class="buttons">
    ${campaign.state === "ACTIVE" ? html`<button onClick=${retrain}>${t("retrain")}</button>` : null}
    ${(VERBS[campaign.state] || []).map((name) => html`<button onClick=${() => setVerb(name)}>${t(`steer.${name}`)}</button>`)}
    ${verb ? html`<${Ask} title=${t(`steer.${verb}.title`, { name: campaign.name })} text=${t(`steer.${verb}.text`)} button=${t(`steer.${verb}`)}
      danger=${verb === "stop"} reason=${verb === "start" || verb === "resume" ? "optional" : "required"} close=${() => setVerb(null)} act=${act} />` : null}
  </div>`;
}

const unitOf = (campaign, property) => campaign.targets.find((one) => one.name === property)?.unit;

function Head({ campaign }) {
  const [first] = campaign.targets;
  const open = (campaign.proposals.REQUESTED || 0) + (campaign.proposals.ACTIVE || 0) + (campaign.proposals.PARTIAL || 0);
  return html`<div class="head"><h1>${campaign.name} <${State} name=${campaign.state} /></h1><${Steer} campaign=${campaign} /></div>
    ${campaign.description ? html`<p>${campaign.description}</p>` : null}
    ${campaign.reason ? html`<p class="quiet">${t("reason")}${t("list.colon")}<${Said} text=${campaign.reason} /></p>` : null}
    <dl class="figures">
      ${campaign.targets.map((target) => html`<${Figure} name=${t("best_of", { name: target.name })} value=${target.best ? withUnit(target.best.value, target.unit) : "–"} note=${target.best?.catalyst.description} />`)}
      ${first.hits === null ? null : html`<${Figure} name=${t("hits.name", { threshold: withUnit(first.hit_threshold, first.unit) })} value=${count(first.hits)} />`}
      <${Figure} name=${t("measurements")} value=${count(campaign.measurements)} note=${t("catalysts.n", { n: count(campaign.catalysts) })} />
      <${Figure} name=${t("batches")} value=${count(campaign.batches)} note=${t("open.n", { n: count(open) })} />
      ${campaign.model ? html`<${Figure} name=${t("honest_error")} value=${withUnit(errorOnUnseen(campaign.model), unitOf(campaign, campaign.model.property))} note=${t("model.version", { n: campaign.model.version, ago: ago(campaign.model.created_at) })} />` : null}
    </dl>
    ${verdictText(campaign) ? html`<p class="verdict">${verdictText(campaign)}</p>` : null}
    <ul class="actions">${actionsOf(campaign).map(([words, href]) => html`<li><a href=${href}>${words}</a></li>`)}</ul>`;
}

export default function Campaign({ campaign: name, query }) {
  const overview = useData((signal) => get(campaignPath(name, "/overview"), { signal }), [name], { matters: (event) => event.campaign === name, pause: 800 });
  const tab = query.tab || "results";
  const tabs = ["results", "hypotheses", "model", "elements", "map"].map((id) => [id, t(`tab.${id}`), link(["c", name], { ...query, tab: id === "results" ? null : id })]);
  return html`<${Loaded} of=${overview}>${(campaign) => {
    const target = campaign.targets.find((one) => one.name === query.target) || campaign.targets[0];
    return html`<${Head} campaign=${campaign} />
      <div class="head"><${Tabs} tabs=${tabs} current=${tab} label=${t("tabs")} />
        ${campaign.targets.length > 1 ? html`<label class="inline">${t("target")} <select value=${target.name} onChange=${(event) => location.replace(link(["c", name], { ...query, target: event.target.value }))}>
          ${campaign.targets.map((one) => html`<option value=${one.name}>${one.name}</option>`)}</select></label>` : null}</div>
      ${tab === "results" ? html`<${Progress} name=${name} target=${target} />${campaign.targets.length > 1 ? html`<${TwoTargets} name=${name} targets=${campaign.targets} />` : null}` : null}
      ${tab === "hypotheses" ? html`<${Hypotheses} name=${name} target=${target} state=${query.state || ""} />` : null}
      ${tab === "model" ? (campaign.model || query.model ? html`<${Insight} name=${name} target=${target} model=${query.model} />` : html`<${Empty}>${t("no_model")}<//>`) : null}
      ${tab === "elements" ? html`<${Elements} name=${name} target=${target} view=${query.view} />` : null}
      ${tab === "map" ? html`<${CoverageMap} name=${name} target=${target} />` : null}`;
  }}<//>`;
}

function Insight({ name, target, model }) {
  const path = withQuery(campaignPath(name, `/models/${encodeURIComponent(model || "current")}/insight`), { property: model ? null : target.name });
  const insight = useData((signal) => get(path, { signal }), [path], { matters: (event) => event.object === "model" && event.campaign === name });
  const shown = useMemo(() => insight, [insight.data, insight.error]);
  if (insight.error?.status === 404) return html`<${Empty}>${t("no_model")}<//>`;
  return html`<${Loaded} of=${shown}>${(data) => html`
    <div class="plots"><${Parity} data=${data} /><${Foretold} name=${name} target=${target} /></div>
    <${Descriptors} data=${data} />`}<//>`;
}
