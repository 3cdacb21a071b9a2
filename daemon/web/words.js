// The words of the pages in the reader's language: words/en.json and words/ja.json hold words only.
const LANGUAGES = ["en", "ja"];
let words = {};
let fallback = {};
let current = "en";

const load = async (language) => (await fetch(new URL(`words/${language}.json`, import.meta.url))).json();

// The language that was chosen here, else the browser's, else English.
export async function loadWords(chosen) {
  const wanted = [chosen, ...navigator.languages.map((name) => name.slice(0, 2))];
  current = wanted.find((name) => LANGUAGES.includes(name)) || "en";
  [fallback, words] = await Promise.all([load("en"), load(current)]);
  document.documentElement.lang = current;
}

export const language = () => current;

// The words for `key`, with {name} replaced by values.name and {name|one|many} by what fits the number.
export function t(key, values = {}) {
  const text = (words[key] ?? fallback[key] ?? key).replace(/\{(\w+)\|([^|}]*)\|([^}]*)\}/g, (_, name, one, many) => (String(values[name]) === "1" ? one : many));
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

// The words for one of the API's own names, such as a state; the name itself where there are none.
export function named(group, name) {
  const key = `${group}.${name}`;
  return words[key] ?? fallback[key] ?? String(name);
}
