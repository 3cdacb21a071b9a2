// Catalysts and conditions as people write them, from the keys that the daemon keeps them under.
import { conditions } from "./format.js";

const SYMBOLS = ("H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe " +
  "Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf").split(" ");
const KEY = /(?:[A-Z][a-z]?:\d[\d.e+-]*)(?:;[A-Z][a-z]?:\d[\d.e+-]*)*(?:\/[^\s,;|@:]*[^\s,;|@:.])?(?:\|[^\s,;@:]*[^\s,;@:.])?(?:@\w+=[\d.e+-]*\d(?:;\w+=[\d.e+-]*\d)*)?/g;
const ASSIGNED = /\b([A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+) = (-?\d[\d.]*\d|\d)/g;

const plain = (text) => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

// "Cs:1;Li:1;W:1/BaO" is "Li-Cs-W/BaO", "Na:1;W:2/BaO@temperature_C=800" is "1 Na + 2 W/BaO, temperature 800 °C"; the
// elements by atomic number, as the API describes catalysts.
export function nameOf(key, unit = "") {
  const [, active, support, preparation, varied] = /^([^/|@]*)(?:\/([^|@]*))?(?:\|([^@]*))?(?:@(.*))?$/.exec(key) || [];
  if (!active) return key;
  const parts = active === "-" ? [] : active.split(";").map((part) => part.split(":")).sort(([a], [b]) => SYMBOLS.indexOf(a) - SYMBOLS.indexOf(b));
  if (parts.some((part) => part.length !== 2 || !SYMBOLS.includes(part[0]))) return key;
  const alike = !unit && parts.every(([, amount]) => Number(amount) === 1);
  let name = alike ? parts.map(([symbol]) => symbol).join("-") : parts.map(([symbol, amount]) => `${amount}${unit ? ` ${unit}` : ""} ${symbol}`).join(" + ");
  if (support) name = parts.length ? `${name}/${plain(support)}` : `bare ${plain(support)}`;
  else if (parts.length === 0) name = "blank";
  if (preparation) name += ` (${plain(preparation)})`;
  const values = varied ? Object.fromEntries(varied.split(";").map((one) => one.split("=")).map(([condition, value]) => [condition, Number(value)])) : {};
  return [name, conditions(values)].filter(Boolean).join(", ");
}

// A sentence of the daemon with its keys replaced: of catalysts, and of conditions ("temperature_C = 800").
export const inPeoplesWords = (text, unit) =>
  String(text ?? "").replace(KEY, (key) => nameOf(key, unit)).replace(ASSIGNED, (_, name, value) => conditions({ [name]: Number(value) })).replace(/(\d) %/g, "$1\u00a0%");

// The key with which a text begins, or "".
export const firstKey = (text) => {
  const found = String(text).match(KEY);
  return found && text.startsWith(found[0]) ? found[0] : "";
};
