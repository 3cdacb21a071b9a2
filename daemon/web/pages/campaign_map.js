// Where the campaign has been: the space of candidates in two dimensions, with what was measured, is being made and is proposed.
import { html, useMemo } from "../html.js";
import { campaignPath, get, withQuery } from "../api.js";
import { Loaded } from "../parts/common.js";
import { axisName, conditions, count, percent, withUnit } from "../format.js";
import { Plot, plain } from "../plot.js";
import { English } from "../sentences.js";
import { useData } from "../state.js";
import { t } from "../words.js";

const MARKS = {
  proposed: { symbol: "diamond-open", size: 12, color: "#D55E00", line: { width: 2 } },
  pending: { symbol: "square-open", size: 12, color: "#CC79A7", line: { width: 2 } },
};

function background({ density, sampled, candidates }) {
  const { x0, x1, y0, y1, counts } = density;
  const places = (from, to, cells) => Array.from({ length: cells }, (_, i) => from + ((i + 0.5) * (to - from)) / cells);
  const of = candidates / sampled;
  return {
    type: "heatmap", name: t("map.candidates"), x: places(x0, x1, counts[0].length), y: places(y0, y1, counts.length),
    // The root shows sparse cells beside dense ones.
    z: counts.map((row) => row.map((n) => (n === 0 ? null : Math.sqrt(n)))), showscale: false, hoverongaps: false,
    colorscale: [[0, "rgba(128,128,128,0.10)"], [1, "rgba(128,128,128,0.60)"]], xgap: 1, ygap: 1,
    text: counts.map((row) => row.map((n) => plain(t(of > 1 ? "map.cell.about" : "map.cell", { n: count(Math.round(n * of)) })))), hoverinfo: "text",
  };
}

function drawing(data) {
  const text = (point) => [`<b>${plain(point.description)}</b>`, plain(point.value === null ? t(`map.${point.state}`) : withUnit(point.value, data.unit)), plain(conditions(point.conditions))].filter(Boolean).join("<br>");
  const trace = (state, marker) => {
    const points = data.points.filter((point) => point.state === state);
    return { type: "scatter", mode: "markers", name: `${t(`map.${state}`)} (${count(points.length)})`, x: points.map((p) => p.x), y: points.map((p) => p.y), hovertext: points.map(text), hoverinfo: "text",
      marker: marker ?? { size: 8, color: points.map((p) => p.value), colorscale: "Cividis", line: { width: 0.5, color: "#ffffff" }, colorbar: { title: { text: plain(axisName(data.property, data.unit)), side: "right" }, thickness: 12 } } };
  };
  const axis = (k) => ({ title: { text: data.axes[k] ? t("map.axis", { n: k + 1, share: percent(data.axes[k].share) }) : "" }, zeroline: false });
  return {
    data: [background(data), trace("measured"), trace("pending", MARKS.pending), trace("proposed", MARKS.proposed)],
    layout: { xaxis: axis(0), yaxis: axis(1) },
    table: [["x", "y", "state", "catalyst", "conditions", "value", "unit"], ...data.points.map((p) => [p.x, p.y, p.state, p.description, conditions(p.conditions), p.value, data.unit])],
  };
}

function Drawn({ data }) {
  const drawn = useMemo(() => drawing(data), [data]);
  const of = (state) => data.points.filter((point) => point.state === state).length;
  return html`<${Plot} title=${t("plot.map")} ...${drawn} height=${560}
      summary=${t("map.summary", { measured: count(data.measured), pending: count(of("pending")), proposed: count(of("proposed")), candidates: count(data.candidates) })} />
    <p class="quiet">${t("map.help", { candidates: count(data.candidates) })}</p>
    <dl class="list">${data.axes.map((axis, k) => html`<dt>${t("map.axis", { n: k + 1, share: percent(axis.share) })}</dt><dd><${English}>${axis.descriptors.join("; ")}<//></dd>`)}</dl>`;
}

export function CoverageMap({ name, target }) {
  const path = withQuery(campaignPath(name, "/coverage"), { property: target.name });
  const coverage = useData((signal) => get(path, { signal }), [path], { matters: (event) => event.campaign === name && ["measurement", "proposal", "batch", "campaign"].includes(event.object), pause: 2500 });
  return html`<${Loaded} of=${coverage}>${(data) => html`<${Drawn} data=${data} />`}<//>`;
}
