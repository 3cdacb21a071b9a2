// node embed.mjs SOURCE BUILD MODE: writes BUILD/assets.cc, which holds the dashboard.
// SOURCE: this folder. MODE: ON (a registry that cannot be reached is an error) or AUTO (then the program says on its page
// that it has no dashboard). Libraries are fetched into BUILD by `npm ci`, with the sums of package-lock.json.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const [source, build, mode] = process.argv.slice(2);
const TYPES = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  svg: "image/svg+xml",
};
const LIBRARIES = {
  "vendor/preact.js": "preact/dist/preact.mjs",
  "vendor/hooks.js": "preact/hooks/dist/hooks.mjs",
  "vendor/htm.js": "htm/dist/htm.mjs",
  "vendor/plotly.js": "plotly.js-cartesian-dist-min/plotly-cartesian.min.js",
};
const FOLDERS = ["", "pages", "parts", "words"];

const digest = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex").slice(0, 16);
};

function fetchLibraries() {
  const folder = join(build, "npm");
  const lock = readFileSync(join(source, "package-lock.json"));
  const stamp = join(folder, "stamp");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest(lock)) return folder;
  mkdirSync(folder, { recursive: true });
  for (const name of ["package.json", "package-lock.json"]) copyFileSync(join(source, name), join(folder, name));
  execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev", "--fetch-retries=1", "--loglevel=error"], { cwd: folder, stdio: ["ignore", "inherit", "inherit"] });
  writeFileSync(stamp, digest(lock));
  return folder;
}

// {path: bytes} of everything but the index.
function gather(folder) {
  const files = {};
  for (const part of FOLDERS) {
    for (const name of readdirSync(join(source, part)).sort()) {
      if (!/\.(css|js|json|svg)$/.test(name) || /^package/.test(name)) continue;
      files[join(part, name)] = readFileSync(join(source, part, name));
    }
  }
  for (const [path, from] of Object.entries(LIBRARIES)) {
    let bytes = readFileSync(join(folder, "node_modules", from));
    // Browsers know no bare names; maps are not served.
    if (/mjs$/.test(from)) bytes = Buffer.from(bytes.toString().replace(/from\s*"preact"/g, 'from"./preact.js"').replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n"));
    files[path] = bytes;
  }
  return files;
}

// A file beside the build for each way in which an asset is sent; what is there already is not compressed again.
function keep(bytes) {
  const base = join(build, "files", digest(bytes));
  if (!existsSync(`${base}.br`)) {
    mkdirSync(join(build, "files"), { recursive: true });
    writeFileSync(base, bytes);
    writeFileSync(`${base}.gz`, gzipSync(bytes, { level: 9 }));
    writeFileSync(`${base}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }));
  }
  return base;
}

function write(files) {
  const version = digest(...Object.entries(files).flat());
  const index = readFileSync(join(source, "index.html"), "utf8").replaceAll('"ui/', `"ui/${version}/`);
  const all = [["index.html", Buffer.from(index)], ...Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1))];
  let text = '#include "daemon/web/assets.h"\n\n';
  const entries = all.map(([path, bytes], i) => {
    const base = keep(bytes);
    const names = ["", ".gz", ".br"].map((ending, way) => {
      const name = `kasetsu_asset_${i}_${way}`;
      text += `asm(".section .rodata\\n.hidden ${name}\\n.global ${name}\\n${name}:\\n.incbin \\"${base}${ending}\\"\\n.byte 0\\n.previous\\n");\nextern "C" const char ${name}[];\n`;
      return `{${name}, ${readFileSync(base + ending).length}}`;
    });
    return `    {"${path}", "${TYPES[path.split(".").pop()]}", ${names.join(", ")}},\n`;
  });
  text += "\nnamespace kasetsu::web {\nnamespace {\n\nconst Asset kAll[] = {\n" + entries.join("") + "};\n\n}  // namespace\n\n";
  text += "std::span<const Asset> assets() {\n  return std::span<const Asset>(kAll).subspan(1);\n}\n\n";
  text += `std::string_view version() {\n  return "${version}";\n}\n\nconst Asset& index() {\n  return kAll[0];\n}\n\n}  // namespace kasetsu::web\n`;
  writeFileSync(join(build, "assets.cc"), text);
  console.log(`dashboard: ${all.length} files, version ${version}`);
}

mkdirSync(build, { recursive: true });
try {
  write(gather(fetchLibraries()));
} catch (error) {
  if (mode === "ON") throw error;
  copyFileSync(join(source, "absent.cc.in"), join(build, "assets.cc"));
  console.warn(`dashboard: left out, its libraries cannot be fetched (${error.message.split("\n")[0]}); -DKASETSU_DASHBOARD=OFF says so on purpose`);
}
