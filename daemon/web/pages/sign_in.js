// Signing in with a token. The daemon keeps it in a cookie that no script can read.
import { html, useState } from "../html.js";
import { ask } from "../api.js";
import { Field, Problem } from "../parts/common.js";
import { t } from "../words.js";

export function SignIn({ entered }) {
  const [error, setError] = useState(null);
  const send = async (event) => {
    event.preventDefault();
    setError(null);
    const { token } = Object.fromEntries(new FormData(event.target));
    try {
      await ask("POST", "/v1/session", { body: { token: token.trim() } });
      await entered();
    } catch (refused) {
      setError(refused);
    }
  };
  return html`<section class="card narrow">
    <h1>${t("sign_in.title")}</h1>
    <p>${t("sign_in.text")}</p>
    <form onSubmit=${send}>
      <${Field} label=${t("sign_in.token")} hint=${t("sign_in.hint")}>
        ${(id) => html`<input id=${id} name="token" type="password" autocomplete="current-password" required autofocus />`}
      <//>
      <${Problem} error=${error} />
      <button class="main">${t("sign_in.button")}</button>
    </form>
  </section>`;
}
