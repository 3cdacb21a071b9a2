"""Databases of every earlier schema come through the migration with the same live values, and keys that become one by the
present rules are told (kinds 2 to 5, for what is stored already)."""
import json
import pathlib
import sqlite3
import sys
import unittest

from doors import CAMPAIGN, Laboratory, SOURCE

sys.path.insert(0, str(SOURCE / "tests" / "crash"))
from old_database import old_database, sum_of  # noqa: E402

ROWS = 40
SCRIPTS = [(path.name, path.read_bytes()) for path in sorted((SOURCE / "schema").glob("[0-9]*.sql"))]


LEASED, TWIN = "6" + "0" * 24 + "1", "6" + "0" * 24 + "2"


def ask_for_both(path, version):
    """The catalyst under its old key is leased and has a sample; under its other key it is asked for as well."""
    connection = sqlite3.connect(path)

    def insert(table, columns, values, summed):
        if version >= 8:
            columns, values = columns + ", row_sum", [*values, sum_of(*summed)]
        connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * len(values))})", values)

    sample = [1, "S1", 3, "catalyst", 1]
    insert("samples", "campaign, label, catalyst, kind, created_at", sample, sample)
    batch = ["5" + "0" * 24 + "1", 1, "", "x", "{}", 1]
    insert("batches", "seq, id, campaign, model, actor, summary, created_at", [1, *batch], batch)
    for rank, (proposal, catalyst, state, client, lease) in enumerate(
            ((LEASED, 3, "ACTIVE", "robot", 9 * 10**15), (TWIN, 1, "REQUESTED", "", None)), 1):
        asked = [proposal, 1, 1, rank, "explore", catalyst, "{}", None, None, None, None, "", "", "", "", 1]
        columns = ("id, campaign, batch, batch_rank, strategy, catalyst, conditions, mean, low, high, novelty, reason, card, model, "
                   "amended_from, created_at, state, state_reason, client, lease_expires, attempts, failures, revision, updated_at")
        became = [state, "", client, lease, 1, 0, 1, 1]
        values = [*asked, *became]
        if version >= 6:
            columns, values = columns + ", row_sum", [*values, sum_of(*asked)]
        if version >= 8:
            columns, values = columns + ", state_sum", [*values, sum_of(proposal, *became)]
        connection.execute(f"INSERT INTO proposals ({columns}) VALUES ({', '.join('?' * len(values))})", values)
    connection.commit()
    connection.close()


class OldDatabases(Laboratory):
    def test_every_earlier_schema(self):
        text = CAMPAIGN.replace("NAME", "crash").replace("CONDITIONS", "")
        for version in range(1, len(SCRIPTS)):
            with self.subTest(version=version):
                data = self.folder / f"data-{version}"
                data.mkdir()
                # The third one's support has another spelling: "Li:1/mgo".
                values = old_database(str(data / "kasetsu.db"), SCRIPTS, version, ROWS, text, ["Li", "Na", "Li"])
                ask_for_both(str(data / "kasetsu.db"), version)
                before = self.json("check", "--data-dir", str(data))
                self.assertEqual((before["ok"], before["problems"]), (True, []))
                self.assertEqual(before["keys"][0]["merged"], {"Li:1/MgO": ["Li:1/MgO", "Li:1/mgo"]})

                process, self.url = self.start("--data-dir", str(data))
                _, page = self.ask("GET", "/v1/campaigns/crash/measurements?live=true&limit=1000")
                self.assertEqual(sorted(m["value"] for m in page["measurements"]), sorted(values.values()))
                self.assertEqual({m["catalyst"]["key"] for m in page["measurements"]}, {"Li:1/MgO", "Na:1/MgO"})
                came = [m for m in page["measurements"] if m["told"] == "Li:1/mgo"]
                for key in ("Li:1/MgO", "Li:1/mgo"):
                    _, of_key = self.ask("GET", f"/v1/campaigns/crash/measurements?catalyst={key.replace('/', '%2F')}&limit=1000")
                    self.assertEqual(len(of_key["measurements"]),
                                     sum(m["catalyst"]["key"] == "Li:1/MgO" for m in page["measurements"]))
                _, campaign = self.ask("GET", "/v1/campaigns/crash")
                self.assertEqual({key["was"]: key["measurements"] for key in campaign["renewed_keys"]},
                                 {"Li:1/mgo": len(came), "Li:1/MgO": len(of_key["measurements"]) - len(came)})
                self.assertIn("are one catalyst", self.run_program("doctor", "--url", self.url).stdout)
                _, events = self.ask("GET", "/v1/events?after=0&limit=1000")
                self.assertEqual(sum(event["verb"] == "keys_renewed" for event in events["events"]), 1)
                _, leased = self.ask("GET", f"/v1/proposals/{LEASED}")
                self.assertEqual((leased["catalyst"]["key"], leased["state"], leased["client"]), ("Li:1/MgO", "ACTIVE", "robot"))
                _, twin = self.ask("GET", f"/v1/proposals/{TWIN}")
                self.assertEqual(twin["state"], "CANCELLED")
                self.assertIn(LEASED, twin["state_reason"])
                # By its label, and by the key that the robot was given.
                for row in ({"sample": "S1"}, {"catalyst": {"key": "Li:1/mgo"}, "proposal": LEASED}):
                    status, answer = self.ask("POST", "/v1/campaigns/crash/measurements", json.dumps(
                        {"rows": [{**row, "values": {"C2_yield": 0.02}}]}).encode())
                    self.assertEqual((status, answer["accepted"]), (200, 1), answer)
                self.assertEqual(self.ask("GET", f"/v1/proposals/{LEASED}")[1]["state"], "SUCCEEDED")
                self.end(process)

                done = self.ok("check", "--data-dir", str(data))
                self.assertRegex(done.stdout, r"Li:1/MgO \(\d+ measurements\) and Li:1/mgo \(\d+ measurements\) became one, Li:1/MgO")
                after = self.json("check", "--data-dir", str(data))
                self.assertEqual((after["ok"], after["problems"], after["keys"]), (True, [], []))
                self.assertEqual(after["schema_version"], len(SCRIPTS))
                log = (self.folder / "log").read_text(encoding="utf-8")
                self.assertIn("catalyst Li:1/MgO was written as Li:1/MgO", log)
                self.assertEqual(before["schema_version"], version)
                self.assertEqual(bool(list(pathlib.Path(data).glob("*.pre-v*"))), version < len(SCRIPTS))


if __name__ == "__main__":
    unittest.main(verbosity=2)
