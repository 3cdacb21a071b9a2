// Results come back: a filled worksheet or any table is dropped, looked at, and taken in.
import { html, useState } from "../html.js";
import { ask, campaignPath, newKey, withQuery } from "../api.js";
import { Dialog, Drop, Problem, tell } from "./common.js";
import { count } from "../format.js";
import { link } from "../route.js";
import { Said } from "../sentences.js";
import { named, t } from "../words.js";

export const WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
export const typeOf = (file) => (/\.xlsx$/i.test(file.name) ? WORKBOOK : /\.ndjson$/i.test(file.name) ? "application/x-ndjson" : /\.json$/i.test(file.name) ? "application/json" : "text/csv");

const deliver = (name, file, extra) =>
  ask("POST", withQuery(campaignPath(name, "/measurements"), { source: "dashboard", file_name: file.name, ...extra }), { body: file, type: typeOf(file), headers: { "Idempotency-Key": newKey() } });

const Verdicts = ({ receipt }) => {
  const odd = receipt.rows.filter((row) => row.verdict !== "accepted");
  return html`<p>${t("receipt", { accepted: count(receipt.accepted), flagged: count(receipt.flagged), duplicate: count(receipt.duplicate), quarantined: count(receipt.quarantined) })}</p>
    ${(receipt.notes || []).length ? html`<ul>${receipt.notes.map((note) => html`<li><${Said} text=${note} /></li>`)}</ul>` : null}
    ${odd.length ? html`<table><thead><tr><th scope="col">${t("row")}</th><th scope="col">${t("verdict")}</th><th scope="col">${t("reason")}</th></tr></thead>
      <tbody>${odd.slice(0, 100).map((row) => html`<tr><td class="number">${row.row + 1}</td><td>${named("verdict", row.verdict)}</td><td class="wide"><${Said} text=${row.reason} /></td></tr>`)}</tbody></table>` : null}`;
};

export function ReturnSheet({ name }) {
  const [file, setFile] = useState(null);
  const [receipt, setReceipt] = useState(null);
  const [error, setError] = useState(null);
  const [repeats, setRepeats] = useState("");
  const [busy, setBusy] = useState(false);
  const look = async (dropped, chosen = repeats) => {
    setFile(dropped);
    setError(null);
    setReceipt(null);
    try {
      setReceipt(await deliver(name, dropped, { dry_run: true, repeats: chosen }));
    } catch (refused) {
      setError(refused);
    }
  };
  const take = async () => {
    setBusy(true);
    try {
      const taken = await deliver(name, file, { repeats });
      tell(t("receipt", { accepted: count(taken.accepted), flagged: count(taken.flagged), duplicate: count(taken.duplicate), quarantined: count(taken.quarantined) }));
      setFile(null);
      if (taken.quarantined > 0) location.hash = link(["c", name, "data"], { tab: "quarantine" });
    } catch (refused) {
      setError(refused);
    }
    setBusy(false);
  };
  const choose = (value) => {
    setRepeats(value);
    look(file, value);
  };
  return html`<h2>${t("return.title")}</h2>
    <${Drop} words=${t("return.drop")} accept=".csv,.tsv,.txt,.xlsx,.json,.ndjson" hint=${t("return.hint")} take=${(dropped) => look(dropped)} />
    ${file ? html`<${Dialog} title=${t("return.look", { name: file.name })} close=${() => setFile(null)} wide>
      ${receipt ? html`<${Verdicts} receipt=${receipt} />` : error ? null : html`<p class="quiet" role="status">${t("reading")}</p>`}
      <${Problem} error=${error} />
      ${error ? html`<label class="inline">${t("repeats")} <select value=${repeats} onChange=${(event) => choose(event.target.value)}>
        <option value="">${t("repeats.ask")}</option><option value="skip">${t("repeats.skip")}</option><option value="keep">${t("repeats.keep")}</option></select></label>` : null}
      <footer><button onClick=${() => setFile(null)}>${t("leave")}</button>
        <button class="main" disabled=${!receipt || busy} onClick=${take}>${t("return.take")}</button></footer>
    <//>` : null}`;
}
