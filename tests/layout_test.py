"""The tree as the design lays it out: every folder has a rule, arrows point one way, every test file is built and none is
disabled, no two types share a name, functions fit a screen."""
import collections
import json
import pathlib
import re
import sys
import unittest

import cpp_outline

SOURCE = pathlib.Path(sys.argv[1]).resolve()
BUILD = pathlib.Path(sys.argv[2]).resolve()

# Which folders the files of a folder may include from, beside their own. "core/" means every room of the science,
# "campaign/" every room of what happens to a campaign.
CAMPAIGN = {"daemon/campaign/" + room for room in ("records", "lifecycle", "file", "ingest", "learning", "planning", "starting",
                                          "views")}
CLI = {"daemon/cli/program"}
ARROWS = {
    "core/base": set(),
    "core/chemistry": {"core/base"},
    "core/descriptors": {"core/base", "core/chemistry"},
    "core/regression/huber": {"core/base"},
    "core/regression": {"core/base", "core/regression/huber"},
    "core/selection/search": {"core/base", "core/descriptors", "core/regression/huber"},
    "core/selection": {"core/base", "core/chemistry", "core/descriptors", "core/regression", "core/regression/huber",
                       "core/selection/search"},
    "core/planning/space": {"core/base", "core/chemistry"},
    "core/planning/surrogates": {"core/base", "core/chemistry", "core/descriptors", "core/regression", "core/selection",
                                 "core/planning/space"},
    "core/planning/bounds": {"core/base", "core/chemistry", "core/descriptors", "core/regression", "core/regression/huber", "core/selection",
                             "core/planning/space", "core/planning/surrogates"},
    "core/planning": {"core/base", "core/chemistry", "core/descriptors", "core/regression", "core/selection",
                      "core/planning/bounds", "core/planning/space", "core/planning/surrogates"},
    "daemon/base": {"core/base"},
    "drivers/tables": {"core/base", "core/chemistry", "daemon/base"},
    "drivers/supervisor": {"core/base", "daemon/base", "daemon/campaign/ingest/intake.h"},
    "drivers/exec": {"core/base", "daemon/base", "daemon/campaign/ingest/intake.h", "drivers/supervisor"},
    "drivers/folder": {"core/base", "daemon/base", "daemon/campaign/ingest/intake.h", "drivers/supervisor"},
    "drivers/mqtt": {"core/base", "daemon/base", "daemon/campaign/ingest/intake.h", "drivers/supervisor"},
    "daemon/campaign/records": {"core/base", "daemon/base"},
    "daemon/campaign/lifecycle": {"core/base", "daemon/base", "daemon/campaign/records"},
    "daemon/campaign/file": {"core/", "daemon/base", "daemon/campaign/lifecycle", "daemon/campaign/records"},
    "daemon/campaign/ingest": {"core/base", "core/chemistry", "daemon/base", "daemon/campaign/file",
                               "daemon/campaign/lifecycle", "daemon/campaign/records", "drivers/tables"},
    "daemon/campaign/learning": {"core/", "daemon/base", "daemon/campaign/file", "daemon/campaign/lifecycle",
                                 "daemon/campaign/records"},
    "daemon/campaign/planning": {"core/", "daemon/base", "daemon/campaign/file", "daemon/campaign/learning",
                                 "daemon/campaign/lifecycle", "daemon/campaign/records"},
    "daemon/campaign/starting": {"core/", "daemon/base", "daemon/campaign/file", "daemon/campaign/learning",
                                 "daemon/campaign/planning", "daemon/campaign/records", "drivers/tables"},
    "daemon/campaign/views": {"core/", "daemon/base", "daemon/campaign/file", "daemon/campaign/learning",
                              "daemon/campaign/lifecycle", "daemon/campaign/planning", "daemon/campaign/records",
                              "drivers/tables"},
    "daemon/store": {"core/base", "daemon/base", "daemon/campaign/records", "daemon/campaign/learning"},
    "daemon/web": set(),
    "daemon/jobs": {"core/", "daemon/base"} | CAMPAIGN - {"daemon/campaign/ingest"},
    "daemon/http": {"core/base", "core/chemistry", "daemon/base", "daemon/jobs", "daemon/web"} | CAMPAIGN,
    "daemon/cli/program": {"core/", "daemon/base", "drivers/tables"} | CAMPAIGN,
    "daemon/cli/campaigns": {"core/", "daemon/base", "drivers/tables"} | CAMPAIGN | CLI,
    "daemon/cli/files": {"core/", "daemon/base", "drivers/tables", "daemon/cli/campaigns"} | CAMPAIGN | CLI,
    "daemon/cli/results": {"core/", "daemon/base", "drivers/tables", "daemon/cli/campaigns"} | CAMPAIGN | CLI,
    "daemon/cli/operation": {"core/", "daemon/base", "drivers/tables", "daemon/store"} | CAMPAIGN | CLI,
    "daemon/service": {"core/", "daemon/base", "daemon/http", "daemon/jobs", "daemon/store", "drivers/exec",
                       "drivers/folder", "drivers/mqtt", "drivers/supervisor", "drivers/tables"} | CAMPAIGN,
}
FORBIDDEN_IN_CORE = re.compile(
    r'#include [<"](boost/(?!math/)|sqlite3|nlohmann|spdlog|curl|toml|openssl|CLI|mosquitto|date/)')
