"""Kind 15: what a campaign exports comes back. Random campaigns of measurements go out by `results export` and into an empty
campaign by every door that reads tables: the live values, what they were measured on and under, their flags and the
compositions as they were told are the same."""
import json
import random
import re
import unittest
import urllib.request

from doors import CAMPAIGN, Laboratory

PROPERTIES = """
[[properties]]
name = "conversion"
unit = "%"
plausible = [0, 100]

[conditions]
temperature_C = [700, 800]
"""
LABELS = [None, "=1+1", "-x", "S 1", "A;1", 'a"b', "試料1", "@home", "+7"]


def random_row(rng):
    metals = rng.sample(["Li", "Na", "K", "Mn", "W", "Ba"], rng.randint(1, 3))
    catalyst = rng.choice([
        lambda: {"slots": metals + ["none"] * (3 - len(metals)), "support": rng.choice(["MgO", "SiO2"])},
        lambda: "-".join(metals) + "/SiO2",
        lambda: {"amounts": {metal: 1.0 / len(metals) for metal in metals}, "support": "MgO"},
        lambda: "MgO",
    ])()
    row = {"catalyst": catalyst,
           "conditions": {"temperature_C": rng.choice([700, 723.15, 800])},
           "values": {name: rng.choice([round(rng.uniform(0, 100), 3), 0, 1e-7, 120.5])
                      for name in rng.sample(["C2_yield", "conversion"], rng.randint(1, 2))}}
    if rng.random() < 0.4:
        row["conditions"]["GHSV"] = rng.choice([100, 800.5])
    if rng.random() < 0.2:
        row["conditions"]["CH4/O2"] = rng.choice([2, 4])
    if rng.random() < 0.1:
        row = {"kind": "blank", "conditions": {}, "values": {"C2_yield": 0.1}}
    elif rng.random() < 0.2:
        row["kind"] = "reference"
    if rng.random() < 0.3:
        row["measured_at"] = f"2026-0{rng.randint(1, 9)}-11T08:30:00Z"
    if rng.random() < 0.3:
        row["replicate"] = rng.randint(1, 3)
    return row


