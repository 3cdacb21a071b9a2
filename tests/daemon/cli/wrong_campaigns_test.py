"""Sixty wrong campaign files, one mistake each: what kasetsu says, word for word.

wrong_campaigns.txt holds the messages; after a change that is meant: python3 wrong_campaigns_test.py --write, and read the difference.
Beside the snapshot every message must name file and line, the key, the value that was found (unless something is missing), and what to
write instead."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

KASETSU = os.environ["KASETSU"]
SNAPSHOT = pathlib.Path(__file__).with_name("wrong_campaigns.txt")

GOOD = """format = 1
name = "ocm"
owner = "group 3"

[[targets]]
name = "C2_yield"
unit = "%"
goal = "maximize"
hit_threshold = 15
plausible = [0, 100]

[[space]]
kind = "slots"
slots = 3
none = true
repetition = true
elements = ["Li", "Na", "K", "Mn", "W"]
supports = ["MgO", "SiO2"]

[[rules]]
name = "alkali"
group = ["Li", "Na", "K"]
at_most = 1

[conditions]
temperature_C = [750, 800]

[model]
size = 8
order = 1
epsilon = 1.35

[planner]
batch = 20
diversity = 0.3

[planner.mix]
exploit = 8
explore = "50 %"
challenge = "50 %"

[retrain]
when = "nightly"
at = "02:00"
time_zone = "Asia/Tokyo"

[stop]
measurements = 500

