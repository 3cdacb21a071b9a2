"""Tables of other tools: what is exported and imported again is the same, and what NOMAD's tables hold comes back whole."""
import csv
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import lab

sys.path.insert(0, os.path.join(lab.SOURCE, "drivers", "bridges"))
import kasetsu_bridge as bridge  # noqa: E402  (it lies in a folder that is no package)

NIMO = """Li,Mn,Na,W,support=MgO,support=SiO2,C2_yield
0.5,0,0,0,1,0,8.25
0,0.4,0.4,0.2,0,1,20.1
0.25,0.25,0,0,1,0,
0,0.1,0.3,0,0,1,1e-3
"""
EDBO = """M1,M2,M3,Support,temperature_C,C2_yield,CH4_conversion,priority
Li,none,none,MgO,800,8.25,20.5,-1
Li,Li,Mn,MgO,800,PENDING,PENDING,1
Mn,Na,W,SiO2,850,20.1,PENDING,-1
Na,W,none,SiO2,850,PENDING,PENDING,0
"""
BAYBE = """catalyst,temperature_C,C2_yield,BatchNr,FitNr
Mn-Na2WO4/SiO2,800,20.1,1,1.0
Mn-Na2WO4/SiO2,800,19.7,2,
Li/MgO,750,8.25,2,
"""
AWAITED = "Catalyst,C2_yield\nLi/MgO,8.25\nNa-W/SiO2,pending\nMn-Na2WO4/SiO2,\n"


