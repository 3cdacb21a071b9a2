// What the model believes: parity, hypotheses over the batches, descriptors, and predictions against what was measured later.
import { html, useMemo } from "../html.js";
import { campaignPath, get, withQuery } from "../api.js";
import { Empty, Loaded } from "../parts/common.js";
import { Grid } from "../parts/grid.js";
import { axisName, count, interval, number, percent, steady, withUnit } from "../format.js";
import { Plot, plain } from "../plot.js";
import { setQuery } from "../route.js";
import { English } from "../sentences.js";
import { useData } from "../state.js";
import { named, t } from "../words.js";

// Predicted over measured, with intervals and the diagonal.
function parityPlot(points, property, unit, words) {
  const values = points.flatMap((point) => [point.measured, point.predicted]);
  const ends = [Math.min(...values), Math.max(...values)];
  const within = (point) => point.low <= point.measured && point.measured <= point.high;
  const trace = (list, name, colour, symbol) => ({
    type: "scatter", mode: "markers", name, x: list.map((p) => p.measured), y: list.map((p) => p.predicted),
    marker: { color: colour, symbol, size: 8 },
    error_y: { type: "data", symmetric: false, array: list.map((p) => p.high - p.predicted), arrayminus: list.map((p) => p.predicted - p.low), thickness: 1, width: 0, color: colour },
    hovertext: list.map((p) => `<b>${plain(p.description)}</b><br>${plain(t("parity.text", { measured: withUnit(p.measured, unit), predicted: withUnit(p.predicted, unit), interval: interval(p.low, p.high) }))}`), hoverinfo: "text",
  });
  return {
    data: [
      { type: "scatter", mode: "lines", x: ends, y: ends, line: { color: "#8a8a8a", dash: "dash", width: 1 }, hoverinfo: "skip", showlegend: false },
      trace(points.filter(within), t("parity.inside"), "#0072B2", "circle"),
      trace(points.filter((point) => !within(point)), t("parity.outside"), "#D55E00", "x"),
    ],
    layout: { xaxis: { title: { text: plain(t("measured.axis", { name: axisName(property, unit) })) } }, yaxis: { title: { text: plain(axisName(words, unit)) } } },
    table: [["catalyst", "measured", "predicted", "low", "high", "unit"], ...points.map((p) => [p.description, p.measured, p.predicted, p.low, p.high, unit])],
  };
}

export function Parity({ data }) {
  const drawn = useMemo(() => parityPlot(data.parity, data.property, data.unit, t("parity.axis")), [data]);
  return html`<div>
    <${Plot} title=${t(data.honest ? "plot.parity" : "plot.parity.optimistic", { name: data.property })} ...${drawn} height=${440}
      summary=${t("parity.summary", { n: count(data.parity.length), mae: withUnit(data.mae, data.unit) })} />
    <p class="quiet">${t(data.honest ? "parity.honest" : "parity.optimistic", { mae: withUnit(data.mae, data.unit), inside: percent(data.inside), coverage: percent(data.coverage) })}</p>
  </div>`;
}

export function Foretold({ name, target }) {
  const path = withQuery(campaignPath(name, "/foretold"), { property: target.name });
  const foretold = useData((signal) => get(path, { signal }), [path], { matters: (event) => event.campaign === name && ["measurement", "ingest", "model"].includes(event.object), pause: 1500 });
  const drawn = useMemo(() => foretold.data && parityPlot(foretold.data.points, target.name, target.unit, t("foretold.axis")), [foretold.data]);
  return html`<${Loaded} of=${foretold}>${(data) => (data.points.length === 0 ? html`<${Empty}>${t("foretold.none")}<//>` : html`<div>
    <${Plot} title=${t("plot.foretold", { name: target.name })} ...${drawn} height=${440} summary=${t("parity.summary", { n: count(data.points.length), mae: withUnit(data.mae, target.unit) })} />
    <p class="quiet">${t("foretold.text", { n: count(data.points.length), mae: withUnit(data.mae, target.unit), inside: percent(data.inside), coverage: percent(data.coverage) })}</p></div>`)}<//>`;
}

