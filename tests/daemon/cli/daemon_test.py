"""The commands against the real daemon: a campaign from its file to proposals, results and corrections."""
import json
import os
import pathlib
import signal
import time
import unittest

from program import DaemonTest

CAMPAIGN = """format = 1
name = "ocm"
[[targets]]
name = "C2_yield"
unit = "%"
goal = "maximize"
[[space]]
kind = "slots"
slots = 2
none = true
repetition = true
elements = ["Li", "Na", "K", "Mg", "Mn", "W", "La"]
supports = ["MgO", "SiO2", "La2O3"]
[model]
size = 2
hypotheses = 5
order = 0
[planner]
batch = 4
"""

BATCH = """name,M1,M2,Support,C2_yield
a,Li,Na,MgO,8
b,K,Mn,SiO2,5.5
c,Mg,none,MgO,3
d,Mn,W,SiO2,15
e,La,La,La2O3,11
f,Na,W,SiO2,9
"""


class Loop(DaemonTest):
    def wait_for_proposals(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            proposals = self.json("proposals", "ocm")["proposals"]
            if proposals:
                return proposals
            time.sleep(0.1)
        self.fail("no proposals: " + (self.folder / "log").read_text())

    def test_a_campaign_from_its_file_to_proposals(self):
        socket = self.folder / "s"
        _, os.environ["KASETSU_URL"] = self.start("--unix-socket", str(socket))
        self.addCleanup(os.environ.pop, "KASETSU_URL")
        file = self.file("ocm.toml", CAMPAIGN)
        self.assertEqual(self.json("campaign", "plan", file)["change"], "new")
        self.assertIn("created", self.ok("campaign", "apply", file).stdout)
        self.assertIn("unchanged", self.ok("campaign", "apply", file).stdout)
        self.assertEqual(self.json("campaign", "plan", file)["change"], "unchanged")
        self.assertEqual(self.json("campaign", "show", "ocm", "--url", f"unix:{socket}")["name"], "ocm")

        batch = self.file("b1.csv", BATCH)
        receipt = self.json("results", "import", "ocm", batch, "--source", "rig", "--run", "b1", "--id", "name")
        self.assertEqual((receipt["accepted"], receipt["quarantined"]), (6, 0))
        again = self.json("results", "import", "ocm", batch, "--source", "rig", "--run", "b1", "--id", "name")
        self.assertEqual((again["ingest"], again["replayed"]), (receipt["ingest"], True))
        self.assertEqual(len(self.json("results", "export", "ocm")["measurements"]), 6)

        bad = self.file("b2.csv", "M1,M2,Support,C2_yield\nXx,W,SiO2,9\nNa,W,SiO2,abc\nLi,W,SiO2,7\n")
        done = self.run_program("results", "import", "ocm", bad, "--source", "rig", "--run", "b2")
        self.assertEqual(done.returncode, 65)
        for part in ("b2.csv:2", "Xx", "b2.csv:3", "abc"):
            self.assertIn(part, done.stderr)
        rows = self.json("results", "quarantine", "ocm")["quarantine"]
        self.assertEqual(len(rows), 2)
        corrected = self.file("row.json", json.dumps({"catalyst": {"slots": ["Na", "W"], "support": "SiO2"},
                                                      "values": {"C2_yield": 9.5}}))
        self.ok("results", "readmit", rows[0]["id"], "--row", corrected, "--reason", "typing error")
        self.ok("results", "discard", rows[1]["id"], "--reason", "not measured")
        self.assertEqual(self.json("results", "quarantine", "ocm")["quarantine"], [])
        measured = self.json("results", "export", "ocm")["measurements"]
        self.assertEqual(len(measured), 8)
        self.ok("results", "retract", measured[0]["id"], "--reason", "leaking fitting")
        self.assertEqual(len(self.json("results", "export", "ocm")["measurements"]), 7)
        self.assertEqual(len(self.json("results", "export", "ocm", "--all")["measurements"]), 8)

        self.assertEqual(self.json("retrain", "ocm", "--wait")["jobs"][0]["state"], "COMPLETED")
        self.assertEqual(self.ok("retrain", "--all", "--if-new", "--wait").stdout, "ocm: nothing new\n")
        self.assertEqual(len(self.wait_for_proposals()), 4)
        verdict = self.json("proposals", "ocm")["verdict"]
        self.assertEqual(verdict["word"], "too_few")
        self.assertIn(verdict["sentence"], self.ok("proposals", "ocm").stdout)
        mine = self.json("proposals", "take", "ocm", "--client", "robot", "--batch", "2")["proposals"]
        self.assertEqual([p["state"] for p in mine], ["ACTIVE", "ACTIVE"])
        self.assertEqual([p["id"] for p in self.json("proposals", "take", "ocm", "--client", "robot", "--batch", "2")["proposals"]],
                         [p["id"] for p in mine], "its own come back first")
        self.assertIn("FAILED", self.ok("proposals", "fail", mine[0]["id"], "--client", "robot", "--reason", "pump").stdout)
        self.assertIn("INFEASIBLE", self.ok("proposals", "infeasible", mine[1]["id"], "--client", "robot", "--reason",
                                            "does not dissolve").stdout)
        self.assertIn("FAILED", self.refused(1, "proposals", "complete", mine[0]["id"], "--client", "robot"))
        self.assertIn("PAUSED", self.ok("campaign", "pause", "ocm", "--reason", "holiday").stdout)
        self.assertIn("ocm", self.refused(1, "campaign", "show", "omc"))
        backup = self.json("backup")
        self.assertTrue(pathlib.Path(backup["path"]).exists())

    def test_a_large_table_is_imported_at_the_first_try_and_a_larger_one_tells_what_to_do(self):
        _, os.environ["KASETSU_URL"] = self.start()
        self.addCleanup(os.environ.pop, "KASETSU_URL")
        self.ok("campaign", "apply", self.file("ocm.toml", CAMPAIGN))
        metals = ["Li", "Na", "K", "Mg", "Mn", "W", "La"]

        def table(count):
            return "name,M1,M2,Support,C2_yield\n" + "".join(
                f"s{i},{metals[i % 7]},{metals[i // 7 % 7]},MgO,{i % 997 / 10}\n" for i in range(count))

        limit = 100_000
        told = ("--source", "archive", "--run", "all", "--id", "name")
        receipt = self.json("results", "import", "ocm", self.file("all.csv", table(limit)), *told)
        self.assertEqual((receipt["accepted"], receipt["quarantined"]), (limit, 0))
        said = self.refused(65, "results", "import", "ocm", self.file("more.csv", table(limit + 1)), *told)
        self.assertIn("100001", said)
        self.assertIn("split", said)

    def test_a_database_is_checked_and_a_backup_restored(self):
        process, url = self.start()
        os.environ["KASETSU_URL"] = url
        self.addCleanup(os.environ.pop, "KASETSU_URL")
        self.ok("campaign", "apply", self.file("ocm.toml", CAMPAIGN))
        data = self.folder / "data"

        def deliver(number):
            table = self.file(f"{number}.csv", f"M1,M2,Support,C2_yield\nLi,Na,MgO,{number}\n")
            self.ok("results", "import", "ocm", table, "--source", "rig", "--run", str(number))

        def values():
            return sorted(m["value"] for m in self.json("results", "export", "ocm")["measurements"])

        deliver(1)
        first = self.json("backup")["path"]
        deliver(2)
        self.json("backup")
        deliver(3)
        self.assertTrue(self.json("check", "--data-dir", data)["ok"], "beside the running daemon")
        self.assertIn("pid", self.refused(75, "restore", first, "--data-dir", data))
        self.end(process)
        self.refused(1, "restore", self.folder / "nothing", "--data-dir", data)
        damaged = self.folder / "damaged.db"
        content = bytearray(pathlib.Path(first).read_bytes())
        content[8192:12288] = bytes(4096)
        damaged.write_bytes(content)
        self.refused(65, "restore", damaged, "--data-dir", data)
        self.refused(65, "check", "--data-dir", damaged)
        self.refused(1, "restore", data / "backups", "--at", "2001-01-01T00:00:00Z", "--data-dir", data)

        done = self.json("restore", data / "backups", "--data-dir", data)
        process, os.environ["KASETSU_URL"] = self.start()
        self.assertEqual(values(), [1, 2], "the newest backup")
        self.end(process)
        again = self.json("restore", data / "backups", "--at", self.json("restore", first, "--data-dir", data)["at"],
                          "--data-dir", data)
        self.assertEqual(again["backup"], first, "no later than its own last event")
        self.assertLess(again["last_event"], done["last_event"])
        _, os.environ["KASETSU_URL"] = self.start()
        self.assertEqual(values(), [1])
        kept = [path for path in data.iterdir() if ".replaced-" in path.name and path.name.endswith(tuple("0123456789"))]
        self.assertEqual(len(kept), 3, "what was there is kept each time")

    def test_tokens(self):
        tokens = self.folder / "tokens"
        secret = self.ok("token", "create", "robot", "--scope", "results", "read", "--file", tokens, "--quiet").stdout.strip()
        self.assertNotIn(secret, tokens.read_text())
        self.assertEqual(tokens.stat().st_mode & 0o077, 0)
        self.refused(1, "token", "create", "robot", "--scope", "read", "--file", tokens)
        config = self.file("kasetsud.toml", f'[tokens]\nfile = "{tokens}"\n')
        process, url = self.start("--config", config)
        self.assertIn("KASETSU_TOKEN", self.refused(1, "campaign", "list", "--url", url))
        self.json("campaign", "list", "--url", url, environment={"KASETSU_TOKEN": secret})
        self.refused(1, "campaign", "apply", self.file("ocm.toml", CAMPAIGN), "--url", url,
                     environment={"KASETSU_TOKEN": secret})
        self.ok("token", "revoke", "robot", "--file", tokens)
        self.assertEqual(self.json("token", "list", "--file", tokens)["tokens"], [])
        process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 30
        while self.run_program("campaign", "list", "--url", url, environment={"KASETSU_TOKEN": secret}).returncode == 0:
            self.assertLess(time.monotonic(), deadline, "a revoked token still counts")
            time.sleep(0.1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