class Moving(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="kasetsu_moving_")
        cls.daemon = lab.Daemon(cls.folder)

    @classmethod
    def tearDownClass(cls):
        cls.daemon.end()
        shutil.rmtree(cls.folder, True)

    def campaign(self, name):
        self.daemon.ask("POST", "/v1/campaigns", lab.CAMPAIGN.replace('name = "doors"', f'name = "{name}"').encode(),
                        "application/toml")

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def bridge(self, *arguments, code=0):
        result = subprocess.run([sys.executable, "-I", os.path.join(lab.SOURCE, "drivers", "bridges", "kasetsu_bridge.py"),
                                 "--url", f"http://127.0.0.1:{self.daemon.port}", *arguments],
                                capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(result.returncode, code, result.stderr)
        return result.stdout if code == 0 else result.stderr

    def kasetsu(self, *arguments):
        result = subprocess.run([os.path.join(lab.BIN, "kasetsu"), *arguments], capture_output=True, text=True, timeout=120,
                                check=False, env=dict(os.environ, KASETSU_URL=f"http://127.0.0.1:{self.daemon.port}"))
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def values(self, campaign):
        found = []
        for m in self.daemon.pages(f"/v1/campaigns/{campaign}/measurements", "measurements"):
            found.append((m["catalyst"]["key"], m["property"], m["value"], json.dumps(m["conditions"], sort_keys=True)))
        return sorted(found)

    def test_what_is_measured_comes_in_and_what_is_awaited_does_not(self):
        cases = [
            ("nimo", NIMO, ["--target", "C2_yield"],
             [("Li:0.5/MgO", 8.25), ("Mn:0.1;Na:0.3/SiO2", 1e-3), ("Mn:2;Na:2;W:1/SiO2", 20.1)]),
            ("edbo", EDBO, ["--target", "C2_yield", "--target", "CH4_conversion", "--condition", "temperature_C"],
             [("Li:1/MgO", 8.25), ("Li:1/MgO", 20.5), ("Mn:1;Na:1;W:1/SiO2", 20.1)]),
            ("baybe", BAYBE, ["--target", "C2_yield", "--condition", "temperature_C"],
             [("Li:1/MgO", 8.25), ("Mn:1;Na:2;W:1/SiO2", 19.7), ("Mn:1;Na:2;W:1/SiO2", 20.1)]),
            ("pending", AWAITED, ["--target", "C2_yield"], [("Li:1/MgO", 8.25)]),
        ]
        for form, table, options, expected in cases:
            with self.subTest(form=form):
                self.campaign("in-" + form)
                path = self.write(form + ".csv", table)
                for _ in range(2):  # the second time there is nothing new
                    self.bridge("import", "--from", form, path, "--campaign", "in-" + form, *options)
                    self.assertEqual(sorted((k, v) for k, _, v, _ in self.values("in-" + form)), sorted(expected))

    def test_a_grown_file_is_simply_imported_again(self):
        self.campaign("grown")
        path = self.write("grown.csv", AWAITED)
        self.bridge("import", "--from", "pending", path, "--campaign", "grown", "--target", "C2_yield")
        self.write("grown.csv", AWAITED.replace("pending", "3.5"))
        self.bridge("import", "--from", "pending", path, "--campaign", "grown", "--target", "C2_yield")
        self.assertEqual([(k, v) for k, _, v, _ in self.values("grown")], [("Li:1/MgO", 8.25), ("Na:1;W:1/SiO2", 3.5)])

    def test_out_and_in_again_is_the_same(self):
        self.campaign("home")
        rows = [r for r in lab.run_rows(channels=6, conditions=3, replicates=2, seed=3)
                if isinstance(r["values"]["C2_yield"], float) and "Xx" not in r["catalyst"]["slots"]]
        self.daemon.ask("POST", "/v1/campaigns/home/measurements?source=rig-1&run=run-1", json.dumps({"rows": rows}).encode())
        self.daemon.ask("POST", "/v1/campaigns/home/proposals",
                        json.dumps({"catalyst": {"slots": ["Ba", "W", "W"], "support": "SiO2"}, "reason": "a wish"}).encode())
        conditions = [o for c in rows[0]["conditions"] for o in ("--condition", c)]
        targets = ["--target", "C2_yield", "--target", "CH4_conversion"]
        before = self.values("home")
        self.assertEqual(len(before), 2 * len(rows))
        for form in bridge.FORMATS:
            with self.subTest(form=form):
                path = os.path.join(self.folder, f"out-{form}.csv")
                self.bridge("export", "--to", form, "--campaign", "home", "--out", path, *targets)
                with open(path, encoding="utf-8") as file:
                    text = file.read()
                with self.subTest("the open proposal"):
                    last = next(csv.reader(io.StringIO(text.splitlines()[-1])))
                    head = next(csv.reader(io.StringIO(text)))
                    if form == "baybe":
                        self.assertEqual(len(text.splitlines()), 1 + len(rows))
                    else:
                        cell = dict(zip(head, last))
                        self.assertEqual(cell["C2_yield"], "" if form == "nimo" else "PENDING")
                        self.assertEqual((cell["Ba"], cell["W"]), ("1", "2"))
                self.campaign("back-" + form)
                if form != "baybe":
                    # The open one has no conditions; the importer wants a number in each.
                    lines = text.splitlines()
                    text = "\n".join(lines[:-1]) + "\n"
                    self.write(f"out-{form}.csv", text)
                self.bridge("import", "--from", form, path, "--campaign", "back-" + form, *targets, *conditions)
                self.assertEqual(self.values("back-" + form), before)

    def test_a_campaign_file_of_their_candidates(self):
        path = self.write("scope.csv", NIMO)
        toml = self.bridge("campaign", "--from", "nimo", path, "--target", "C2_yield", "--unit", "%", "--name", "moved",
                           "--batch", "2")
        answer = self.daemon.ask("POST", "/v1/campaigns", toml.encode(), "application/toml")
        self.assertEqual(answer["name"], "moved")
        self.bridge("import", "--from", "nimo", path, "--campaign", "moved", "--target", "C2_yield")
        self.assertEqual(len(self.values("moved")), 3)
        self.assertIn('"Li:0.25;Mn:0.25/MgO"', toml)

    def test_what_is_wrong_is_named_with_its_place(self):
        self.campaign("wrong")
        for table, words in ((NIMO.replace("20.1", "lots"), ["wrong.csv:3", "C2_yield", "lots"]),
                             (NIMO.replace("0,0.4", "-1,0.4"), ["wrong.csv:3", "negative"]),
                             (NIMO.replace("1,0,8.25", "1,1,8.25"), ["wrong.csv:2", "two supports"]),
                             (NIMO.replace("Li,", "Lithium,"), ["wrong.csv:1", "Lithium"]),
                             (NIMO.replace("8.25", "nan"), ["wrong.csv:2", "finite"])):
            path = self.write("wrong.csv", table)
            said = self.bridge("import", "--from", "nimo", path, "--campaign", "wrong", "--target", "C2_yield", code=65)
            for word in words:
                self.assertIn(word, said)
        self.assertEqual(self.values("wrong"), [])

    def test_nomad_and_back_loses_nothing(self):
        head = lab.CAMPAIGN.replace("[[space]]", '[[properties]]\nname = "C2H4_selectivity"\nunit = "%"\n\n[[properties]]\n'
                                    'name = "carbon_balance"\nunit = "%"\n\n[[properties]]\nname = "T50(NO)"\nunit = ""\n\n[[space]]', 1)
        for name in ("nomad-from", "nomad-to"):
            self.daemon.ask("POST", "/v1/campaigns", head.replace('name = "doors"', f'name = "{name}"').encode(),
                            "application/toml")
        rows = lab.run_rows(channels=4, conditions=5, replicates=2, seed=11)
        rows = [r for r in rows if isinstance(r["values"]["C2_yield"], float) and "Xx" not in r["catalyst"]["slots"]]
        for i, row in enumerate(rows):
            row["measured_at"] = f"2026-03-01T09:{i % 60:02d}:30.250000Z"
            row["conditions"]["time_on_stream_h"] = 0.1 * (i + 1) / 3.0
            row["conditions"]["fraction_CH4"] = 40.0
            row["values"]["C2H4_selectivity"] = 100.0 / (3.0 + i)
        rows += [
            {"catalyst": {"amounts": {"Mn": 0.371, "Na": 0.742, "W": 0.371}, "support": "SiO2"}, "channel": "9",
             "values": {"C2_yield": 20.125, "carbon_balance": 99.9}},
            {"catalyst": {"slots": ["Li", "Li", "none"], "support": "MgO", "preparation": "sol-gel, aged 12 h"}, "channel": "10",
             "values": {"C2_yield": 7.0}},
            {"catalyst": {"slots": [], "support": "MgO"}, "kind": "support", "channel": "11", "values": {"C2_yield": 0.5}},
            {"kind": "blank", "channel": "12", "values": {"C2_yield": 0.01, "T50(NO)": 250.5}},
            {"catalyst": "Mn-Na2WO4/SiO2", "kind": "reference", "channel": "13", "sample": "ref, \"standard\"",
             "values": {"C2_yield": 19.9}},
        ]
        answer = self.daemon.ask("POST", "/v1/campaigns/nomad-from/measurements?source=rig-1&run=run-1",
                                 json.dumps({"rows": rows}).encode())
        self.assertEqual([r for r in answer["rows"] if r["verdict"] == "quarantined"], [])
        self.kasetsu("results", "export", "nomad-from", "--format", "nomad", "--out", self.folder)
        reactions = os.path.join(self.folder, "nomad-from_CatalyticReactionCollection.csv")
        self.kasetsu("results", "import", "nomad-to", reactions, "--profile", "nomad_catalysis")

        def content(name):
            kept = []
            for m in self.daemon.pages(f"/v1/campaigns/{name}/measurements", "measurements"):
                kept.append(tuple(json.dumps(m[k], sort_keys=True) for k in (
                    "catalyst", "kind", "property", "value", "unit", "source", "run", "channel", "sequence", "replicate",
                    "sample", "conditions", "measured_at")))
            return sorted(kept)

        self.assertEqual(len(content("nomad-from")), sum(len(r["values"]) for r in rows))
        self.assertEqual(content("nomad-to"), content("nomad-from"))
        with open(os.path.join(self.folder, "nomad-from_CatalystSampleCollection.csv"), encoding="utf-8") as file:
            samples = {r["lab_id"]: r for r in csv.DictReader(file)}
        reference = samples['ref, "standard"']
        self.assertEqual(reference["Elements"], "Mn,Na,W")
        self.assertEqual([float(x) for x in reference["atom_fractions"].split(",")], [0.25, 0.5, 0.25])
        with open(reactions, encoding="utf-8") as file:
            header = next(csv.reader(file))
        for name in ("temperature", "y C2 (%)", "x_r CH4 (%)", "S_p C2H4 (%)", "C-balance (%)", "x CH4 (%)", "TOS (h)"):
            self.assertIn(name, header)


if __name__ == "__main__":
    unittest.main(argv=["moving_test.py"], verbosity=2)
