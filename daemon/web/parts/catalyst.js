// A catalyst as a person writes it: by its name, or by the amounts of its elements and the support.
import { html, useState } from "../html.js";
import { Field } from "./common.js";
import { t } from "../words.js";

const amountsText = (catalyst) => Object.entries(catalyst?.amounts || {}).map(([symbol, amount]) => `${symbol} ${amount}`).join(", ");

export function CatalystFields({ catalyst }) {
  const [text] = useState(amountsText(catalyst));
  return html`
    <${Field} label=${t("catalyst.amounts")} hint=${t("catalyst.amounts.hint")}>${(id) => html`<input id=${id} name="amounts" required defaultValue=${text} autocomplete="off" />`}<//>
    <${Field} label=${t("catalyst.support")} hint=${t("catalyst.support.hint")}>${(id) => html`<input id=${id} name="support" defaultValue=${catalyst?.support || ""} autocomplete="off" />`}<//>`;
}

// "Li 1, Na 2" and a support, as the API takes them. What is no amount is refused here, with the word that is wrong.
// What the form does not ask about, the preparation, stays as it is in the catalyst that is changed.
export function readCatalyst(form, before) {
  const amounts = {};
  for (const part of form.amounts.split(/[,;、]+/).map((one) => one.trim()).filter(Boolean)) {
    const found = /^([A-Za-z]{1,3})[\s:=]*([0-9.eE+-]*)$/.exec(part);
    const amount = found && (found[2] === "" ? 1 : Number(found[2]));
    if (!found || !Number.isFinite(amount)) throw new Error(t("catalyst.wrong", { part }));
    amounts[found[1]] = (amounts[found[1]] || 0) + amount;
  }
  const catalyst = { amounts };
  if (form.support.trim()) catalyst.support = form.support.trim();
  if (before?.preparation) catalyst.preparation = before.preparation;
  return catalyst;
}
