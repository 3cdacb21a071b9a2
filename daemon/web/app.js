// The frame around the pages: navigation, language, theme, sign-in, and which page an address means.
import { html, render, useEffect, useState } from "./html.js";
import { ask, get, onSignInWanted } from "./api.js";
import { follow, onReturn, onState, stop } from "./live.js";
import { Announcer, Problem } from "./parts/common.js";
import { link, useRoute } from "./route.js";
import { keep, kept, readSession, session, useData } from "./state.js";
import { language, loadWords, t } from "./words.js";
import { SignIn } from "./pages/sign_in.js";
import { Campaigns } from "./pages/campaigns.js";

// Pages but the first are loaded when they are asked for.
const PAGES = {
  wall: () => import("./pages/wall.js"),
  start: () => import("./pages/start.js"),
  campaign: () => import("./pages/campaign.js"),
  proposals: () => import("./pages/proposals.js"),
  worksheet: () => import("./pages/worksheet.js"),
  data: () => import("./pages/data.js"),
  file: () => import("./pages/file.js"),
  work: () => import("./pages/work.js"),
};

function pageOf({ parts, query }) {
  if (parts.length === 0) return { name: "campaigns", query };
  if (parts[0] === "c" && parts[1]) {
    const name = parts[2] || "campaign";
    if (["campaign", "proposals", "worksheet", "data", "file"].includes(name)) return { name, campaign: parts[1], query };
  }
  if (["wall", "start", "work"].includes(parts[0])) return { name: parts[0], query };
  return { name: "none", query };
}

function Page({ page }) {
  const [module, setModule] = useState(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    let gone = false;
    setError(null);
    if (!PAGES[page.name]) return undefined;
    PAGES[page.name]().then(
      (loaded) => gone || setModule({ name: page.name, Show: loaded.default }),
      () => gone || setError(new Error(t("unreachable"))),
    );
    return () => {
      gone = true;
    };
  }, [page.name]);
  // A browser does not load again what it could not load, and a newer daemon has its pages elsewhere: only a new start helps.
  useEffect(() => (error ? onReturn(() => location.reload()) : undefined), [error]);
  if (page.name === "campaigns") return html`<${Campaigns} />`;
  if (page.name === "none") return html`<h1>${t("no_page")}</h1><p><a href="#/">${t("nav.campaigns")}</a></p>`;
  if (error) return html`<${Problem} error=${error} again=${() => location.reload()} />`;
  if (module?.name !== page.name) return html`<p class="quiet" role="status">${t("reading")}</p>`;
  return html`<${module.Show} key=${`${page.name} ${page.campaign || ""}`} campaign=${page.campaign} query=${page.query} />`;
}

function applyTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function Settings({ changed }) {
  const [theme, setTheme] = useState(kept("theme") || "auto");
  const choose = (next) => {
    setTheme(next);
    keep("theme", next);
    applyTheme(next);
    changed();
  };
  const speak = async (next) => {
    keep("language", next);
    await loadWords(next);
    changed();
  };
  return html`<div class="settings">
    <select aria-label=${t("language")} value=${language()} onChange=${(event) => speak(event.target.value)}>
      <option value="en" lang="en">English</option><option value="ja" lang="ja">日本語</option>
    </select>
    <select aria-label=${t("theme")} value=${theme} onChange=${(event) => choose(event.target.value)}>
      ${["auto", "light", "dark"].map((name) => html`<option value=${name}>${t(`theme.${name}`)}</option>`)}
    </select>
  </div>`;
}

function Live() {
  const [state, setState] = useState("waiting");
  useEffect(() => onState(setState), []);
  return html`<span class="live live-${state}" title=${t(`live.${state}.help`)}><span aria-hidden="true">●</span> ${t(`live.${state}`)}</span>`;
}

function Frame({ page, changed, signOut }) {
  const campaigns = useData((signal) => get("/v1/campaigns", { signal }), [], { matters: (event) => event.object === "campaign" });
  const here = page.campaign;
  const item = (id, words, href) => html`<a href=${href} aria-current=${page.name === id ? "page" : undefined}>${words}</a>`;
  return html`<header class="top">
    <a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); document.getElementById("main").focus(); }}>${t("skip")}</a>
    <a class="brand" href="#/"><img src=${new URL("icon.svg", import.meta.url).href} alt="" width="26" height="26" /> Kasetsu</a>
    <nav aria-label=${t("nav")}>
      ${item("campaigns", t("nav.campaigns"), "#/")}
      ${item("start", t("nav.start"), "#/start")}
      ${item("work", t("nav.work"), "#/work")}
      ${item("wall", t("nav.wall"), "#/wall")}
    </nav>
    <span class="grow"></span>
    <${Live} />
    <${Settings} changed=${changed} />
    ${session.tokens ? html`<span class="who">${session.name}</span><button class="small" onClick=${signOut}>${t("sign_out")}</button>` : null}
  </header>
  ${here ? html`<nav class="second" aria-label=${t("nav.of", { name: here })}>
    ${(campaigns.data?.campaigns.length || 0) > 1
      ? html`<select aria-label=${t("nav.campaign")} value=${here} onChange=${(event) => { location.hash = link(["c", event.target.value]); }}>
          ${campaigns.data.campaigns.map((one) => html`<option value=${one.name}>${one.name}</option>`)}</select>`
      : html`<strong>${here}</strong>`}
    ${item("campaign", t("nav.results"), link(["c", here]))}
    ${item("proposals", t("nav.proposals"), link(["c", here, "proposals"]))}
    ${item("data", t("nav.data"), link(["c", here, "data"]))}
    ${item("file", t("nav.file"), link(["c", here, "file"]))}
  </nav>` : null}`;
}

function App() {
  const route = useRoute();
  const [round, setRound] = useState(0);
  const [wanted, setWanted] = useState(session.tokens && !session.signed_in);
  const page = pageOf(route);
  useEffect(() => onSignInWanted(setWanted), []);
  useEffect(() => {
    document.title = page.campaign ? `${page.campaign} – ${t(`title.${page.name}`)} – Kasetsu` : `${t(`title.${page.name}`)} – Kasetsu`;
    document.body.className = `page-${page.name}`;
  }, [page.name, page.campaign, round]);
  useEffect(() => {
    if (!wanted) follow(session.last_event);
    return stop;
  }, [wanted]);
  const changed = () => setRound(round + 1);
  const signOut = async () => {
    await ask("DELETE", "/v1/session");
    await readSession();
    setWanted(true);
  };
  const entered = async () => {
    await readSession();
    setWanted(!session.signed_in);
  };
  if (wanted) return html`<main id="main" tabindex="-1"><${SignIn} entered=${entered} /><${Settings} changed=${changed} /></main>`;
  return html`<${Frame} page=${page} changed=${changed} signOut=${signOut} />
    <main id="main" tabindex="-1" key=${round}><${Page} page=${page} /></main>
    <${Announcer} />`;
}

applyTheme(kept("theme") || "auto");
await loadWords(kept("language"));
const place = document.getElementById("app");
try {
  await readSession();
  render(html`<${App} />`, place);
} catch (error) {
  render(html`<main><${Problem} error=${error} again=${() => location.reload()} /></main>`, place);
}