# Functions above 80 lines. The list only shrinks.
LONG_FUNCTIONS = {
    "core/regression/huber/huber_folds_kernel.h:solve_sized",
    "core/regression/huber/vertex_kernel.h:vertex_fit",
    "core/regression/huber/vertex_kernel.h:vertex_fold",
    "daemon/campaign/ingest/json_rows.cc:read_catalyst",
    "daemon/campaign/ingest/json_rows.cc:read_row",
    "daemon/campaign/learning/hypothesis_record.cc:hypothesis_record",
    "daemon/campaign/planning/recommend.cc:recommend",
    "daemon/http/result_routes.cc:Api::add_result_routes",
    "drivers/tables/profile_columns.cc:match_columns",
    "tests/benchmark/accuracy.cc:main",
    "tests/benchmark/cancel_benchmark.cc:main",
    "tests/benchmark/store_benchmark.cc:learning",
    "tests/daemon/campaign/file/campaign_file_test.cc:TEST",
    "tests/daemon/campaign/learning/learn_test.cc:TEST_F",
    "tests/daemon/store/late_index_test.cc:TEST_F",
}
LONGEST_FUNCTION = 80
# Names that two types of the project share. The list only shrinks.
SHARED_NAMES = {
    "Arguments",
    "Best",
    "Connection",
    "Context",
    "Correction",
    "Driver",
    "Flag",
    "Found",
    "Group",
    "Layout",
    "Loading",
    "Message",
    "Model",
    "Plan",
    "Progress",
    "Proposal",
    "Range",
    "Rule",
    "Scored",
    "State",
    "TrainingSet",
    "Tree",
    "Verdict",
}
# Files of other languages lie in folders of their own, without rules for includes.
OTHER_LANGUAGES = {"daemon/web/pages", "daemon/web/parts", "daemon/web/words", "drivers/bridges", "drivers/client", "drivers/virtual_lab"}


def sources(*suffixes, tops=("core", "daemon", "drivers", "tests")):
    for top in tops:
        for path in sorted((SOURCE / top).rglob("*")):
            if path.suffix in suffixes and path.is_file():
                yield path


def room(path):
    return path.relative_to(SOURCE).parent.as_posix()


def allowed(target, rules):
    folder = target.rsplit("/", 1)[0]
    return any(target == rule or folder == rule or (rule.endswith("/") and target.startswith(rule)) for rule in rules)