class RoundTrip(Laboratory):
    def measured(self, campaign):
        """Everything of a live measurement that does not belong to its delivery."""
        _, page = self.ask("GET", f"/v1/campaigns/{campaign}/measurements?limit=1000")
        kept = [m for m in page["measurements"] if not m["retracted"] and not m["superseded_by"]
                and (not m["excluded"] or "censored" in m["flags"])]
        return sorted(json.dumps({"catalyst": m["catalyst"]["key"], **{name: m[name] for name in (
            "property", "value", "unit", "conditions", "kind", "sample", "channel", "sequence", "replicate", "source", "run",
            "measured_at", "told", "flags", "excluded")}}, sort_keys=True, ensure_ascii=False) for m in kept)

    def fill(self, campaign, rng):
        labels = [label for label in LABELS if label]
        rng.shuffle(labels)
        for delivery in range(4):
            rows = [random_row(rng) for _ in range(10)]
            for row in rng.sample(rows, 3):
                if labels and "catalyst" in row:
                    row["sample"] = labels.pop()
            if delivery == 3:
                for i, row in enumerate(rows):
                    row.update({"channel": str(i % 4), "sequence": i, "replicate": 1})
            body = {"source": rng.choice(["", "rig 2"]), "run": f"r{delivery}", "rows": rows, "repeats": "keep"}
            status, answer = self.ask("POST", f"/v1/campaigns/{campaign}/measurements", json.dumps(body).encode())
            self.assertEqual(status, 200, answer)
            self.assertEqual(answer["quarantined"], 0, answer)
        self.table_http(campaign, b"M1,Support,temperature_C,GHSV,C2_yield,conversion\nCa,MgO,700,100,<0.5,12\n", ignore=["GHSV"])
        for m in self.ask("GET", f"/v1/campaigns/{campaign}/measurements?limit=1000")[1]["measurements"]:
            verb = rng.choice(["retract", "exclude", "supersede"] + [None] * 20)
            # A flag tells of the row; what is taken out of a row with one may take it from the others.
            if verb and not m["flags"]:
                body = {"reason": "leak", **({"value": 3.5} if verb == "supersede" else {})}
                self.assertEqual(self.ask("POST", f"/v1/measurements/{m['id']}:{verb}", json.dumps(body).encode())[0] // 100, 2)

    def test_random_campaigns_come_back(self):
        into = [f"folder-{seed}" for seed in range(6)]
        self.open("".join(self.folder_driver(self.folder, name, {}) for name in into))
        text = CAMPAIGN.replace("CONDITIONS", PROPERTIES)
        for seed in range(6):
            rng = random.Random(seed)
            out = f"out-{seed}"
            self.ask("POST", "/v1/campaigns", text.replace("NAME", out).encode(), "application/toml")
            self.fill(out, rng)
            exported = self.ok("results", "export", out, "--all", "--url", self.url).stdout.encode()
            for door, deliver in {"http": self.table_http, "cli": self.table_cli, "folder": self.table_folder}.items():
                with self.subTest(seed=seed, door=door):
                    name = f"{door}-{seed}"
                    self.ask("POST", "/v1/campaigns", text.replace("NAME", name).encode(), "application/toml")
                    told = deliver(name, exported)
                    self.maxDiff = None
                    self.assertEqual(self.measured(name), self.measured(out), told)

    def amounts_campaign(self, name, composition):
        """composition: a basis, or "slots"."""
        space = """
[[space]]
kind = "grid"
elements = ["Co", "K", "Ni"]
loadings = [0.1, 0.2]
min_elements = 1
max_elements = 2
supports = ["MgO", "SiO2"]

"""
        text = CAMPAIGN.replace("NAME", name).replace("CONDITIONS", "")
        if composition != "slots":
            head, rest = text.split("[[space]]")
            text = head + f'[composition]\nbasis = "{composition}"\n' + space + rest[rest.index("[planner]"):]
        status, answer = self.ask("POST", "/v1/campaigns", text.encode(), "application/toml")
        self.assertEqual(status, 201, answer)

    def exports(self, campaign):
        """Of the command line and of the daemon."""
        yield "cli", self.ok("results", "export", campaign, "--url", self.url).stdout.encode()
        request = urllib.request.Request(f"{self.url}/v1/campaigns/{campaign}/measurements", headers={"Accept": "text/csv"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            yield "daemon", answer.read()

    def keys(self, campaign):
        return sorted(key for key, _, _ in self.live(campaign))

    def test_the_unit_of_amounts_goes_with_an_export(self):
        table = b"Ni (wt%),K (wt%),Support,C2_yield\n5,0,MgO,7\n2.5,0.5,SiO2,8\n0,0,MgO,1\n"
        bases = ("wt_percent_of_catalyst", "mass_fraction", "mmol_per_g_support")
        folders = [f"{source}-cli-{into}-folder".replace("_", "-") for source in bases for into in bases]
        self.open("".join(self.folder_driver(self.folder, name, {}) for name in folders))
        for into in bases:
            self.amounts_campaign(f"direct-{into}", into)
            self.table_http(f"direct-{into}", table)
            self.assertEqual(len(self.keys(f"direct-{into}")), 3)
        for source in bases:
            for exporter, exported in self.exports(f"direct-{source}"):
                for into in bases:
                    for door, deliver in {"http": self.table_http, "cli": self.table_cli, "folder": self.table_folder}.items():
                        name = f"{source}-{exporter}-{into}-{door}".replace("_", "-")
                        if door == "folder" and name not in folders:
                            continue
                        with self.subTest(name=name):
                            self.amounts_campaign(name, into)
                            told = deliver(name, exported)
                            self.assert_alike(self.keys(name), self.keys(f"direct-{into}"), told)

    def assert_alike(self, keys, expected, told):
        """The same but for the last digit of a conversion there and back."""
        self.assertEqual(len(keys), len(expected), told)
        for key, other in zip(keys, expected):
            numbers, others = (re.findall(r":([0-9.e-]+)", text) for text in (key, other))
            self.assertEqual(re.sub(r":[0-9.e-]+", ":", key), re.sub(r":[0-9.e-]+", ":", other), told)
            for a, b in zip(numbers, others):
                self.assertAlmostEqual(float(a), float(b), delta=1e-6 * float(b))

    def test_ratios_of_an_export_become_no_loadings(self):
        self.open()
        self.amounts_campaign("ratios", "slots")
        self.table_http("ratios", b"M1,M2,Support,C2_yield\nNi,K,MgO,7\n")
        for exporter, exported in self.exports("ratios"):
            with self.subTest(exporter=exporter):
                self.amounts_campaign(f"weights-{exporter}", "wt_percent_of_catalyst")
                self.table_http(f"weights-{exporter}", exported)
                self.assertEqual(self.live(f"weights-{exporter}"), [])
                self.assertIn("ratios do not tell how much is on the support", self.reasons(f"weights-{exporter}")[0])
                self.amounts_campaign(f"again-{exporter}", "slots")
                self.table_http(f"again-{exporter}", exported)
                self.assertEqual(self.live(f"again-{exporter}"), self.live("ratios"))

    def test_a_row_of_an_export_that_waits_keeps_its_unit(self):
        self.open()
        self.amounts_campaign("weighed", "wt_percent_of_catalyst")
        self.table_http("weighed", b"Ni (wt%),Support,C2_yield\n5,MgO,7\n")
        self.amounts_campaign("moles", "mmol_per_g_support")
        exported = self.ok("results", "export", "weighed", "--url", self.url).stdout
        good = exported.splitlines()[1]
        bad = exported + good.replace(",7,", ",seven,").replace("Ni:5/", "Ni:10/") + "\n"
        self.table_http("moles", bad.encode())
        _, page = self.ask("GET", "/v1/campaigns/moles/quarantine?state=waiting&limit=100")
        table = page["quarantine"][0]["raw"]["table"].replace("seven", "9")
        raw = {**page["quarantine"][0]["raw"], "table": table}
        _, answer = self.ask("POST", f"/v1/quarantine/{page['quarantine'][0]['id']}:readmit", json.dumps({"row": raw}).encode())
        amounts = sorted(float(re.search(r"Ni:([0-9.]+)/MgO", key)[1]) for key in self.keys("moles"))
        self.assertEqual(len(amounts), 2, answer)
        self.assertAlmostEqual(amounts[0], 5 / 95 / 58.6934 * 1e3, places=3)
        self.assertAlmostEqual(amounts[1], 10 / 90 / 58.6934 * 1e3, places=3)

    def test_files_are_read_alike_from_an_export_and_from_its_table(self):
        table = "Ni (wt%),K (wt%),Support,C2_yield\n" + "".join(
            f"{ni},{k},{support},{value}\n" for ni, k, support, value in
            ((5, 0, "MgO", 7), (2.5, 0.5, "SiO2", 8), (1, 2, "MgO", 3), (4, 1, "SiO2", 2), (3, 0, "SiO2", 5), (0, 2, "MgO", 6)))
        self.open()
        self.amounts_campaign("told", "wt_percent_of_catalyst")
        self.table_http("told", table.encode())
        direct = self.json("fit", self.file("direct.csv", table), "--target", "C2_yield", "--size", "1", "--seed", "1")
        for exporter, exported in self.exports("told"):
            with self.subTest(exporter=exporter):
                file = self.file(f"{exporter}.csv", exported)
                fitted = self.json("fit", file, "--target", "C2_yield", "--size", "1", "--seed", "1")
                self.assertEqual(fitted["hypotheses"], direct["hypotheses"])
                draft = self.ok("campaign", "draft", file, "--name", "drafted", "--target", "C2_yield", "--unit", "%",
                                "--batch", "2", "--goal", "maximize")
                self.assertIn('basis = "wt_percent_of_catalyst"', draft.stdout)

    def test_a_unit_of_the_export_is_obeyed(self):
        self.open()
        self.apply("percent")
        self.table_http("percent", b"M1,Support,C2_yield\nLi,MgO,7\n")
        exported = self.ok("results", "export", "percent", "--url", self.url).stdout.encode()
        fraction = CAMPAIGN.replace("NAME", "fraction").replace("CONDITIONS", "").replace('unit = "%"', 'unit = "1"')
        self.ask("POST", "/v1/campaigns", fraction.encode(), "application/toml")
        told = self.table_http("fraction", exported)
        self.assertIn([value for _, value, _ in self.live("fraction")], ([0.07], []), told)
        if not self.live("fraction"):
            self.assertIn("another unit", told)


if __name__ == "__main__":
    unittest.main()
