// A table with a heading that stays, sorted by any column, with rows that can be chosen.
import { html, useMemo, useState } from "../html.js";
import { t } from "../words.js";

// Rows at first, and more at a press; on a telephone each is a card of its own.
const narrow = () => matchMedia("(max-width: 560px)").matches;
const SHOWN = () => (narrow() ? 12 : 200);
const MORE = () => (narrow() ? 50 : 1000);

const compare = (a, b) => {
  const none = (value) => value === null || value === undefined || value === "";
  if (none(a) || none(b)) return none(a) - none(b);
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
};

// columns: [{id, name, value(row) for sorting, show(row), number?, narrow?}]; chosen: a Set of row ids, with setChosen.
export function Grid({ label, columns, rows, id = (row) => row.id, chosen, setChosen, sort: first = null, mark = () => "" }) {
  const [sort, setSort] = useState(first);
  const [most, setMost] = useState(SHOWN);
  const sorted = useMemo(() => {
    const column = sort && columns.find((one) => one.id === sort.id);
    if (!column) return rows;
    const value = column.value || column.show;
    return [...rows].sort((a, b) => sort.way * compare(value(a), value(b)));
  }, [rows, sort, columns]);
  const press = (column) => setSort({ id: column.id, way: sort?.id === column.id ? -sort.way : column.number ? -1 : 1 });
  const toggle = (key, on) => {
    const next = new Set(chosen);
    if (on) next.add(key);
    else next.delete(key);
    setChosen(next);
  };
  const everything = chosen && rows.length > 0 && rows.every((row) => chosen.has(id(row)));
  return html`<div class="grid-place" role="region" aria-label=${label} tabindex="0">
    <table class="cards-when-narrow">
      <caption class="hidden-text">${label}</caption>
      <thead><tr>
        ${chosen ? html`<th scope="col"><input type="checkbox" aria-label=${t("choose_all")} checked=${everything}
          onChange=${(event) => setChosen(event.target.checked ? new Set(rows.map(id)) : new Set())} /></th>` : null}
        ${columns.map((column) => html`<th scope="col" class=${column.number ? "number" : ""}
          aria-sort=${sort?.id === column.id ? (sort.way > 0 ? "ascending" : "descending") : undefined}>
          ${column.value || column.sortable !== false
            ? html`<button class="sort" onClick=${() => press(column)}>${column.name}${sort?.id === column.id ? html`<span aria-hidden="true">${sort.way > 0 ? "\u00a0▲" : "\u00a0▼"}</span>` : null}</button>`
            : column.name || html`<span class="hidden-text">${t("actions")}</span>`}
        </th>`)}
      </tr></thead>
      <tbody>
        ${sorted.slice(0, most).map((row) => html`<tr key=${id(row)} class=${mark(row)}>
          ${chosen ? html`<td><input type="checkbox" aria-label=${t("choose_row", { name: id(row) })} checked=${chosen.has(id(row))}
            onChange=${(event) => toggle(id(row), event.target.checked)} /></td>` : null}
          ${columns.map((column) => html`<td class=${column.number ? "number" : column.wide ? "wide" : ""} data-name=${column.name}><div>${column.show(row)}</div></td>`)}
        </tr>`)}
      </tbody>
    </table>
    ${sorted.length > most ? html`<button class="more" onClick=${() => setMost(most + MORE())}>${t("show_more", { n: sorted.length - most })}</button>` : null}
  </div>`;
}