const LINES = { dropped: ["#9a9a9a", 0.8, 0.45], dormant: ["#56B4E9", 1, 0.6], eliminated: ["#D55E00", 1.4, 0.7], alive: ["#0072B2", 1.4, 0.7] };

// Figure 2 of the paper: each line begins with what leave-one-out promised.
function hypothesesPlot(record) {
  const data = [];
  for (const state of Object.keys(LINES)) {
    const [colour, width, opacity] = LINES[state];
    const lines = record.hypotheses.filter((one) => one.state === state);
    // One trace of all lines of a state, with gaps between them: a thousand traces would be slow.
    const x = [], y = [], text = [];
    for (const one of lines) {
      if (one.errors.length === 0) continue;
      const words = `${named("hypothesis", state)}<br>${one.descriptors.map(plain).join("<br>")}`;
      x.push(one.errors[0].batch - 1);
      y.push(one.promised);
      text.push(`${words}<br>${plain(t("hypotheses.promised", { value: withUnit(one.promised, record.unit) }))}`);
      for (const error of one.errors) {
        x.push(error.batch);
        y.push(error.mae);
        text.push(`${words}<br>${plain(t("hypotheses.error", { n: error.batch, value: withUnit(error.mae, record.unit) }))}`);
      }
      x.push(null);
      y.push(null);
      text.push("");
    }
    data.push({ type: "scatter", mode: "lines+markers", name: `${named("hypothesis", state)} (${lines.length})`, x, y, opacity, line: { color: colour, width }, marker: { size: 4, color: colour }, hovertext: text, hoverinfo: "text", connectgaps: false });
  }
  data.push({ type: "scatter", mode: "lines+markers", name: t("hypotheses.model"), x: record.batches.map((b) => b.batch), y: record.batches.map((b) => b.mae_ensemble), line: { color: "#E69F00", width: 3 }, marker: { size: 8 },
    hovertext: record.batches.map((b) => plain(t("hypotheses.error", { n: b.batch, value: withUnit(b.mae_ensemble, record.unit) }))), hoverinfo: "text" });
  return data;
}

export function Hypotheses({ name, target, state }) {
  const path = withQuery(campaignPath(name, "/hypotheses"), { property: target.name });
  const record = useData((signal) => get(path, { signal }), [path], { matters: (event) => event.campaign === name && event.object === "model", pause: 1500 });
  const data = useMemo(() => record.data && hypothesesPlot(record.data), [record.data]);
  const columns = useMemo(() => [
    { id: "state", name: t("state"), value: (h) => h.state, show: (h) => named("hypothesis", h.state) },
    { id: "promised", name: axisName(t("hypotheses.column.promised"), target.unit), number: true, value: (h) => h.promised, show: (h) => steady(h.promised) },
    { id: "mae", name: axisName(t("hypotheses.column.mae"), target.unit), number: true, value: (h) => h.mae, show: (h) => steady(h.mae) },
    { id: "n", name: t("hypotheses.column.n"), number: true, value: (h) => h.n, show: (h) => count(h.n) },
    { id: "descriptors", name: t("descriptors"), wide: true, sortable: false, show: (h) => html`<span class="formulas">${h.descriptors.map((d) => html`<code>${d}</code> `)}</span>` },
    ...(state === "eliminated" ? [{ id: "why", name: t("hypotheses.column.why"), wide: true, sortable: false, show: (h) => t("hypotheses.killed", { promised: withUnit(h.promised, target.unit), mae: withUnit(h.mae, target.unit), n: h.n }) }] : []),
  ], [state, target.unit]);
  return html`<${Loaded} of=${record}>${(found) => (found.hypotheses.length === 0 ? html`<${Empty}>${t("hypotheses.none")}<//>` : html`
    <${Plot} title=${t("plot.hypotheses", { name: target.name })} data=${data} height=${460}
      layout=${{ xaxis: { title: { text: t("plot.batch") }, dtick: 1, tickformat: "d" }, yaxis: { title: { text: plain(axisName(t("mean_error"), found.unit)) }, rangemode: "tozero" } }}
      table=${[["state", "descriptors", "promised", "batch", "n", "mae"], ...found.hypotheses.flatMap((h) => h.errors.map((e) => [h.state, h.descriptors.join("; "), h.promised, e.batch, e.n, e.mae]))]}
      summary=${t("hypotheses.summary", { n: count(found.hypotheses.length), batches: count(found.batches.length) })} />
    <p class="quiet">${t("hypotheses.help")}</p>
    <div class="choices" role="group" aria-label=${t("state")}>${["", ...Object.keys(LINES).reverse()].map((one) => html`<button aria-pressed=${state === one} onClick=${() => setQuery({ state: one })}>${one ? named("hypothesis", one) : t("all")}</button>`)}</div>
    <${Grid} label=${t("tab.hypotheses")} columns=${columns} rows=${found.hypotheses.filter((h) => !state || h.state === state)} id=${(h) => h.descriptors.join(" ")} />`)}<//>`;
}

