// Whole sentences of the daemon. Where it gives their parts they are said in the reader's language; what it says in English
// alone is marked as English, for screen readers, hyphenation and translation.
import { html } from "./html.js";
import { firstKey, inPeoplesWords, nameOf } from "./catalyst_names.js";
import { interval, number, withUnit } from "./format.js";
import { language, t } from "./words.js";

// Several words of Latin letters and nothing of another script: what a person wrote in Japanese is not marked.
const english = (text) => language() !== "en" && /[A-Za-z]{2,}[\s,:]+[A-Za-z]{2,}/.test(text) && !/[\u3040-\u30ff\u3400-\u9fff]/.test(text);

export function Said({ text, unit }) {
  const words = inPeoplesWords(text, unit);
  return english(words) ? html`<span lang="en">${words}</span>` : words;
}

// Words of the daemon's own vocabulary, such as those of descriptors: English in every language.
export const English = ({ children }) => (language() === "en" ? html`<span>${children}</span>` : html`<span lang="en">${children}</span>`);

const SAYINGS = {
  exploit: ({ mean, low, high }, { unit }) => mean !== null && mean !== undefined && t("reason.exploit", { mean: withUnit(mean, unit), interval: interval(low, high) }),
  explore: ({ card, unit: amounts }) => (card?.nearest ? t("reason.explore", { nearest: nameOf(card.nearest, amounts), distance: number(card.distance, 3) }) : card && t("reason.explore.first")),
  challenge: ({ card }, { unit }) => Number.isFinite(card?.disagreement) && t("reason.challenge", { disagreement: withUnit(card.disagreement, unit) }),
  recheck: ({ card }, { unit }) => Number.isFinite(card?.score) && t("reason.recheck", { difference: withUnit(card.score, unit) }),
  bridge: () => t("reason.bridge"),
  random: () => t("reason.random"),
};

const INSTEAD = "made instead of ";

// Why it was proposed. one: a proposal with {strategy, reason, mean, low, high, card} and the unit of its catalyst's amounts.
// The planner's own sentence is the fullest; in other languages its numbers are said.
export function Reason({ one, target, unit = one.catalyst?.unit }) {
  const { reason, strategy } = one;
  if (language() !== "en") {
    const said = SAYINGS[strategy]?.({ ...one, unit }, target);
    if (said) return html`<span title=${inPeoplesWords(reason, unit)}>${said}</span>`;
    const key = reason?.startsWith(INSTEAD) ? firstKey(reason.slice(INSTEAD.length)) : "";
    if (key) return html`${t("reason.amended", { catalyst: nameOf(key, unit) })}<${Said} text=${reason.slice(INSTEAD.length + key.length + 2)} />`;
  }
  return html`<${Said} text=${reason} unit=${unit} />`;
}

// When it learns again, from `retraining` of a plan.
export const retrainWords = ({ when, results, at, time_zone: zone }) => t(`retrain.${when}`, { n: results, at, zone });

const ENDS = {
  measurements: (n) => t("ends.measurements", { n }),
  target_reached: (value, { goal, name, unit, value: wanted }) => t(goal === "target" ? "ends.target_within" : "ends.target_reached", { name, value: withUnit(value, unit), wanted: number(wanted) }),
  batches_without_improvement: (n) => t("ends.batches_without_improvement", { n }),
  hypotheses_agree_within: (value, { unit }) => t("ends.hypotheses_agree_within", { value: withUnit(value, unit) }),
};

// What ends the campaign, from `stop` of a plan.
export const endsWords = (stop, target) => Object.keys(ENDS).filter((name) => name in stop).map((name) => ENDS[name](stop[name], target)).join(t("ends.or")) || t("ends.by_hand");
