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
        Plotly.react(place.current, data, { ...themed(layout), height }, CONFIG).then(() => setShown(true));
      },
      () => setError(t("plot.failed")),
    );
    return () => {
      gone = true;
    };
  }, [data, layout, height, theme]);
  useEffect(() => {
    const again = () => place.current?.data && globalThis.Plotly.relayout(place.current, themed(layout));
    const query = matchMedia("(prefers-color-scheme: dark)");
    query.addEventListener("change", again);
    return () => query.removeEventListener("change", again);
  }, [layout]);
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
