"""The client for robots under `python3 -I`, without any package: the demo robot finishes its campaign through two restarts
of the daemon, what was posted while it was down is there afterwards, and nothing is there twice."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import lab
from kasetsu_client import Client, Refused, Unreachable

ROBOT = os.path.join(lab.SOURCE, "drivers", "virtual_lab", "virtual_lab.py")
BATCHES, BATCH = 4, 20


class RobotClient(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="kasetsu_client_")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.daemon = lab.Daemon(self.folder)
        self.addCleanup(self.daemon.kill)

    def test_the_demo_robot_finishes_through_two_restarts(self):
        with open(os.path.join(lab.SOURCE, "config", "campaigns", "ocm.toml"), encoding="utf-8") as file:
            campaign = file.read().replace("exploit = 8\nexplore = 6\nchallenge = 4\nrecheck = 2", "explore = 20")
        self.assertIn("explore = 20", campaign)
        campaign = campaign.replace('when = "every_batch"', 'when = "by_hand"')
        self.daemon.ask("POST", "/v1/campaigns", campaign.encode(), "application/toml")
        spool = os.path.join(self.folder, "spool")
        robot = subprocess.Popen(
            [sys.executable, "-I", ROBOT, "--url", f"http://127.0.0.1:{self.daemon.port}", "--campaign", "ocm", "--batches",
             str(BATCHES), "--batch-size", str(BATCH), "--spool", spool],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={"PATH": os.environ["PATH"]})
        self.addCleanup(lambda: robot.poll() is None and robot.kill())

        def measured():
            return len(self.daemon.pages("/v1/campaigns/ocm/measurements", "measurements"))

        for restart in (1, 2):
            lab.wait_for(lambda: measured() >= restart * BATCH or robot.poll() is not None, f"batch {restart}", 120)
            self.assertIsNone(robot.poll(), robot.poll() is not None and robot.stderr.read())
            self.daemon.process.send_signal(signal.SIGKILL if restart == 1 else signal.SIGTERM)
            self.daemon.process.wait()
            time.sleep(0.5)
            self.daemon.start()
        out, err = robot.communicate(timeout=180)
        self.assertEqual(robot.returncode, 0, err)
        self.assertIn(f"batch {BATCHES}:", out)
        self.assertEqual([n for n in os.listdir(spool) if n.endswith((".json", ".refused"))], [])
        proposals = self.daemon.pages("/v1/campaigns/ocm/proposals?state=SUCCEEDED", "proposals")
        self.assertEqual(len(proposals), BATCHES * BATCH)
        values = self.daemon.pages("/v1/campaigns/ocm/measurements", "measurements")
        self.assertEqual(len(values), BATCHES * BATCH)
        self.assertEqual(len({m["proposal"] for m in values}), BATCHES * BATCH)

    def test_what_was_posted_while_the_daemon_was_down_is_there_afterwards(self):
        spool = os.path.join(self.folder, "spool")
        url = f"http://127.0.0.1:{self.daemon.port}"
        messages = lab.deliveries(lab.run_rows(channels=3, conditions=4, replicates=2))
        self.daemon.kill()
        for message in messages:
            # A robot that cannot wait, and a new one each time, as after a crash of its own.
            with self.assertRaises(Unreachable):
                Client(url, spool=spool, patience_s=0.2).post_measurements("doors", message["source"], message["run"],
                                                                           message["rows"])
        self.assertEqual(len(os.listdir(spool)), 3)
        self.daemon.start()
        self.assertEqual(Client(url, spool=spool).flush(), 3)
        self.assertEqual(os.listdir(spool), [])
        once = self.daemon.content()
        self.assertGreater(len(once), 40)
        for message in messages:
            Client(url, spool=spool).post_measurements("doors", message["source"], message["run"], message["rows"])
        self.assertEqual(self.daemon.content(), once)

    def test_a_refusal_is_kept_with_its_reason_and_stops_nothing(self):
        spool = os.path.join(self.folder, "spool")
        client = Client(f"http://127.0.0.1:{self.daemon.port}", spool=spool)
        with self.assertRaises(Refused):
            client.post_measurements("doors", "rig-1", "run-1", [])
        kept = [n for n in os.listdir(spool) if n.endswith(".refused")]
        self.assertEqual(len(kept), 1)
        with open(os.path.join(spool, kept[0]), encoding="utf-8") as file:
            self.assertIn("rows", json.dumps(json.load(file)["problem"]))
        self.assertEqual(client.flush(), 0)
        good = lab.deliveries(lab.run_rows(channels=1, conditions=2, replicates=1))[0]
        self.assertEqual(len(client.post_measurements("doors", "rig-1", "run-1", good["rows"])["rows"]), 2)

    def test_a_half_written_spool_file_stops_nothing(self):
        spool = os.path.join(self.folder, "spool")
        client = Client(f"http://127.0.0.1:{self.daemon.port}", spool=spool)
        with open(os.path.join(spool, "00000000000000000000-broken.json"), "w", encoding="utf-8") as file:
            file.write('{"path": "/v1/camp')
        good = lab.deliveries(lab.run_rows(channels=1, conditions=2, replicates=1))[0]
        client.post_measurements("doors", "rig-1", "run-1", good["rows"])
        self.assertEqual(client.flush(), 0)
        self.assertEqual([n for n in os.listdir(spool) if not n.endswith(".unreadable")], [])


if __name__ == "__main__":
    unittest.main(argv=["client_test.py"], verbosity=2)