const formula = (best) => html`<div class="formula">${best.descriptors.map((d, i) => html`<div><span class="number">${d.effect < 0 ? "−" : i === 0 ? "" : "+"}${number(Math.abs(d.effect), 3)}</span> · <code>${d.descriptor}</code><span class="quiet"> <${English}>${d.words}<//></span></div>`)}</div>`;

export function Descriptors({ data }) {
  const columns = useMemo(() => [
    { id: "descriptor", name: t("descriptors.column.descriptor"), value: (d) => d.descriptor, show: (d) => html`<code>${d.descriptor}</code>` },
    { id: "words", name: t("descriptors.column.words"), wide: true, sortable: false, show: (d) => html`<${English}>${d.words}<//>` },
    { id: "chosen", name: t("descriptors.column.chosen"), number: true, value: (d) => d.share, show: (d) => t("descriptors.chosen", { n: d.chosen, of: data.hypotheses, share: percent(d.share) }) },
    { id: "effect", name: axisName(t("descriptors.column.effect"), data.unit), number: true, value: (d) => Math.abs(d.effect), show: (d) => steady(d.effect, 3) },
  ], [data]);
  const top = data.descriptors.slice(0, 30);
  const history = useMemo(() => (data.history.length < 2 ? null : [{
    type: "heatmap", x: data.history.map((one) => `v${one.version}`), y: top.map((d) => d.descriptor).reverse(),
    z: top.map((d) => data.history.map((one) => 100 * (one.shares[d.descriptor] || 0))).reverse(), colorscale: "Cividis", zmin: 0, xgap: 1, ygap: 1, colorbar: { title: { text: "%" }, thickness: 12 },
    hovertemplate: "%{y}<br>%{x}: %{z:.0f} %<extra></extra>",
  }]), [data]);
  return html`<h2>${t("descriptors.best")}</h2>
    <p>${t("descriptors.formula", { name: data.property, usual: withUnit(data.best.usual, data.unit) })}</p>
    ${formula(data.best)}
    <h2>${t("descriptors.all")}</h2>
    <${Grid} label=${t("descriptors.all")} columns=${columns} rows=${data.descriptors} id=${(d) => d.descriptor} />
    ${history ? html`<${Plot} title=${t("plot.history")} data=${history} layout=${{ xaxis: { title: { text: t("plot.version") } }, margin: { l: 220, r: 10, t: 10, b: 40 } }} height=${Math.max(320, 22 * top.length + 80)}
      table=${[["descriptor", ...data.history.map((one) => `version ${one.version}`)], ...top.map((d) => [d.descriptor, ...data.history.map((one) => one.shares[d.descriptor] || 0)])]} />` : null}`;
}
