"""Kind 15: what a campaign exports comes back. Random campaigns of measurements go out by `results export` and into an empty
campaign by every door that reads tables: the live values, what they were measured on and under, their flags and the
compositions as they were told are the same."""
import json
import random
import unittest

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
