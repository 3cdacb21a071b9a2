"""Kinds 12 to 17: what answers a proposal, what a changed campaign does to what is open, and what robots and bridges send."""
import csv
import decimal
import json
import math
import os
import shutil
import subprocess
import sys
import unittest
import unittest.mock

from doors import CAMPAIGN, Laboratory, SOURCE, TEMPERATURES, wait_for

ASKED = """
format = 1
name = "NAME"

[[targets]]
name = "C2_yield"
unit = "%"
goal = "maximize"

[[space]]
kind = "list"
catalysts = ["Li/MgO", "Pb/MgO", "Na/SiO2"]

[conditions]
temperature_C = [700, 800]

[planner]
batch = 6
mix = { explore = 6 }

[retrain]
when = "by_hand"
"""


class Answers(Laboratory):
    def asked(self, name):
        """Six proposals of a campaign, leased."""
        self.ok("campaign", "apply", self.file(f"{name}.toml", ASKED.replace("NAME", name)), "--url", self.url)
        wait_for(lambda: self.run_program("proposals", "take", name, "--client", "me", "--batch", "6", "--url",
                                          self.url).returncode == 0, "a planned batch")
        found = self.proposals(name)
        self.assertEqual(len(found), 6)
        return found

    def proposals(self, campaign):
        return self.ask("GET", f"/v1/campaigns/{campaign}/proposals?limit=100")[1]["proposals"]

    def state(self, proposal):
        return self.ask("GET", f"/v1/proposals/{proposal['id']}")[1]["state"]

    def test_kind_12_a_proposal_is_answered_by_catalyst_and_conditions(self):
        self.open(broker=True)
        doors = {"http": self.rows_http, "ndjson": self.rows_ndjson, "cli": self.rows_cli, "client": self.rows_client,
                 "exec": self.rows_exec, "mqtt": self.rows_mqtt}
        for door, deliver in doors.items():
            with self.subTest(door=door):
                found = self.asked(f"asked-{door}")
                other = {"temperature_C": 555}
                rows = [
                    # Its id with other conditions; the catalyst alone with others; its id with another catalyst.
                    {"catalyst": {"key": found[0]["catalyst"]["key"]}, "proposal": found[0]["id"], "conditions": other,
                     "values": {"C2_yield": 1}},
                    {"catalyst": {"key": found[1]["catalyst"]["key"]}, "conditions": other, "values": {"C2_yield": 2}},
                    {"catalyst": "K/MgO", "proposal": found[2]["id"], "conditions": found[2]["conditions"],
                     "values": {"C2_yield": 3}},
                    # Answers: the id alone, and the catalyst with its conditions.
                    {"proposal": found[3]["id"], "values": {"C2_yield": 4}},
                    {"catalyst": {"key": found[4]["catalyst"]["key"]},
                     "conditions": {"temperature_C": found[4]["conditions"]["temperature_C"] + 1e-10}, "values": {"C2_yield": 5}},
                ]
                told = deliver(f"asked-{door}", rows) + json.dumps(self.reasons(f"asked-{door}"))
                self.assertEqual([self.state(p) for p in found],
                                 ["ACTIVE", "ACTIVE", "ACTIVE", "SUCCEEDED", "SUCCEEDED", "ACTIVE"], told)
                self.assertIn("amend the proposal", told)
                flags = [m["flags"] for m in self.ask("GET", f"/v1/campaigns/asked-{door}/measurements")[1]["measurements"]]
                self.assertEqual([["other_conditions"] == f for f in flags], [True, True, False, False])

    def test_kind_12_the_same_by_table(self):
        doors = {"http": self.table_http, "cli": self.table_cli, "folder": self.table_folder}
        self.open(self.folder_driver(self.folder, "table-folder", {}))
        for door, deliver in doors.items():
            with self.subTest(door=door):
                found = self.asked(f"table-{door}")
                text = "proposal,catalyst,temperature_C,C2_yield\n"
                text += f"{found[0]['id']},{found[0]['catalyst']['key']},555,1\n"
                text += f",{found[1]['catalyst']['key']},{found[1]['conditions']['temperature_C']:.1f},2\n"
                deliver(f"table-{door}", text.encode())
                self.assertEqual([self.state(p) for p in found[:2]], ["ACTIVE", "SUCCEEDED"])
                self.assertEqual(len(self.live(f"table-{door}")), 2)

    def test_kind_13_a_changed_campaign_reaches_what_is_open(self):
        self.open()
        found = self.asked("changed")
        file = self.file("changed.toml", ASKED.replace("NAME", "changed") + '\n[[rules]]\nforbid_elements = ["Pb"]\n')
        done = self.ok("campaign", "plan", file, "--url", self.url)
        self.assertIn("withdrawn: Pb:1/MgO", done.stdout)
        self.ok("campaign", "apply", file, "--url", self.url)
        for p in found:
            lead = p["catalyst"]["key"].startswith("Pb")
            _, now = self.ask("GET", f"/v1/proposals/{p['id']}")
            self.assertEqual(now["state"], "CANCELLED" if lead else "ACTIVE")
            if lead:
                self.assertIn("forbidden", now["state_reason"])
        done = self.run_program("proposals", "take", "changed", "--client", "another", "--batch", "6", "--url", self.url)
        self.assertNotIn("Pb", done.stdout)

    def test_kind_14_what_cannot_be_decoded_stops_the_delivery(self):
        text = CAMPAIGN.replace("NAME", "own").replace("CONDITIONS", TEMPERATURES).replace('"Al2O3", "MgO"', '"house-7", "MgO"')
        own = self.folder / "own-data"
        shutil.copytree(SOURCE / "config", own)
        with open(own / "elements" / "supports.csv", "a", encoding="utf-8") as file:
            file.write("house-7,SiO2,our own table\n")
        with unittest.mock.patch.dict(os.environ, {"KASETSU_DATA_DIR": str(own)}):
            process, self.url = self.start()
            status, answer = self.ask("POST", "/v1/campaigns", text.encode(), "application/toml")
            self.assertEqual(status, 201, answer)
            self.table_http("own", b"M1,Support,temperature_C,C2_yield\nLi,house-7,700,3\n")
            self.assertEqual(len(self.live("own")), 1)
            self.end(process)
        # The next start lacks the laboratory's table.
        self.open(self.folder_driver(self.folder, "own", {}), broker=True)
        table, row = b"M1,Support,temperature_C,C2_yield\nK,MgO,800,4\n", {
            "catalyst": "K/MgO", "conditions": {"temperature_C": 800}, "values": {"C2_yield": 4}}
        for door, deliver in {"http": self.table_http, "cli": self.table_cli}.items():
            with self.subTest(door=door):
                self.assertIn("house-7", deliver("own", table))
        for door, deliver in {"json": self.rows_http, "ndjson": self.rows_ndjson, "file": self.rows_cli,
                              "client": self.rows_client, "exec": self.rows_exec, "mqtt": self.rows_mqtt}.items():
            with self.subTest(door=door):
                self.assertIn("house-7", deliver("own", [row]))
        self.assertEqual(len(self.live("own")), 1)
        status, ready = self.ask("GET", "/readyz")
        self.assertEqual(status, 503)
        self.assertIn("house-7", json.dumps(ready))
        self.assertIn("house-7", self.run_program("doctor", "--url", self.url).stdout)

    def test_kind_16_a_robot_loses_nothing(self):
        self.open(broker=True)
        nan, infinite = float("nan"), math.inf
        rows = [{"catalyst": "Li/MgO", "channel": str(i), "values": {"C2_yield": float(i)}} for i in range(18)]
        rows += [{"catalyst": "Li/MgO", "channel": "18", "values": {"C2_yield": nan}},
                 {"catalyst": "K/MgO", "channel": "19", "values": {"C2_yield": infinite}},
                 {"catalyst": "Na/MgO", "channel": "20", "values": {"C2_yield": 7}}]
        doors = {"http": self.rows_http, "ndjson": self.rows_ndjson, "cli": self.rows_cli, "client": self.rows_client,
                 "exec": self.rows_exec, "mqtt": self.rows_mqtt}
        for door, deliver in doors.items():
            with self.subTest(door=door):
                self.apply(f"robot-{door}")
                told = deliver(f"robot-{door}", rows)
                self.assertEqual(len(self.live(f"robot-{door}")), 19, told)
                self.assertIn("/values", told + json.dumps(self.reasons(f"robot-{door}")))

    def test_kind_16_numbers_of_other_libraries(self):
        self.open()
        self.apply("numbers")

        class Scalar:
            """As numpy's: a number with item()."""

            def item(self):
                return 2.5
        self.client.post_measurements("numbers", "", "", [
            {"catalyst": "Li/MgO", "values": {"C2_yield": decimal.Decimal("3.5")}},
            {"catalyst": "K/MgO", "values": {"C2_yield": Scalar()}}])
        self.assertEqual([value for _, value, _ in self.live("numbers")], [2.5, 3.5])

    def test_kind_17_bridges_know_rows_by_content(self):
        self.open()
        self.apply("scope", TEMPERATURES)
        first = [["Li", "MgO", "700", "3", "-1"], ["Na", "MgO", "700", "4", "-1"], ["K", "MgO", "800", "PENDING", "1"],
                 ["Cs", "MgO", "800", "PENDING", "0"]]
        # Sorted anew, two measured rows changed places, one more is measured, one is measured again with the same number.
        later = [["Na", "MgO", "700", "4", "-1"], ["Li", "MgO", "700", "3", "-1"], ["Cs", "MgO", "800", "PENDING", "1"],
                 ["K", "MgO", "800", "5", "-1"]]
        path = self.folder / "scope.csv"
        for rows in (first, later, list(reversed(later))):
            with open(path, "w", newline="", encoding="utf-8") as stream:
                writer = csv.writer(stream)
                writer.writerow(["M1", "Support", "temperature_C", "C2_yield", "priority"])
                writer.writerows(rows)
            done = subprocess.run([sys.executable, str(SOURCE / "drivers" / "bridges" / "kasetsu_bridge.py"), "--url", self.url,
                                   "import", "--from", "edbo", str(path), "--target", "C2_yield", "--condition",
                                   "temperature_C", "--campaign", "scope"], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([(key, value) for key, value, _ in self.live("scope")],
                         [("K:1/MgO", 5.0), ("Li:1/MgO", 3.0), ("Na:1/MgO", 4.0)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