[[webhooks]]
url = "https://example.org/hook"
events = ["hit", "stopped"]
secret_file = "ocm.key"
"""

# What is written instead of what, the key that the message must name, and the value ("" where something is missing).
MISTAKES = [
    ('format = 1\n', '', "format", ""),
    ('format = 1', 'format = 2', "format", "2"),
    ('name = "ocm"\n', '', "name", ""),
    ('name = "ocm"', 'name = "OCM 2"', "name", "OCM 2"),
    ('name = "ocm"', 'name = 7', "name", "7"),
    ('owner = "group 3"', 'owner = 3', "owner", "3"),
    ('owner = "group 3"', 'ownr = "group 3"', "ownr", "ownr"),
    ('owner = "group 3"', 'draft = "yes"', "draft", "yes"),
    ('[[targets]]', '[targets]', "targets", "a table"),
    ('name = "C2_yield"\n', '', "name", ""),
    ('unit = "%"\n', '', "unit", ""),
    ('goal = "maximize"\n', '', "goal", ""),
    ('goal = "maximize"', 'goal = "maximise"', "goal", "maximise"),
    ('goal = "maximize"', 'goals = "maximize"', "goals", "goals"),
    ('hit_threshold = 15', 'hit_threshold = "15 %"', "hit_threshold", "15 %"),
    ('hit_threshold = 15', 'tolerance = 15', "tolerance", "15"),
    ('goal = "maximize"\nhit_threshold = 15', 'hit_threshold = 15\ngoal = "target"', "hit_threshold", "15"),
    ('goal = "maximize"\nhit_threshold = 15', 'goal = "target"', "value", ""),
    ('goal = "maximize"\nhit_threshold = 15', 'tolerance = -1\ngoal = "target"\nvalue = 9', "tolerance", "-1"),
    ('diversity = 0.3', 'objective = "pareto"', "planner.objective", "1"),
    ('plausible = [0, 100]', 'plausible = [100, 0]', "plausible", "100, 0"),
    ('plausible = [0, 100]', 'plausible = [0, 50, 100]', "plausible", "0, 50, 100"),
    ('kind = "slots"\n', '', "kind", ""),
    ('kind = "slots"', 'kind = "slot"', "kind", "slot"),
    ('kind = "slots"', 'kind = "simplex"', "slots", "slots"),
    ('slots = 3\n', '', "slots", ""),
    ('slots = 3', 'slots = 0', "slots", "0"),
    ('slots = 3', 'slots = 2.5', "slots", "2.5"),
    ('none = true\n', '', "none", ""),
    ('repetition = true', 'repetition = 1', "repetition", "1"),
    ('elements = ["Li", "Na", "K", "Mn", "W"]\n', '', "elements", ""),
    ('"Mn", "W"]', '"mn", "W"]', "elements[3]", "mn"),
    ('"Mn", "W"]', '"Mn", "Li"]', "elements[4]", "Li"),
    ('["Li", "Na", "K", "Mn", "W"]', '[]', "elements", ""),
    ('["MgO", "SiO2"]', '["MgO", "Qq7"]', "supports[1]", "Qq7"),
    ('["MgO", "SiO2"]', '["MgO", "MgO"]', "supports[1]", "MgO"),
    ('supports = ["MgO", "SiO2"]', 'supports = "MgO"', "supports", "MgO"),
    ('supports = [', 'suports = [', "suports", "suports"),
    ('group = ["Li", "Na", "K"]\n', '', "rules[0]", ""),
    ('at_most = 1', 'at_mots = 1', "at_mots", "at_mots"),
    ('at_most = 1\n', '', "rules[0]", ""),
    ('at_most = 1', 'at_most = 1\nat_least = 2', "rules[0]", "2"),
    ('group = ["Li", "Na", "K"]', 'group = ["Li", "Au"]', "rules[0]", "Au"),
    ('group = [', 'forbid_elements = ["W"]\ngroup = [', "rules[0]", "forbid_elements, group"),
    ('temperature_C = [750, 800]', 'temperature_C = []', "temperature_C", ""),
    ('temperature_C = [750, 800]', 'temperature_C = 750', "temperature_C", "750"),
    ('temperature_C = [750, 800]', 'temperature_C = [750, 750]', "temperature_C[1]", "750"),
    ('size = 8', 'size = 33', "model.size", "33"),
    ('size = 8', 'sise = 8', "sise", "sise"),
    ('order = 1', 'order = 4', "model.order", "4"),
    ('epsilon = 1.35', 'epsilon = 0.5', "model.epsilon", "0.5"),
    ('epsilon = 1.35', 'search = "genetics"', "model.search", "genetics"),
    ('[planner]\nbatch = 20', '[planner]', "batch", ""),
    ('batch = 20', 'batch = "20"', "planner.batch", "20"),
    ('batch = 20', 'batch = 4', "planner.mix", "8"),
    ('diversity = 0.3', 'diversity = 3', "planner.diversity", "3"),
    ('diversity = 0.3', 'acquisition = "ei"', "planner.acquisition", "ei"),
    ('exploit = 8', 'exploits = 8', "exploits", "exploits"),
    ('exploit = 8', 'exploit = -1', "planner.mix.exploit", "-1"),
    ('explore = "50 %"', 'explore = "half"', "planner.mix.explore", "half"),
    ('explore = "50 %"', 'explore = "90 %"', "planner.mix", "140 %"),
    ('when = "nightly"', 'when = "daily"', "retrain.when", "daily"),
    ('at = "02:00"', 'at = "25:00"', "retrain.at", "25:00"),
    ('at = "02:00"\n', '', "at", ""),
    ('"Asia/Tokyo"', '"Asia/Tokio"', "retrain.time_zone", "Asia/Tokio"),
    ('measurements = 500', 'measurements = 0', "stop.measurements", "0"),
    ('measurements = 500', 'mesurements = 500', "mesurements", "mesurements"),
    ('https://example.org', 'http://example.org', "webhooks[0].url", "http://example.org/..."),
    ('https://example.org', 'http://127.0.0.1.example.org', "webhooks[0].url", "http://127.0.0.1.example.org/..."),
    ('"stopped"]', '"stoped"]', "webhooks[0].events[1]", "stoped"),
    ('secret_file = "ocm.key"\n', '', "secret_file", ""),
    ('"ocm.key"', '"/etc/shadow"', "webhooks[0].secret_file", "/etc/shadow"),
    ('[[webhooks]]', '[[webhook]]', "webhook", "webhook"),
]

# Mistakes of form, before any key can be read: line and what to write, but no key.
FORM = [
    ('owner = "group 3"', 'owner = group 3'),
    ('plausible = [0, 100]', 'plausible = [0, 100'),
    ('[stop]', '[retrain]'),
]


def wrong_files():
    for old, new, key, value in MISTAKES:
        if GOOD.count(old) < 1:
            raise AssertionError(old)
        yield GOOD.replace(old, new, 1), (old, new), key, value
    for old, new in FORM:
        yield GOOD.replace(old, new, 1), (old, new), None, None


def message(text, folder):
    path = pathlib.Path(folder) / "c.toml"
    path.write_text(text, encoding="utf-8")
    done = subprocess.run([KASETSU, "campaign", "validate", "c.toml"], cwd=folder, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr.rstrip("\n")


def snapshot(folder):
    blocks = []
    for text, (old, new), _, _ in wrong_files():
        _, said = message(text, folder)
        blocks.append(f"- {old.strip()!r} -> {new.strip()!r}\n  {said}\n")
    return "".join(blocks)


class WrongCampaigns(unittest.TestCase):
    maxDiff = None

    def test_the_good_one_is_good(self):
        with tempfile.TemporaryDirectory() as folder:
            code, said = message(GOOD, folder)
        self.assertEqual((code, said), (0, ""))

    def test_every_message_names_line_key_value_and_what_to_write(self):
        self.assertGreaterEqual(len(MISTAKES) + len(FORM), 60)
        with tempfile.TemporaryDirectory() as folder:
            for text, change, key, value in wrong_files():
                with self.subTest(change=change):
                    code, said = message(text, folder)
                    self.assertEqual(code, 65, said)
                    match = re.match(r"kasetsu: c\.toml:(\d+): ", said)
                    self.assertTrue(match, said)
                    line = int(match.group(1))
                    # The line that was changed, or the table from which something is missing.
                    lines = text.split("\n")
                    changed = next((i + 1 for i, (a, b) in enumerate(zip(lines, GOOD.split("\n"))) if a != b), len(lines))
                    self.assertTrue(line == changed or value == "" or key in (None, "planner.mix", "rules[0]", "slots"),
                                    f"line {line}, changed {changed}: {said}")
                    if key is not None:
                        self.assertIn(key, said)
                        self.assertIn(value, said)
                    self.assertRegex(said, r"expected|for example|Did you mean|one of")
                    self.assertEqual(said.count("\n"), 0)

    def test_snapshot(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(SNAPSHOT.read_text(encoding="utf-8"), snapshot(folder))


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        with tempfile.TemporaryDirectory() as place:
            SNAPSHOT.write_text(snapshot(place), encoding="utf-8")
    else:
        unittest.main(verbosity=2)
