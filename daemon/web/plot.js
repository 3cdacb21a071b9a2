// The one place that draws with Plotly: loaded when the first plot is shown, coloured by the page's theme, and with nothing
// that leaves this machine. Plotly 4 offers to upload a figure unless it is told not to.
import { html, useEffect, useRef, useState } from "./html.js";
import { csv, download } from "./format.js";
import { t } from "./words.js";

const CONFIG = {
  showSendToCloud: false,
  plotlyServerURL: "",
  showEditInChartStudio: false,
  sendData: false,
  displaylogo: false,
  responsive: true,
  displayModeBar: "hover",
  modeBarButtonsToRemove: ["sendDataToCloud", "sendChartToCloud", "editInChartStudio", "lasso2d", "select2d", "toImage", "autoScale2d"],
};

let loading = null;
function library() {
  loading ??= new Promise((done, fail) => {
    const script = document.createElement("script");
    script.src = new URL("vendor/plotly.js", import.meta.url);
    script.onload = () => done(globalThis.Plotly);
    script.onerror = () => fail(new Error("plotly.js"));
    document.head.append(script);
  });
  return loading;
}

// Plotly reads a few tags in its texts: names are shown as they are written.
export const plain = (text) => String(text ?? "").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Lines and points on a dark ground: the same hues, lighter.
const ON_DARK = { "#0072B2": "#4DA6E8", "#D55E00": "#FF8A4C", "#009E73": "#35CFA5", "#56B4E9": "#B9E2FF", "#8a8a8a": "#a8b3c0", "#9a9a9a": "#a8b3c0" };
function onGround(value) {
  if (typeof value === "string") return ON_DARK[value] ?? value;
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, ["x", "y", "z", "text", "hovertext", "name"].includes(name) ? one : onGround(one)]));
}
const drawn = (data) => (getComputedStyle(document.documentElement).colorScheme === "dark" ? data.map(onGround) : data);

function themed(layout) {
  const grid = colour("--line");
  const axis = { gridcolor: grid, zerolinecolor: grid, linecolor: grid, automargin: true };
  const own = {};
  for (const name of Object.keys(layout)) {
    if (/^[xy]axis\d*$/.test(name)) own[name] = { ...axis, ...layout[name] };
  }
  return {
    xaxis: axis,
    yaxis: axis,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: colour("--text") },
    hoverlabel: { bgcolor: colour("--raised"), bordercolor: grid, font: { color: colour("--text"), size: 13 }, align: "left" },
    margin: { l: 56, r: 12, t: 10, b: 48 },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
    hovermode: "closest",
    ...layout,
    ...own,
  };
}

// The words of an axis in as many lines as the plot is too narrow for; Japanese breaks between its signs.
function folded(text, width) {
  const most = Math.max(12, Math.floor(width / 8.5));
  const parts = text.match(/[\u3000-\u9fff\uff00-\uffef]|[^\s\u3000-\u9fff\uff00-\uffef]+\s*/g) || [];
  const size = (line) => [...line].reduce((sum, sign) => sum + (sign > "\u2fff" ? 2 : 1), 0);
  return parts.reduce((lines, part) => {
    const last = lines[lines.length - 1];
    return size(last + part.trimEnd()) > most && last ? [...lines, part] : [...lines.slice(0, -1), last + part];
  }, [""]).map((line) => line.trimEnd()).join("<br>");
}

function fold(layout, width, height) {
  const out = { ...layout };
  for (const name of Object.keys(layout)) {
    const title = /^([xy])axis\d*$/.test(name) && layout[name].title;
    if (title?.text) out[name] = { ...layout[name], title: { ...title, text: folded(title.text, (name[0] === "x" ? width : height) - 90) } };
  }
  return out;
}

const draw = (Plotly, place, data, layout, height) => Plotly.react(place, drawn(data), { ...themed(fold(layout, place.clientWidth, height)), height }, CONFIG);

// A large screen gives its plots more of its height.
const tall = (height) => (innerWidth >= 2000 ? Math.max(height, Math.round(innerHeight * 0.48)) : height);

// title: said to screen readers and used for file names. table: rows with a heading, for CSV and for those who cannot see.
export function Plot({ title, data, layout = {}, table = [], height: least = 380, summary = "" }) {
  const height = tall(least);
  const place = useRef(null);
  const [error, setError] = useState(null);
  const [shown, setShown] = useState(false);
  const theme = document.documentElement.dataset.theme;
  useEffect(() => {
    let gone = false;
    library().then(
      (Plotly) => {
        if (gone || !place.current) return;
        draw(Plotly, place.current, data, layout, height).then(() => setShown(true));
      },
      () => setError(t("plot.failed")),
    );
    return () => {
      gone = true;
    };
  }, [data, layout, height, theme]);
  useEffect(() => {
    const again = () => place.current?.data && draw(globalThis.Plotly, place.current, data, layout, height);
    const query = matchMedia("(prefers-color-scheme: dark)");
    query.addEventListener("change", again);
    return () => query.removeEventListener("change", again);
  }, [data, layout, height]);
  useEffect(() => () => place.current && globalThis.Plotly?.purge(place.current), []);
  const name = title.replace(/[^\p{L}\p{N}]+/gu, "-").toLowerCase();
  const image = async (format) => {
    const Plotly = await library();
    const width = Math.max(900, place.current.clientWidth);
    const url = await Plotly.toImage(place.current, { format, width, height: Math.max(height, 500), scale: format === "png" ? 2 : 1 });
    const blob = format === "svg" ? new Blob([decodeURIComponent(url.slice(url.indexOf(",") + 1))], { type: "image/svg+xml" }) : await toBlob(url);
    download(`${name}.${format}`, blob);
  };
  return html`<figure class="plot" role="group" aria-label=${title}>
    <div class="plot-head">
      <figcaption>${title}</figcaption>
      <div class="plot-tools" role="group" aria-label=${t("plot.export", { title })}>
        ${["svg", "png"].map((format) => html`<button class="small" disabled=${!shown} onClick=${() => image(format)}>${format.toUpperCase()}</button>`)}
        <button class="small" disabled=${table.length === 0} onClick=${() => download(`${name}.csv`, csv(table))}>CSV</button>
      </div>
    </div>
    ${error ? html`<p class="problem" role="alert">${error}</p>` : null}
    ${summary ? html`<p class="hidden-text">${summary}</p>` : null}
    <div class="plot-place" style=${{ minHeight: `${height}px` }} ref=${place}></div>
  </figure>`;
}

function toBlob(url) {
  const bytes = atob(url.slice(url.indexOf(",") + 1));
  return new Blob([Uint8Array.from(bytes, (c) => c.charCodeAt(0))], { type: "image/png" });
}
