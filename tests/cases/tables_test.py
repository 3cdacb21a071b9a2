"""Twelve tables as laboratories keep them go the whole way, at the first or second try: `kasetsu table`, `fit`, `campaign
draft`, `apply`, `results import` and the folder door. With KASETSU_SHOW_TRIES=1 the tries and messages are printed."""
import json
import os
import pathlib
import re
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["KASETSU_SOURCE"]) / "tests" / "daemon" / "cli"))
from program import DaemonTest, PATIENCE  # noqa: E402

TABLES = sorted((pathlib.Path(os.environ["KASETSU_SOURCE"]) / "tests" / "data" / "tables").glob("*.json"))
SHOW = os.environ.get("KASETSU_SHOW_TRIES") == "1"


def options_of(expected):
    """What the second try says, as options of the command line."""
    words = []
    for name, value in expected["options"].items():
        for one in value if isinstance(value, list) else [value]:
            words += ["--" + name.replace("_", "-"), one]
    return words


def advised(message):
    """Columns that the message says to leave out."""
    words = []
    for name in sorted(set(re.findall(r'--ignore "([^"]+)"', message))):
        words += ["--ignore", name]
    return words


class Tries:
    """One command, tried with the target alone, then with the options that the messages advise."""

    def __init__(self, test, name):
        self.test, self.name = test, name

    def run(self, what, first, more, codes=(0,)):
        done = self.test.run_program(*first)
        tries = 1
        if done.returncode not in codes:
            message = " ".join(done.stderr.split())
            if SHOW:
                print(f"{self.name}: {what}, first try: {message[:600]}")
            more = [*more, *[word for word in advised(message)]]
            self.test.assertTrue(more, f"{self.name}, {what}: {message}")
            done = self.test.run_program(*first, *more)
            tries = 2
        self.test.assertIn(done.returncode, codes, f"{self.name}, {what}: {done.stderr}")
        if SHOW:
            print(f"{self.name}: {what}: {tries} {'try' if tries == 1 else 'tries'}")
        return done, tries, more if tries == 2 else []


class LaboratoryTables(DaemonTest):
    def whole_way(self, number, path, url):
        expected = json.loads(path.read_text(encoding="utf-8"))
        file, target = str(path)[:-5], expected["target"]
        name = pathlib.Path(file).name
        tries = Tries(self, name)
        told = options_of(expected)
        measured = [row["value"] for row in expected["rows"] if row["value"] is not None]

        done, _, more = tries.run("table", ["table", file, "--target", target], told)
        self.assertIn(f"{len(measured)} measured", done.stdout, name)
        shown = self.json("table", file, "--target", target, *more)
        self.assertEqual(shown["readable"], len(expected["rows"]), name)
        column = next(c for c in shown["columns"] if c["role"] == "target")
        self.assertEqual(column["measured"], len(measured), name)

        fit = ["fit", file, "--target", target, "--size", "1", "--order", "0", "--time-limit", "1", "--threads", "1", *more]
        tries.run("fit", fit, ["--skip-rows-without-target"])

        draft = self.folder / f"table{number}.toml"
        tries.run("draft", ["campaign", "draft", file, "--target", target, "--unit", column["unit"] or "1", "--goal", "maximize",
                            "--name", f"table{number}", "--batch", "2", "--out", str(draft), *more], told)
        self.ok("campaign", "validate", str(draft), environment=url)
        self.ok("campaign", "apply", str(draft), environment=url)
        done, _, _ = tries.run("import", ["results", "import", f"table{number}", file, "--url", url["KASETSU_URL"], *more], [])
        live = self.json("results", "export", f"table{number}", environment=url)["measurements"]
        self.assertEqual(sorted(m["value"] for m in live if not m["excluded"]), sorted(measured), name)

        profile = self.folder / f"table{number}-profile.toml"
        self.ok("table", file, "--target", target, *more, "--write-profile", str(profile))
        sheet = ["--sheet", expected["options"]["sheet"]] if "sheet" in expected["options"] else []
        again = self.json("table", file, "--profile", str(profile), *sheet)
        self.assertEqual(again["readable"], len(expected["rows"]), name)
        self.ok(*fit[:4], "--size", "1", "--order", "0", "--time-limit", "1", "--threads", "1", "--profile", str(profile),
                "--skip-rows-without-target", *sheet)

    def test_kind_19_and_20_twelve_tables_go_the_whole_way(self):
        self.assertEqual(len(TABLES), 12)
        _, url = self.start()
        for number, path in enumerate(TABLES):
            with self.subTest(table=path.name):
                self.whole_way(number, path, {"KASETSU_URL": url})

    def test_kind_19_a_folder_takes_what_its_driver_is_told(self):
        """The same tables through the folder door, with the options of the driver or a profile written by `table`."""
        profiles = self.folder / "profiles"
        profiles.mkdir()
        config = [f'[profiles]\nfolder = "{profiles}"\n']
        for number, path in enumerate(TABLES):
            expected = json.loads(path.read_text(encoding="utf-8"))
            config.append(f'[drivers.table{number}]\nkind = "folder"\ncampaign = "table{number}"\n'
                          f'path = "{self.folder}/inbox{number}"\nsettle_s = 0.2\nscan_s = 0.2\n'
                          + "".join(f"{key} = {json.dumps(value)}\n" for key, value in expected["options"].items())
                          + 'ignore = ["Replicate"]\n' * (path.name.startswith("alloys")))
        (self.folder / "kasetsud.toml").write_text("\n".join(config), encoding="utf-8")
        _, url = self.start("--config", str(self.folder / "kasetsud.toml"))
        for number, path in enumerate(TABLES):
            expected = json.loads(path.read_text(encoding="utf-8"))
            file = pathlib.Path(str(path)[:-5])
            with self.subTest(table=file.name):
                draft = self.folder / f"table{number}.toml"
                self.ok("campaign", "draft", str(file), "--target", expected["target"], "--unit", "1", "--goal", "maximize",
                        "--name", f"table{number}", "--batch", "2", "--out", str(draft), *options_of(expected))
                self.ok("campaign", "apply", str(draft), "--url", url)
                (self.folder / f"inbox{number}" / "inbox" / file.name).write_bytes(file.read_bytes())
                measured = sorted(row["value"] for row in expected["rows"] if row["value"] is not None)
                deadline = time.monotonic() + 30 * PATIENCE
                live = []
                while live != measured and time.monotonic() < deadline:
                    time.sleep(0.1)
                    live = sorted(m["value"] for m in
                                  self.json("results", "export", f"table{number}", "--url", url)["measurements"]
                                  if not m["excluded"])
                reasons = [r.read_text(encoding="utf-8")
                           for r in (self.folder / f"inbox{number}" / "quarantine").glob("*.reason.json")]
                self.assertEqual(live, measured, (file.name, reasons))


if __name__ == "__main__":
    unittest.main(verbosity=2)
