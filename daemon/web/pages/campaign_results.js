// What was measured: the best so far over the batches, elements, and two targets against each other.
import { html, useMemo } from "../html.js";
import { campaignPath, get, withQuery } from "../api.js";
import { Empty, Loaded } from "../parts/common.js";
import { PeriodicTable } from "../parts/periodic.js";
import { axisName, colourOf, conditions, count, number, steadyWithUnit, symbolOf, withUnit } from "../format.js";
import { Plot, plain } from "../plot.js";
import { link } from "../route.js";
import { useData } from "../state.js";
import { named, t } from "../words.js";

const POINTS = 5000;
const BAND = ["rgba(128,128,128,0.10)", "rgba(128,128,128,0)"];

const pointText = (point, unit) =>
  [`<b>${plain(point.description)}</b>`, plain(withUnit(point.value, unit)), plain(conditions(point.conditions)),
    plain(`${point.batch ? t("batch.n", { n: point.batch }) : t("not_proposed")}, ${named("strategy", point.strategy)}${point.replicates > 1 ? `, ${t("replicates.n", { n: point.replicates })}` : ""}`)]
    .filter(Boolean).join("<br>");

// Steps of the best so far; bands for the batches; every measurement, or bins where there are too many to draw.
function drawing(progress) {
  const data = [];
  if (progress.bins.length > 0) {
    const x = progress.bins.map((bin) => (bin.from + bin.to) / 2);
    data.push({ type: "scatter", mode: "lines", x, y: progress.bins.map((bin) => bin.high), line: { width: 0 }, hoverinfo: "skip", showlegend: false });
    data.push({ type: "scatter", mode: "lines", x, y: progress.bins.map((bin) => bin.low), fill: "tonexty", fillcolor: "rgba(0,114,178,0.25)", line: { width: 0 }, name: t("plot.range"), hoverinfo: "skip" });
    data.push({ type: "scatter", mode: "lines", x, y: progress.bins.map((bin) => bin.mean), line: { color: "#0072B2", width: 1.5 }, name: t("plot.mean"),
      hovertext: progress.bins.map((bin) => t("plot.bin", { from: count(bin.from), to: count(bin.to), mean: number(bin.mean), low: number(bin.low), high: number(bin.high) })), hoverinfo: "text" });
  }
  const strategies = [...new Set(progress.points.map((point) => point.strategy))];
  for (const strategy of strategies) {
    const points = progress.points.filter((point) => point.strategy === strategy);
    data.push({ type: "scatter", mode: "markers", name: named("strategy", strategy), x: points.map((p) => p.n), y: points.map((p) => p.value),
      marker: { color: colourOf(strategy), symbol: symbolOf(strategy), size: 8, opacity: 0.85 }, hovertext: points.map((p) => pointText(p, progress.unit)), hoverinfo: "text" });
  }
  if (progress.random.length > 1) {
    data.push({ type: "scatter", mode: "lines", line: { width: 1.5, dash: "dash", color: "#8a8a8a" }, name: t("plot.random"), x: progress.random.map((one) => one.n), y: progress.random.map((one) => one.value),
      hovertext: progress.random.map((one) => plain(t("plot.random.text", { n: count(one.n), value: withUnit(one.value, progress.unit) }))), hoverinfo: "text" });
  }
  const steps = progress.best;
  if (steps.length > 0) {
    const x = [...steps.map((step) => step.n), progress.total];
    const y = [...steps.map((step) => step.value), steps[steps.length - 1].value];
    data.push({ type: "scatter", mode: "lines", line: { shape: "hv", width: 2.5, color: "#E69F00" }, name: t("plot.best"), x, y,
      hovertext: [...steps, steps[steps.length - 1]].map((step) => `<b>${plain(step.description)}</b><br>${plain(withUnit(step.value, progress.unit))}`), hoverinfo: "text" });
  }
  const shapes = progress.batches.map((batch, i) => ({ type: "rect", xref: "x", yref: "paper", layer: "below", line: { width: 0 }, x0: batch.first - 0.5, x1: batch.last + 0.5, y0: 0, y1: 1, fillcolor: BAND[i % 2] }));
  if (progress.hit_threshold !== null) {
    shapes.push({ type: "line", xref: "paper", x0: 0, x1: 1, y0: progress.hit_threshold, y1: progress.hit_threshold, line: { dash: "dot", width: 1.5, color: "#009E73" } });
  }
  const shown = progress.batches.length <= 24 ? progress.batches : [];
  const annotations = shown.map((batch) => ({ xref: "x", yref: "paper", x: (batch.first + batch.last) / 2, y: 0, yanchor: "bottom", showarrow: false, text: String(batch.number), font: { size: 11 }, opacity: 0.7 }));
  return { data, layout: { shapes, annotations, xaxis: { title: { text: t("plot.order") } }, yaxis: { title: { text: plain(axisName(progress.property, progress.unit)) } } } };
}

const Best = ({ progress }) => {
  const { data, layout } = useMemo(() => drawing(progress), [progress]);
  const table = useMemo(() => [["n", "catalyst", "conditions", `value`, "unit", "batch", "strategy", "measurement"],
    ...progress.points.map((p) => [p.n, p.description, conditions(p.conditions), p.value, progress.unit, p.batch, p.strategy, p.measurement]),
    ...progress.bins.map((b) => [`${b.from}-${b.to}`, "", "", b.mean, progress.unit, "", "mean", ""]),
    ...progress.random.map((one) => [one.n, "", "", one.value, progress.unit, "", "random order", ""])], [progress]);
  const last = progress.best[progress.best.length - 1];
  return html`<${Plot} title=${t("plot.progress", { name: progress.property })} data=${data} layout=${layout} table=${table} height=${420}
    summary=${t("plot.progress.summary", { n: count(progress.total), best: withUnit(last.value, progress.unit), catalyst: last.description })} />`;
};

