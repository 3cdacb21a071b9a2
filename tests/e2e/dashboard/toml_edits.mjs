// node toml_edits.mjs TOML_JS: reads [{text, edits: [[verb, path, index, key, value]]}] from standard input, makes the edits as the form does,
// and writes the texts.
import { readFileSync } from "node:fs";

// A module of the dashboard has no package.json that calls it one.
const { addTable, read, removeTable, set, tablesOf } = await import(`data:text/javascript,${encodeURIComponent(readFileSync(process.argv[2], "utf8"))}`);

function edit(text, [verb, path, index, key, value]) {
  const table = tablesOf(read(text), path)[index];
  if (verb === "set") return set(text, table, key, value);
  if (verb === "remove") return removeTable(text, table);
  return addTable(text, path, key, value);
}

const asked = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(asked.map(({ text, edits }) => edits.reduce(edit, text))));