class Layout(unittest.TestCase):
    def built(self):
        commands = json.loads((BUILD / "compile_commands.json").read_text())
        return {pathlib.Path(c["file"]).resolve() for c in commands}

    def test_every_test_file_is_built(self):
        on_disk = {p for p in (SOURCE / "tests").rglob("*_test.cc")}
        self.assertGreater(len(on_disk), 2)
        self.assertEqual(sorted(str(p) for p in on_disk - self.built()), [])

    def test_every_source_file_is_built(self):
        built = self.built()
        missing = [str(p) for p in sources(".cc", tops=("core", "daemon", "drivers")) if p not in built]
        self.assertEqual(missing, [])

    def test_no_test_is_disabled(self):
        word = "DISABLED" + "_"
        for path in sources(".cc", ".h"):
            self.assertNotIn(word, path.read_text(), str(path))

    def test_core_knows_no_io_library(self):
        for path in sources(".cc", ".h", tops=("core",)):
            self.assertIsNone(FORBIDDEN_IN_CORE.search(path.read_text()), str(path))

    def test_no_file_lies_loose(self):
        for top in ("core", "daemon", "drivers"):
            loose = [p.name for p in (SOURCE / top).iterdir() if p.is_file() and p.name != "CMakeLists.txt"]
            self.assertEqual(loose, [], f"{top}/ holds folders and its CMakeLists.txt only")

    def test_every_folder_has_a_rule(self):
        rooms = {room(p) for p in sources(".cc", ".h", tops=("core", "daemon", "drivers"))}
        self.assertEqual(sorted(rooms - set(ARROWS)), [], "folders without a rule")
        self.assertEqual(sorted(set(ARROWS) - rooms), [], "rules without a folder")
        for top in ("core", "daemon", "drivers"):
            for folder in (p for p in (SOURCE / top).rglob("*") if p.is_dir() and p.name != "__pycache__"):
                name = folder.relative_to(SOURCE).as_posix()
                known = any(name == r or r.startswith(name + "/") for r in ARROWS)
                self.assertTrue(known or any(name == o or name.startswith(o + "/") for o in OTHER_LANGUAGES), name)

    def test_arrows_point_one_way(self):
        wrong = []
        for path in sources(".cc", ".h", tops=("core", "daemon", "drivers")):
            here = room(path)
            for target in re.findall(r'#include "((?:core|daemon|drivers|tests)/[^"]+)"', path.read_text()):
                if target.rsplit("/", 1)[0] != here and not allowed(target, ARROWS.get(here, set())):
                    wrong.append(f"{path.relative_to(SOURCE)} must not include {target}")
        self.assertEqual(wrong, [])

    def test_functions_fit_a_screen(self):
        found = {}
        for path in sources(".cc", ".h"):
            for name, length in cpp_outline.functions(path.read_text()):
                if length > LONGEST_FUNCTION:
                    found[f"{path.relative_to(SOURCE)}:{name}"] = length
        self.assertEqual({k: v for k, v in found.items() if k not in LONG_FUNCTIONS}, {}, "functions that are too long")
        self.assertGreater(len(list(cpp_outline.functions((SOURCE / "core/base/csv.cc").read_text()))), 3)

    def test_no_conditional_expression_waits(self):
        # GCC 12.2 destroys the value of `here ? now() : co_await later()` twice: the daemon ended at the first delivery.
        waiting = re.compile(r"\?[^;{}]*\bco_await\b")
        self.assertIsNotNone(waiting.search("Value value = here ? now() :\n      co_await later();"))
        for path in sources(".cc", ".h"):
            code = re.sub(r"//[^\n]*", "", path.read_text())
            self.assertIsNone(waiting.search(code), f"{path.relative_to(SOURCE)}: write if and else")

    def test_no_two_types_share_a_name(self):
        places = collections.defaultdict(set)
        for path in sources(".cc", ".h", tops=("core", "daemon", "drivers")):
            for name in cpp_outline.types(path.read_text()):
                places[name].add(str(path.relative_to(SOURCE)))
        self.assertGreater(len(places), 200)
        shared = {name: sorted(files) for name, files in places.items() if len(files) > 1 and name not in SHARED_NAMES}
        self.assertEqual(shared, {})

    def test_the_architecture_page_names_what_is_there(self):
        text = (SOURCE / "docs" / "architecture.md").read_text()
        walk = text.split("## One measurement")[1].split("\n## ")[0]
        files = re.findall(r"`((?:core|daemon|drivers|tests|schema|config)/[^` ]+)`", text)
        for name in files:
            self.assertTrue((SOURCE / name.rstrip("/*")).exists(), f"docs/architecture.md names {name}, which is not there")
        walked = [name for name in files if f"`{name}`" in walk and pathlib.Path(name).suffix in (".cc", ".h")]
        self.assertGreater(len(walked), 9)
        self.assertLessEqual(len(set(walked)), 15, "one measurement's way is at most 15 files")

    def test_rules_have_no_circle(self):
        def expand(rules):
            return {r for r in ARROWS for rule in rules
                    if r == rule or (rule.endswith("/") and r.startswith(rule)) or rule.startswith(r + "/") and "." in rule}
        graph = {here: expand(rules) - {here} for here, rules in ARROWS.items()}
        done, path = set(), []

        def visit(node):
            self.assertNotIn(node, path, f"a circle: {path}")
            if node in done:
                return
            path.append(node)
            for target in sorted(graph[node]):
                visit(target)
            path.pop()
            done.add(node)
        for node in graph:
            visit(node)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
