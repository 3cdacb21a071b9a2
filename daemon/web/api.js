// The daemon's API, as fetch() speaks it. Nothing else in the dashboard asks the network for anything.

import { t } from "./words.js";

// What the daemon refused, with its sentence (RFC 9457).
export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `status ${status}`);
    this.status = status;
    this.errors = problem.errors || [];
  }
}

const listeners = new Set();
// Called with true when the daemon wants a sign-in.
export function onSignInWanted(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

async function refusal(response) {
  const text = await response.text();
  let problem = {};
  try {
    problem = JSON.parse(text);
  } catch {
    problem = { detail: text.slice(0, 300) };
  }
  if (response.status === 401) for (const listener of listeners) listener(true);
  return new Refusal(response.status, problem);
}

// A request that reaches nobody is told in words; one that was taken back stays what it is.
async function answered(path, request) {
  try {
    return await fetch(path, request);
  } catch (error) {
    throw error.name === "AbortError" ? error : new Error(t("unreachable"));
  }
}

// body: an object (sent as JSON), or text, a Blob or a File with `type`.
export async function ask(method, path, { body, type, headers = {}, signal, raw = false } = {}) {
  const request = { method, signal, headers: { ...headers }, credentials: "same-origin", cache: "no-cache" };
  if (body !== undefined) {
    const plain = typeof body === "string" || body instanceof Blob || body instanceof ArrayBuffer;
    request.body = plain ? body : JSON.stringify(body);
    request.headers["Content-Type"] = type || "application/json";
  }
  const response = await answered(path, request);
  if (!response.ok) throw await refusal(response);
  if (raw) return response;
  if (response.status === 204) return null;
  return response.json();
}

export const get = (path, options) => ask("GET", path, options);
// One key for one press of a button: the same request sent again after a lost answer has one effect.
export const post = (path, body = {}, options = {}) =>
  ask("POST", path, { body, ...options, headers: { "Idempotency-Key": newKey(), ...(options.headers || {}) } });

export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// All pages of a list, at most `most` items.
export async function all(path, name, { most = 10000, limit = 1000, signal } = {}) {
  const items = [];
  let token = null;
  do {
    const page = await get(withQuery(path, { limit, page_token: token }), { signal });
    items.push(...page[name]);
    token = page.next_page_token;
  } while (token && items.length < most);
  return items;
}

// Adds what is not empty to a path.
export function withQuery(path, values) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null && value !== "") query.set(name, value);
  }
  const text = query.toString();
  return text ? path + (path.includes("?") ? "&" : "?") + text : path;
}

export const campaignPath = (name, rest = "") => `/v1/campaigns/${encodeURIComponent(name)}${rest}`;
