// The campaign's file: read, changed side by side with what it means, applied as a new version.
import { html, useState } from "../html.js";
import { campaignPath, get } from "../api.js";
import { Loaded } from "../parts/common.js";
import { Editor } from "../parts/editor.js";
import { download, time } from "../format.js";
import { setQuery } from "../route.js";
import { useData } from "../state.js";
import { t } from "../words.js";

async function readFile(name, version, signal) {
  const [campaign, { configs }] = await Promise.all([get(campaignPath(name), { signal }), get(campaignPath(name, "/configs"), { signal })]);
  const shown = await get(campaignPath(name, `/configs/${version || campaign.version}`), { signal });
  return { campaign, configs, shown };
}

export default function File({ campaign: name, query }) {
  const [applied, setApplied] = useState(0);
  const file = useData((signal) => readFile(name, query.version, signal), [name, query.version, applied], { matters: () => false });
  return html`<h1>${t("nav.file")}</h1><${Loaded} of=${file}>${({ campaign, configs, shown }) => html`
    <div class="filters"><label class="inline">${t("version")} <select value=${String(shown.version)} onChange=${(event) => setQuery({ version: event.target.value })}>
      ${[...configs].reverse().map((one) => html`<option value=${String(one.version)}>${one.version}: ${time(one.created_at)}, ${one.actor}</option>`)}</select></label>
      ${shown.version === campaign.version ? null : html`<span class="warning">${t("file.old", { n: campaign.version })}</span>`}
      <button onClick=${() => download(`${name}.toml`, shown.text, "application/toml")}>${t("file.save")}</button></div>
    <${Editor} key=${shown.version} first=${shown.text} applied=${() => setApplied(applied + 1)} />`}<//>`;
}
