// A campaign's file, checked while it is typed: what is wrong, and how many candidates each rule leaves.
import { html, useEffect, useMemo, useRef, useState } from "../html.js";
import { ask } from "../api.js";
import { Dialog, Problem, tell } from "./common.js";
import { CampaignForm } from "./form.js";
import { nameOf } from "../catalyst_names.js";
import { conditions, count, number, seconds } from "../format.js";
import { go } from "../route.js";
import { endsWords, Reason, retrainWords, Said } from "../sentences.js";
import { may } from "../state.js";
import { named, t } from "../words.js";

const TYPE = "application/toml";
const plan = (text, batch, signal) => ask("POST", `/v1/campaigns:plan?batch=${batch}`, { body: text, type: TYPE, signal });

// The line that a refusal names ("campaign:12: ..."); 0: none.
function lineOf(error) {
  for (const text of [error?.message, ...(error?.errors || []).map((one) => one.where || "")]) {
    const found = /campaign:(\d+)/.exec(text || "");
    if (found) return Number(found[1]);
  }
  return 0;
}

const Rules = ({ found }) => html`<table><thead><tr><th scope="col">${t("rule")}</th><th scope="col" class="number">${t("rule.removed")}</th><th scope="col" class="number">${t("rule.left")}</th></tr></thead>
  <tbody>${found.rules.map((rule) => html`<tr class=${rule.removed >= found.space_size ? "wrong" : ""}><td>${rule.rule}</td><td class="number">${rule.estimated ? "≈ " : ""}${count(rule.removed)}</td><td class="number">${count(found.space_size - rule.removed)}</td></tr>`)}
    <tr><th scope="row">${t("rule.all")}</th><td class="number">${count(found.space_size - found.allowed)}</td><td class="number">${count(found.allowed)}</td></tr></tbody></table>`;

function Found({ found }) {
  return html`<dl class="list">
      <dt>${t("plan.change")}</dt><dd>${t(`plan.change.${found.change}`, { name: found.name })}</dd>
      <dt>${t("plan.targets")}</dt><dd>${found.targets.map((target) => `${t(`goal.${target.goal}`, { value: number(target.value) })} ${target.name}${target.unit ? ` (${target.unit})` : ""}`).join("; ")}</dd>
      <dt>${t("plan.space")}</dt><dd>${t("candidates.n", { n: count(found.space_size) })}${found.allowed < found.space_size ? `${t("list.comma")}${t("plan.allowed", { n: count(found.allowed) })}` : ""}</dd>
      <dt>${t("batch")}</dt><dd>${count(found.batch)} (${Object.entries(found.mix).map(([name, n]) => `${named("strategy", name)} ${n}`).join(t("list.comma"))})</dd>
      <dt>${t("plan.retrain")}</dt><dd>${retrainWords(found.retraining)}</dd><dt>${t("plan.ends")}</dt><dd>${endsWords(found.stop, found.targets[0])}</dd></dl>
    ${found.warnings.map((warning) => html`<p class="warning"><${Said} text=${warning} /></p>`)}
    ${found.withdraws.length ? html`<p class="warning">${t("plan.withdraws", { n: found.withdraws.length })}</p><ul>${found.withdraws.map((one) => html`<li>${nameOf(one.catalyst)}: <${Said} text=${one.reason} /></li>`)}</ul>` : null}
    ${found.rules.length ? html`<${Rules} found=${found} />` : null}
    ${found.diff ? html`<details><summary>${t("plan.diff")}</summary><pre>${found.diff}</pre></details>` : null}`;
}

const FirstBatch = ({ found, close }) => html`<${Dialog} title=${t("plan.batch")} close=${close} wide>
  <p>${t("plan.time", { seconds: seconds(found.estimate.plan_seconds), n: count(found.estimate.candidates) })}${!(found.price > 0) ? "" : ` ${t("plan.price", { price: number(found.price) })}`}</p>
  <table><thead><tr><th scope="col">${t("rank")}</th><th scope="col">${t("catalyst")}</th><th scope="col">${t("conditions")}</th><th scope="col">${t("strategy")}</th><th scope="col">${t("reason")}</th></tr></thead>
    <tbody>${found.first_batch.map((p) => html`<tr><td class="number">${p.rank}</td><td>${p.description}</td><td>${conditions(p.levels) || "–"}</td><td>${named("strategy", p.strategy)}</td><td class="wide"><${Reason} one=${p} target=${found.targets[0]} /></td></tr>`)}</tbody></table>
  <p class="quiet">${t("plan.nothing_changed")}</p><//>`;

// applied(answer) is called after the file was taken.
export function Editor({ first, applied }) {
  const [text, setText] = useState(first);
  const [found, setFound] = useState(null);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState(null);  // of a plan: the file may be applied all the same
  const [batch, setBatch] = useState(null);
  const gutter = useRef(null);
  const lines = useMemo(() => text.split("\n").length, [text]);
  const wrong = lineOf(error);
  useEffect(() => {
    setRefusal(null);
    const stop = new AbortController();
    const timer = setTimeout(() => {
      setBusy(true);
      plan(text, false, stop.signal).then(
        (answer) => { setFound(answer); setError(null); setBusy(false); },
        (refused) => { if (refused.name !== "AbortError") { setError(refused); setBusy(false); } },
      );
    }, 350);
    return () => { clearTimeout(timer); stop.abort(); };
  }, [text]);
  const look = async () => {
    setBusy(true);
    try {
      setBatch(await plan(text, true));
      setRefusal(null);
    } catch (refused) {
      setRefusal(refused);
    }
    setBusy(false);
  };
  const apply = async () => {
    setBusy(true);
    try {
      const answer = await ask("POST", "/v1/campaigns", { body: text, type: TYPE });
      tell(t(`apply.${answer.outcome}`, { name: answer.name }));
      if (applied) await applied(answer);
      go(["c", answer.name]);
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  return html`<div class="editor">
      <${CampaignForm} text=${text} setText=${setText} />
      <div class="source"><pre class="gutter" ref=${gutter} aria-hidden="true">${Array.from({ length: lines }, (_, i) => html`<span class=${i + 1 === wrong ? "wrong" : ""}>${i + 1}</span>`)}</pre>
        <textarea class="mono" spellcheck=${false} aria-label=${t("nav.file")} aria-invalid=${error ? "true" : "false"} value=${text} onInput=${(event) => setText(event.target.value)}
          onScroll=${(event) => { gutter.current.scrollTop = event.target.scrollTop; }}></textarea></div>
      <div class="found" aria-live="polite" aria-busy=${busy}>
        ${error ? html`<${Problem} error=${error} />` : found ? html`<${Found} found=${found} />` : html`<p class="quiet" role="status">${t("reading")}</p>`}
        <${Problem} error=${refusal} />
        <div class="buttons"><button disabled=${busy || Boolean(error)} onClick=${look}>${t("plan.button")}</button>
          ${may("campaigns") ? html`<button class="main" disabled=${busy || Boolean(error)} onClick=${apply}>${t("apply")}</button>` : null}</div>
      </div>
    </div>
    ${batch ? html`<${FirstBatch} found=${batch} close=${() => setBatch(null)} />` : null}`;
}
