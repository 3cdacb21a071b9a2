// Small pieces that every page uses.
import { html, useEffect, useRef, useState } from "../html.js";
import { Said } from "../sentences.js";
import { named, t } from "../words.js";

export function Problem({ error, again }) {
  if (!error) return null;
  return html`<div class="problem" role="alert">
    <p><${Said} text=${error.message} /></p>
    ${(error.errors || []).length > 1 ? html`<ul>${error.errors.filter((one) => one.detail).map((one) => html`<li><${Said} text=${one.detail} /></li>`)}</ul>` : null}
    ${again ? html`<button class="small" onClick=${again}>${t("again")}</button>` : null}
  </div>`;
}

// Shows `children(data)` once there are data.
export function Loaded({ of, children }) {
  if (of.data === null || of.data === undefined) {
    return of.error ? html`<${Problem} error=${of.error} again=${of.again} />` : html`<p class="quiet" role="status">${t("reading")}</p>`;
  }
  return html`${of.error ? html`<${Problem} error=${of.error} again=${of.again} />` : null}${children(of.data)}`;
}

export const State = ({ group = "state", name }) => html`<span class="state state-${String(name).toLowerCase()}">${named(group, name)}</span>`;

// next: [words, href] of what to do about it.
export const Empty = ({ children, next = [] }) => html`<p class="empty">${children} ${next.map(([words, href]) => html`<a class="button" href=${href}>${words}</a> `)}</p>`;

export const Figure = ({ value, name, note }) => html`<div class="figure">
  <dt>${name}</dt><dd>${value}</dd>${note ? html`<dd class="note">${note}</dd>` : null}
</div>`;

// tabs: [[id, words, href]].
export const Tabs = ({ tabs, current, label }) => html`<nav class="tabs" aria-label=${label}>
  ${tabs.map(([id, words, href]) => html`<a href=${href} aria-current=${id === current ? "page" : undefined}>${words}</a>`)}
</nav>`;

let ids = 0;
export function Field({ label, hint, children }) {
  const [id] = useState(() => `field-${++ids}`);
  return html`<div class="field"><label for=${id}>${label}</label>${children(id)}${hint ? html`<small>${hint}</small>` : null}</div>`;
}

// A modal dialogue. Closing it gives the focus back to where it was.
export function Dialog({ title, close, children, wide = false }) {
  const place = useRef(null);
  const [id] = useState(() => `dialog-${++ids}`);
  useEffect(() => {
    const before = document.activeElement;
    place.current.showModal();
    return () => before?.isConnected && before.focus();
  }, []);
  return html`<dialog ref=${place} class=${wide ? "wide" : ""} aria-labelledby=${id} onClose=${close} onCancel=${close}>
    <header><h2 id=${id}>${title}</h2><button class="small" aria-label=${t("close")} onClick=${close}>×</button></header>
    ${children}
  </dialog>`;
}

// Asks for a reason (and what else `fields` shows) before `act(form)`; what the daemon refuses is shown in place.
export function Ask({ title, text, button, close, act, reason = "required", danger = false, fields = null, wide = false }) {
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const send = async (event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await act(Object.fromEntries(new FormData(event.target)));
      close();
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${title} close=${close} wide=${wide}>
    <form onSubmit=${send}>
      ${text ? html`<p>${text}</p>` : null}
      ${fields}
      ${reason === "none" ? null : html`<${Field} label=${t("reason")}>${(id) => html`<input id=${id} name="reason" autocomplete="off" required=${reason === "required"} maxlength="500" />`}<//>`}
      <${Problem} error=${error} />
      <footer>
        <button type="button" onClick=${close}>${t("leave")}</button>
        <button class=${danger ? "danger" : "main"} disabled=${busy}>${button}</button>
      </footer>
    </form>
  <//>`;
}

// A list of things to do: options are [[name, words]], choose(name) is called for one of them. An arrow key opens it: browsers would
// choose the first one at once, while somebody is still reading.
export function Menu({ label, options, choose }) {
  const open = (event) => {
    if (!["ArrowDown", "ArrowUp"].includes(event.key) || event.altKey || !event.target.showPicker) return;
    event.preventDefault();
    event.target.showPicker();
  };
  const chosen = (event) => {
    const name = event.target.value;
    event.target.value = "";
    if (name) choose(name);
  };
  return html`<select aria-label=${label} value="" onKeyDown=${open} onChange=${chosen}>
    <option value="">${t("act")}</option>${options.map(([name, words]) => html`<option value=${name}>${words}</option>`)}</select>`;
}

// A place where files are dropped, or chosen with the keyboard.
export function Drop({ words, accept, take, hint }) {
  const [over, setOver] = useState(false);
  const input = useRef(null);
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    const [file] = event.dataTransfer.files;
    if (file) take(file);
  };
  return html`<div class="drop ${over ? "over" : ""}" onDragOver=${(event) => { event.preventDefault(); setOver(true); }}
      onDragLeave=${() => setOver(false)} onDrop=${drop}>
    <p>${words}</p>
    <button onClick=${() => input.current.click()}>${t("choose_file")}</button>
    ${hint ? html`<small>${hint}</small>` : null}
    <input ref=${input} type="file" class="hidden" tabindex="-1" aria-label=${words} accept=${accept}
      onChange=${(event) => { const [file] = event.target.files; event.target.value = ""; if (file) take(file); }} />
  </div>`;
}

// What happened, said to those who look and to those who listen.
let say = () => {};
export const tell = (text) => say(text);
export function Announcer() {
  const [text, setText] = useState("");
  useEffect(() => {
    let timer = 0;
    say = (next) => {
      setText(next);
      clearTimeout(timer);
      timer = setTimeout(() => setText(""), 6000);
    };
    return () => clearTimeout(timer);
  }, []);
  return html`<div class="toast ${text ? "" : "hidden"}" role="status" aria-live="polite">${text}</div>`;
}