// What brings the first results.
const nextOf = (name) => [[t("tab.import"), link(["c", name, "data"], { tab: "import" })], [t("nav.proposals"), link(["c", name, "proposals"])]];

export function Progress({ name, target }) {
  const path = withQuery(campaignPath(name, "/progress"), { property: target.name, points: POINTS });
  const progress = useData((signal) => get(path, { signal }), [path], { matters: (event) => event.campaign === name && ["measurement", "ingest", "proposal"].includes(event.object), pause: 1200 });
  return html`<${Loaded} of=${progress}>${(data) => (data.total === 0 ? html`<${Empty} next=${nextOf(name)}>${t("nothing_measured")}<//>` : html`
    <div class="results"><div><${Best} progress=${data} />
    ${data.random.length > 1 ? html`<p class="quiet">${t("plot.random.help")}</p>` : null}</div>
    <div><h2>${t("best_catalysts")}</h2>
    <ol class="best">${data.top.map((item) => html`<li><strong>${steadyWithUnit(item.value, data.unit)}</strong> ${item.description}${" "}
      <span class="quiet">${[conditions(item.conditions), item.replicates > 1 ? t("replicates.n", { n: item.replicates }) : null].filter(Boolean).join("; ")}</span></li>`)}</ol></div></div>`)}<//>`;
}

export function Elements({ name, target, view }) {
  const path = withQuery(campaignPath(name, "/elements"), { property: target.name });
  const elements = useData((signal) => get(path, { signal }), [path], { matters: (event) => event.campaign === name && event.object === "measurement", pause: 2000 });
  return html`<${Loaded} of=${elements}>${(data) => html`<div class="results"><${PeriodicTable} data=${data} goal=${target.goal} view=${view} />
    ${data.supports.length > 0 ? html`<div><h2>${t("supports")}</h2><ul class="bars supports">${data.supports.map((support) => html`<li style=${{ "--share": support.share }}>
      <span>${support.name}</span><span>${t("supports.line", { n: count(support.catalysts), best: withUnit(support.best, data.unit), mean: withUnit(support.mean, data.unit) })}</span></li>`)}</ul></div>` : null}</div>`}<//>`;
}

const LEVELS = [5, 10, 15, 20, 25, 30];

// Isolines of the product, as papers on selectivity and conversion draw them.
function isolines(x, y) {
  const lines = [];
  for (const level of LEVELS) {
    const points = Array.from({ length: 60 }, (_, i) => 1 + i * (99 / 59)).map((value) => [value, (100 * level) / value]).filter((p) => p[1] <= 100);
    lines.push({ type: "scatter", mode: "lines", x: points.map((p) => p[0]), y: points.map((p) => p[1]), line: { color: "#8a8a8a", width: 1, dash: "dot" }, name: t("front.levels", { levels: LEVELS.join(t("list.comma")) }), showlegend: level === LEVELS[0], hovertext: `${level} %`, hoverinfo: "text" });
  }
  return /conversion|^X_/i.test(x) && /selectivity|^S_/i.test(y) ? lines : [];
}

export function TwoTargets({ name, targets }) {
  const [first, second] = targets;
  const path = withQuery(campaignPath(name, "/front"), { x: first.name, y: second.name });
  const front = useData((signal) => get(path, { signal }), [path], { matters: (event) => event.campaign === name && event.object === "measurement", pause: 2000 });
  const drawn = useMemo(() => {
    if (!front.data) return null;
    const best = front.data.points.filter((point) => point.front).sort((a, b) => a.x - b.x);
    const text = (p) => `<b>${plain(p.description)}</b><br>${plain(withUnit(p.x, first.unit))}, ${plain(withUnit(p.y, second.unit))}<br>${plain(conditions(p.conditions))}`;
    const marks = (points, words, extra) => ({ type: "scatter", mode: "markers", name: words, x: points.map((p) => p.x), y: points.map((p) => p.y), hovertext: points.map(text), hoverinfo: "text", ...extra });
    return [...isolines(first.name, second.name),
      marks(front.data.points.filter((point) => !point.front), t("front.others"), { marker: { color: "#0072B2", size: 8, opacity: 0.7 } }),
      marks(best, t("front.front"), { mode: "markers+lines", line: { shape: "linear", dash: "dash", width: 1 }, marker: { color: "#D55E00", size: 11, symbol: "diamond" } })];
  }, [front.data]);
  if (!drawn) return html`<${Loaded} of=${front}>${() => null}<//>`;
  const table = [[first.name, second.name, "catalyst", "conditions", "front"], ...front.data.points.map((p) => [p.x, p.y, p.description, conditions(p.conditions), p.front])];
  return html`<${Plot} title=${t("plot.front", { x: first.name, y: second.name })} data=${drawn} table=${table}
    layout=${{ xaxis: { title: { text: plain(axisName(first.name, first.unit)) } }, yaxis: { title: { text: plain(axisName(second.name, second.unit)) } } }} />`;
}
