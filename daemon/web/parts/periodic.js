// The periodic table, coloured by what was measured of each element.
import { html, useState } from "../html.js";
import { count, signed, steady, withUnit } from "../format.js";
import { setQuery } from "../route.js";
import { t } from "../words.js";

const ROWS = [
  "H . . . . . . . . . . . . . . . . He",
  "Li Be . . . . . . . . . . B C N O F Ne",
  "Na Mg . . . . . . . . . . Al Si P S Cl Ar",
  "K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr",
  "Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe",
  "Cs Ba La Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn",
  ". . . Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu .",
].map((row) => row.split(" "));

// From blue over grey to orange; `share` from -1 to 1, or from 0 to 1 where nothing is below.
function shade(share, diverging) {
  if (!Number.isFinite(share)) return "transparent";
  const strength = Math.round(Math.min(1, Math.abs(share)) * 40 + 8);
  const colour = diverging && share < 0 ? "var(--blue)" : diverging ? "var(--orange)" : "var(--blue)";
  return `color-mix(in srgb, ${colour} ${strength}%, var(--raised))`;
}

const VIEWS = {
  effect: { value: (e) => e.effect, diverging: true, digits: 2 },
  best: { value: (e) => e.best, diverging: false, digits: 3 },
  coverage: { value: (e) => e.catalysts, diverging: false, digits: 4 },
};

// view: one of VIEWS, as the address tells it.
export function PeriodicTable({ data, goal, view: wanted }) {
  const view = Object.hasOwn(VIEWS, wanted ?? "") ? wanted : "effect";
  const [shown, setShown] = useState(null);
  const { value, diverging, digits } = VIEWS[view];
  const elements = new Map(data.elements.map((e) => [e.symbol, e]));
  const values = data.elements.map(value).filter((v) => v !== null && v !== undefined);
  const least = Math.min(...values);
  const most = diverging ? Math.max(...values.map(Math.abs), 1e-12) : Math.max(...values);
  const sign = diverging && goal === "minimize" ? -1 : 1;
  const share = (e) => (diverging ? (sign * value(e)) / most : most > least ? (value(e) - least) / (most - least) : 1);
  const text = (e) => (e.measurements > 0 ? steady(value(e), digits) : "·");
  const sentence = (e) =>
    e.measurements > 0
      ? t("periodic.sentence", { symbol: e.symbol, catalysts: count(e.catalysts), best: withUnit(e.best, data.unit), effect: signed(e.effect, data.unit) })
      : t("periodic.none", { symbol: e.symbol });
  const seen = shown || data.elements[0]?.symbol;
  return html`<div class="periodic">
    <div class="choices" role="group" aria-label=${t("periodic.by")}>
      ${Object.keys(VIEWS).map((name) => html`<button aria-pressed=${view === name} onClick=${() => setQuery({ view: name })}>${t(`periodic.${name}`)}</button>`)}
    </div>
    <div class="elements" role="group" tabindex="0" aria-label=${t("periodic.title")}>
      ${ROWS.flatMap((row, y) => row.map((symbol, x) => {
        if (symbol === ".") return null;
        const e = elements.get(symbol);
        const place = { gridColumn: x + 1, gridRow: y + 1 + (y === 6 ? 1 : 0) };
        if (!e) return html`<span class="element none" style=${place} aria-hidden="true">${symbol}</span>`;
        return html`<button class="element" style=${{ ...place, background: e.measurements > 0 ? shade(share(e), diverging) : "transparent" }}
          aria-label=${`${symbol} ${text(e)}: ${sentence(e)}`} onFocus=${() => setShown(symbol)} onMouseEnter=${() => setShown(symbol)} onClick=${() => setShown(symbol)}>
          <b>${symbol}</b>${" "}<small>${text(e)}</small></button>`;
      }))}
    </div>
    <p class="quiet" aria-live="polite">${seen && elements.get(seen) ? sentence(elements.get(seen)) : ""}</p>
    <p class="quiet">${t(`periodic.${view}.help`, { unit: data.unit || "" })}</p>
  </div>`;
}
