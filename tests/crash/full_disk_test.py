"""A disk that fills up under the running daemon: 507, everything acknowledged is there, reading goes on, and writing resumes
without a restart when space returns."""
import http.client
import json
import os
import shutil
import sqlite3
import sys
import tempfile
import time
import unittest

from kill_loop import BY_HAND, Daemon, campaign, check_whole

BIN, LIBRARY = sys.argv[1:3]


class FullDisk(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="kasetsu-full-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.full = os.path.join(self.folder, "full")
        os.environ["KASETSU_FULL_DISK"] = self.full
        os.environ["LD_PRELOAD"] = LIBRARY
        os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        self.daemon = Daemon(os.path.join(BIN, "kasetsud"), self.folder)
        try:
            self.daemon.start()
        finally:
            del os.environ["LD_PRELOAD"]
        self.addCleanup(self.end)
        self.daemon.wait_ready()

    def end(self):
        if self.daemon.process.poll() is None:
            self.daemon.kill()

    def ask(self, method, path, body=None, content_type="application/json"):
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=60)
        connection.request(method, path, body=body, headers={"Content-Type": content_type} if body else {})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, answer.getheader("Content-Type"), json.loads(text) if text[:1] in b"{[" else text

    def deliver(self, run, rows):
        body = {"source": "rig", "run": f"run {run}", "rows": [
            {"catalyst": {"slots": ["Li", "Na"], "support": "MgO"}, "channel": "1", "sequence": i,
             "values": {"C2_yield": run + i * 1e-4}} for i in range(rows)]}
        return self.ask("POST", "/v1/campaigns/crash/measurements", json.dumps(body).encode())

    def values(self):
        found, token = [], ""
        while True:
            status, _, page = self.ask("GET", "/v1/campaigns/crash/measurements?limit=10000" + token)
            self.assertEqual(status, 200)
            found += [(m["run"], m["sequence"], m["value"]) for m in page["measurements"]]
            if not page["next_page_token"]:
                return sorted(found)
            token = f"&page_token={page['next_page_token']}"

    def test_nothing_is_lost_and_writing_resumes(self):
        status, _, _ = self.ask("POST", "/v1/campaigns", campaign("crash", BY_HAND).encode(), "application/toml")
        self.assertEqual(status, 201)
        expected = []

        def acknowledged(run, rows):
            expected.extend((f"run {run}", i, run + i * 1e-4) for i in range(rows))

        for run in range(20):
            status, _, answer = self.deliver(run, 500)
            self.assertEqual((status, answer["accepted"] + answer["flagged"]), (200, 500))
            acknowledged(run, 500)
        with open(self.full, "wb"):
            pass
        # The log may have room of its own left from before a checkpoint; a delivery that fits is taken.
        refusals = 0
        for run in range(20, 60):
            status, kind, answer = self.deliver(run, 500)
            if status == 200:
                acknowledged(run, 500)
                continue
            self.assertEqual((status, kind, answer["status"]), (507, "application/problem+json", 507), answer)
            refusals += 1
            if refusals == 5:
                break
        self.assertEqual(refusals, 5, "the disk was never full")
        self.assertEqual(self.ask("GET", "/healthz")[0], 200)
        self.assertEqual(self.ask("GET", "/readyz")[0], 503)
        self.assertGreaterEqual(len(expected), 10_000)
        self.assertEqual(self.values(), sorted(expected), "reading goes on, and every row is there")
        os.unlink(self.full)
        for run in range(100, 103):
            status, _, answer = self.deliver(run, 500)
            self.assertEqual(status, 200, answer)
            acknowledged(run, 500)
        self.assertEqual(self.ask("GET", "/readyz")[0], 200)
        self.assertEqual(self.values(), sorted(expected))
        self.daemon.stop()
        self.assertEqual(self.daemon.process.returncode, 0)
        connection = sqlite3.connect(os.path.join(self.folder, "data", "kasetsu.db"))
        check_whole(connection)
        connection.close()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
