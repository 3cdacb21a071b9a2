"""The tree as the design lays it out: every test file is built, none is disabled, arrows point one way."""
import json
import pathlib
import re
import sys
import unittest

SOURCE = pathlib.Path(sys.argv[1]).resolve()
BUILD = pathlib.Path(sys.argv[2]).resolve()

# Which project folders a folder may include from, beside itself.
CORE = {"core"}
ARROWS = {
    "core/chemistry": {"core"},
    "core/descriptors": {"core", "core/chemistry"},
    "core/regression": {"core"},
    "core/selection": {"core", "core/chemistry", "core/descriptors", "core/regression"},
    "core/planning": {"core", "core/chemistry", "core/descriptors", "core/regression", "core/selection"},
    "drivers/tables": {"core", "core/chemistry"},
    "drivers/exec": {"core/", "daemon/campaign", "drivers"},
    "drivers/folder": {"core/", "daemon/campaign", "drivers"},
    "drivers/mqtt": {"core/", "daemon/campaign", "drivers"},
    "drivers": {"core/", "daemon/campaign", "drivers/tables"},
    "daemon/campaign": {"core/", "drivers/tables"},
    "daemon/store": {"core/", "daemon/campaign"},
    "daemon/jobs": {"core/", "daemon/campaign"},
    "daemon/http": {"core/", "daemon/campaign", "drivers/tables"},
    "daemon/cli": {"core/", "daemon", "daemon/campaign", "drivers/tables"},
}
FORBIDDEN_IN_CORE = re.compile(r'#include [<"](boost|sqlite3|nlohmann|spdlog|curl|toml|openssl|CLI|mosquitto)')


def sources(*suffixes):
    for top in ("core", "daemon", "drivers", "tests"):
        for path in sorted((SOURCE / top).rglob("*")):
            if path.suffix in suffixes and path.is_file():
                yield path


def room(path):
    return path.relative_to(SOURCE).parent.as_posix()


class Layout(unittest.TestCase):
    def test_every_test_file_is_built(self):
        commands = json.loads((BUILD / "compile_commands.json").read_text())
        built = {pathlib.Path(c["file"]).resolve() for c in commands}
        on_disk = {p for p in (SOURCE / "tests").rglob("*_test.cc")}
        self.assertGreater(len(on_disk), 2)
        self.assertEqual(sorted(str(p) for p in on_disk - built), [])

    def test_every_source_file_is_built(self):
        commands = json.loads((BUILD / "compile_commands.json").read_text())
        built = {pathlib.Path(c["file"]).resolve() for c in commands}
        missing = [str(p) for p in sources(".cc")
                   if p not in built and "tests" not in p.relative_to(SOURCE).parts]
        self.assertEqual(missing, [])

    def test_no_test_is_disabled(self):
        word = "DISABLED" + "_"
        for path in sources(".cc", ".h"):
            self.assertNotIn(word, path.read_text(), str(path))

    def test_core_knows_no_io_library(self):
        for path in sources(".cc", ".h"):
            if path.relative_to(SOURCE).parts[0] == "core":
                self.assertIsNone(FORBIDDEN_IN_CORE.search(path.read_text()), str(path))

    def test_arrows_point_one_way(self):
        for path in sources(".cc", ".h"):
            here = room(path)
            rule = next((r for r in ARROWS if here == r or here.startswith(r + "/")), None)
            if here == "core":
                allowed = {"core"}
            elif rule is None:
                continue
            else:
                allowed = ARROWS[rule]
            for target in re.findall(r'#include "((?:core|daemon|drivers)/[^"]+)"', path.read_text()):
                if target == "daemon/asio.h" and here.startswith("daemon/"):
                    continue  # the door to a library, no box of its own
                folder = target.rsplit("/", 1)[0]
                inside = rule is not None and (folder == rule or folder.startswith(rule + "/"))
                named = folder in allowed or any(a.endswith("/") and (folder + "/").startswith(a) for a in allowed)
                self.assertTrue(inside or named, f"{path}: {here} must not include {target}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
