"""The dashboard in Debian's Chromium: dashboard/dashboard_test.mjs, with its libraries from npm's lock file; and what its form
writes into campaign files."""
import copy
import glob
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tomllib
import unittest

SOURCE, BIN, BUILD = sys.argv[1:4]
HERE = os.path.join(SOURCE, "tests", "e2e", "dashboard")
PATIENCE = int(os.environ.get("KASETSU_PATIENCE", "1"))


class Dashboard(unittest.TestCase):
    def needed(self, name, *programs):
        found = next((path for path in map(shutil.which, programs) if path), None)
        if found is None:
            if os.environ.get("CI") == "true":
                self.fail(f"missing in CI: {name}")
            self.skipTest(f"not on this machine: {name}")
        return found

    def libraries(self):
        """Fetches them once into the build folder."""
        folder = os.path.join(BUILD, "dashboard")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(HERE, "package-lock.json"), encoding="utf-8") as file:
            wanted = file.read()
        lock = os.path.join(folder, "package-lock.json")
        known = open(lock, encoding="utf-8").read() if os.path.exists(lock) else ""
        if known != wanted or not os.path.isdir(os.path.join(folder, "node_modules")):
            for name in ("package.json", "package-lock.json"):
                shutil.copy(os.path.join(HERE, name), folder)
            done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder,
                                  capture_output=True, text=True, check=False)
            if done.returncode != 0:
                if os.environ.get("CI") == "true":
                    self.fail(done.stderr)
                self.skipTest("the test's libraries cannot be fetched: " + done.stderr[-300:])
        return folder

    def test_in_chromium(self):
        node = self.needed("node", "node")
        self.needed("npm", "npm")
        chromium = self.needed("chromium", "chromium", "chromium-browser", "google-chrome")
        environment = dict(os.environ, KASETSU_NODE_MODULES=self.libraries(),
                           KASETSU_SHOTS=os.environ.get("KASETSU_SHOTS", os.path.join(BUILD, "dashboard", "shots")))
        done = subprocess.run([node, os.path.join(HERE, "dashboard_test.mjs"), BIN, chromium], env=environment, text=True,
                              capture_output=True, timeout=1150 * PATIENCE, check=False)
        print(done.stdout, file=sys.stderr)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


def random_text(rng):
    return "".join(rng.choice(["a", "Li", " ", '"', "'", "\\", "#", "=", "[", "]", "{", "\u00e9", "\u9178", ",", "\t"]) for _ in range(rng.randrange(8)))


def random_value(rng, depth=0):
    kind = rng.randrange(6 if depth < 2 else 4)
    if kind == 0:
        return random_text(rng)
    if kind == 1:
        return rng.choice([0, 1, -3, 12.5, 1000000, 0.001])
    if kind == 2:
        return rng.random() < 0.5
    if kind == 5:
        return {f"k{i}": random_value(rng, depth + 1) for i in range(rng.randrange(1, 4))}
    return [random_value(rng, depth + 1) for _ in range(rng.randrange(4))]


def written(rng, value):
    """As people write it: with either quote, over several lines, with comments between."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        plain = "'" not in value and "\t" not in value
        return f"'{value}'" if plain and rng.random() < 0.4 else json.dumps(value, ensure_ascii=rng.random() < 0.5)
    if isinstance(value, list):
        gap = rng.choice(["", " ", "\n  ", "  # one, [two] 'three\n "])
        return "[" + gap + ("," + gap).join(written(rng, one) for one in value) + (rng.choice([gap, "," + gap]) if value else "") + "]"
    if isinstance(value, dict):
        # An inline table stands in one line.
        quiet = random.Random(0)
        quiet.choice = lambda list: list[0]
        return "{ " + ", ".join(f"{key} = {written(quiet, one)}" for key, one in value.items()) + " }"
    return repr(value)


def random_document(rng):
    """A text, and its tables as [path, list, {key: value}]."""
    tables = [["", False, {}], ["planner", False, {}]] + [["rules", True, {}] for _ in range(rng.randrange(4))] + [["planner.mix", False, {}]]
    text = ""
    for path, many, values in tables:
        if path:
            text += rng.choice(["\n", "", "\n# about " + path + "\n"]) + (f"[[{path}]]" if many else f"[{path}]") + rng.choice(["", "  # end"]) + "\n"
        for i in range(rng.randrange(1, 5)):
            values[f"key_{i}"] = random_value(rng)
            text += rng.choice(["", "  ", "# a comment\n"]) + f"key_{i}{rng.choice([' = ', '=', ' =  '])}{written(rng, values[f'key_{i}'])}{rng.choice(['', '  # why'])}\n"
    return text, tables


def document_of(tables):
    out = {}
    for path, many, values in tables:
        place = out
        *parents, name = path.split(".") if path else [""]
        for parent in parents:
            place = place.setdefault(parent, {})
        if not path:
            out.update(copy.deepcopy(values))
        elif many:
            place.setdefault(name, []).append(copy.deepcopy(values))
        else:
            place.setdefault(name, {}).update(copy.deepcopy(values))
    return out


class Form(unittest.TestCase):
    """What the form writes, against Python's own reader."""

    def test_an_edit_changes_one_value_and_keeps_every_comment(self):
        node = shutil.which("node")
        if node is None:
            self.skipTest("not on this machine: node")
        asked, wanted = [], []
        for seed in range(300):
            rng = random.Random(seed)
            text, tables = random_document(rng)
            edits = []
            for _ in range(rng.randrange(1, 4)):
                self.random_edit(rng, tables, edits)
            asked.append({"text": text, "edits": edits})
            wanted.append(document_of(tables))
        for path in sorted(glob.glob(os.path.join(SOURCE, "config", "campaigns", "*.toml"))):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            document = tomllib.loads(text)
            document["planner"]["batch"] = 7
            asked.append({"text": text, "edits": [["set", "planner", 0, "batch", 7]]})
            wanted.append(document)
        done = subprocess.run([node, os.path.join(HERE, "toml_edits.mjs"), os.path.join(SOURCE, "daemon", "web", "parts", "toml.js")],
                              input=json.dumps(asked), capture_output=True, text=True, check=True)
        for one, text, document in zip(asked, json.loads(done.stdout), wanted):
            self.assertEqual(tomllib.loads(text), document, f"{one['edits']}\n{one['text']}\n--\n{text}")
            if not any(edit[0] == "remove" for edit in one["edits"]):
                for comment in re.findall(r"^# .*$|  # why$|  # end$", one["text"], re.MULTILINE):
                    self.assertIn(comment.strip(), text)

    def random_edit(self, rng, tables, edits):
        verb = rng.choice(["set", "set", "set", "take", "remove", "add"])
        at = rng.randrange(len(tables))
        path, many, values = tables[at]
        index = sum(one[0] == path for one in tables[:at])
        if verb == "set":
            key = rng.choice([*values, "key_9"])
            values[key] = random_value(rng)
            edits.append(["set", path, index, key, values[key]])
        elif verb == "take" and values:
            key = rng.choice(list(values))
            del values[key]
            edits.append(["set", path, index, key, None])
        elif verb == "remove" and path in ("rules", "planner.mix"):
            del tables[at]
            edits.append(["remove", path, index, None, None])
        elif verb == "add":
            values = {"name": random_text(rng), "list": [random_text(rng), 2]}
            last = max((i for i, one in enumerate(tables) if one[0] == "rules"), default=len(tables) - 1)
            tables.insert(last + 1, ["rules", True, values])
            edits.append(["add", "rules", 0, True, values])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
