// Numbers, times and catalysts as people read them.
import { language, t } from "./words.js";

// Four digits are what a measurement is worth.
export function number(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  return new Intl.NumberFormat(language(), { maximumSignificantDigits: digits, useGrouping: size >= 1e4 }).format(value);
}

export const count = (value) => new Intl.NumberFormat(language()).format(value ?? 0);
// A number and its short unit stay in one line.
const gap = (unit) => (unit.length > 3 ? " " : "\u00a0");
const given = (value) => value !== null && value !== undefined && !Number.isNaN(value);
// Of a model's summary: the verdict's error, where there is one, in which each catalyst counts once.
export const errorOnUnseen = (summary) => summary?.verdict?.mae ?? summary?.mae_honest;
export const withUnit = (value, unit) => (unit && given(value) ? `${number(value)}${gap(unit)}${unit}` : number(value));

// Below each other in a column: as many digits whether the last of them are noughts or not. Whole numbers stay whole.
export function steady(value, digits = 4) {
  const size = Math.abs(value);
  if (!given(value) || !Number.isFinite(value) || Number.isInteger(value) || size < 1e-3 || size >= 10 ** digits) return number(value, digits);
  return new Intl.NumberFormat(language(), { minimumSignificantDigits: digits, maximumSignificantDigits: digits }).format(value);
}
export const steadyWithUnit = (value, unit) => (unit && given(value) ? `${steady(value)}${gap(unit)}${unit}` : steady(value));
// "+1.83 %".
export const signed = (value, unit) => (given(value) ? `${value > 0 ? "+" : ""}${number(value, 3)}${unit ? `${gap(unit)}${unit}` : ""}` : "–");

export const interval = (low, high) => (low === null || low === undefined ? "–" : `${steady(low, 3)} … ${steady(high, 3)}`);
export const percent = (share) => (share === null || share === undefined ? "–" : `${Math.round(100 * share)}\u00a0%`);

export function time(text) {
  if (!text) return "–";
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(text));
}

export function ago(text) {
  if (!text) return "–";
  const seconds = (Date.now() - new Date(text).getTime()) / 1000;
  const relative = new Intl.RelativeTimeFormat(language(), { numeric: "auto" });
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return relative.format(-Math.round(seconds / size), unit);
  }
  return t("time.now");
}

export function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (value < 1) return t("time.under_second");
  if (value < 90) return t("time.seconds", { n: Math.round(value) });
  if (value < 5400) return t("time.minutes", { n: Math.round(value / 60) });
  return t("time.hours", { n: number(value / 3600, 2) });
}

// Units that names of conditions end with.
const UNITS = { C: "°C", K: "K", h: "h", min: "min", s: "s", bar: "bar", MPa: "MPa", kPa: "kPa", mL_min: "mL/min", percent: "%", mg: "mg", g: "g", V: "V" };

// "temperature_C": ["temperature", "°C"]; a name without a unit: ["CH4 O2 ratio", ""].
function nameAndUnit(name) {
  for (const [ending, unit] of Object.entries(UNITS)) {
    if (name.endsWith(`_${ending}`) && !(ending === "min" && name.endsWith("_mL_min"))) return [name.slice(0, -ending.length - 1).replaceAll("_", " "), ` ${unit}`];
  }
  return [name.replaceAll("_", " "), ""];
}

// "temperature (°C)".
export const conditionName = (name) => axisName(...nameAndUnit(name).map((one) => one.trim()));

// "temperature 800 °C, CH4 O2 ratio 2"; empty where there are none.
export function conditions(values) {
  return Object.entries(values || {})
    .map(([name, value]) => {
      const [words, unit] = nameAndUnit(name);
      return `${words} ${number(value)}${unit}`;
    })
    .join(", ");
}

export const axisName = (property, unit) => (unit ? `${property} (${unit})` : property);

// The colours of Okabe and Ito, which people with any colour vision tell apart.
export const COLOURS = {
  exploit: "#D55E00",
  explore: "#0072B2",
  challenge: "#009E73",
  recheck: "#CC79A7",
  reference: "#8a8a8a",
  bridge: "#56B4E9",
  random: "#7A6FD0",
  manual: "#E69F00",
  amended: "#E69F00",
  given: "#8a8a8a",
};
export const SYMBOLS = {
  exploit: "triangle-up",
  explore: "circle",
  challenge: "diamond",
  recheck: "square",
  bridge: "pentagon",
  random: "hexagon",
  reference: "cross",
  manual: "star",
  amended: "star",
  given: "x-thin-open",
};
export const colourOf = (strategy) => COLOURS[strategy] || COLOURS.given;
export const symbolOf = (strategy) => SYMBOLS[strategy] || "circle";

const cell = (value) => {
  // A spreadsheet would take these for formulas.
  const text = value === null || value === undefined ? "" : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};
export const csv = (rows) => rows.map((row) => row.map(cell).join(",") + "\n").join("");

export function download(name, text, type = "text/csv;charset=utf-8") {
  const link = document.createElement("a");
  const blob = text instanceof Blob ? text : new Blob([text], { type });
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
