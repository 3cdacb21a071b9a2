"""The whole loop through HTTP and SQLite, in a short form: the demonstration on the twin, on a real table, and Ctrl-C."""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE, BIN, SHARED = sys.argv[1:4]
PATIENCE = int(os.environ.get("KASETSU_PATIENCE", "1"))  # how many times as long as usual a program may take
DEMO = os.path.join(SOURCE, "drivers", "virtual_lab", "demo.py")


def demo(*arguments):
    return [sys.executable, DEMO, "--bin", BIN, *arguments]


def run(*arguments):
    return subprocess.run(demo(*arguments), capture_output=True, text=True, timeout=600 * PATIENCE, check=False)


class Demo(unittest.TestCase):
    def check(self, result, batches):
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        for batch in range(1, batches + 1):
            self.assertRegex(result.stdout, rf"\nBatch {batch}: {12 * batch} measured, best [\d.]+")
        errors = [float(e) for e in re.findall(r"leave-one-out error now: ([\d.]+)", result.stdout)]
        self.assertEqual(len(errors), batches)
        blind = re.findall(r"before it was learnt: ([\d.]+)", result.stdout)
        self.assertEqual(len(blind), batches - 1, "every batch but the first was predicted before it was measured")
        hypotheses = re.findall(r"best hypothesis:\n((?:    - .+\n)+)", result.stdout)
        self.assertEqual(len(hypotheses), batches)
        self.assertRegex(result.stdout, r"next: \d+ proposals \(.*exploit")

    def test_twin(self):
        self.check(run("--batches", "2", "--batch-size", "12"), 2)

    def test_real_table(self):
        table = os.path.join(SHARED, "catalysts", "ocm_slots_456.csv")
        if not os.path.exists(table):
            if os.environ.get("CI") == "true":
                self.fail(f"missing in CI: {table}")
            self.skipTest(f"not on this machine: {table}")
        self.check(run("--data", table, "--batches", "3", "--batch-size", "12"), 3)

    def test_own_table(self):
        """A table made here, so that this runs without the shared data: loading columns, minimise."""
        metals = ["Pd", "Rh", "Pt", "Fe", "Ag", "Co"]
        with tempfile.TemporaryDirectory() as folder:
            table = os.path.join(folder, "table.csv")
            with open(table, "w", encoding="utf-8") as file:
                file.write(",".join(metals) + ",T50\n")
                for i in range(6):
                    for j in range(i + 1, 6):
                        for share in (0.25, 0.5, 0.75):
                            amounts = [0.0] * 6
                            amounts[i], amounts[j] = share, 1.0 - share
                            value = 200 + 20 * i + 9 * j + 30 * (share - 0.6) ** 2
                            file.write(",".join(f"{a:g}" for a in amounts) + f",{value:.3f}\n")
            self.check(run("--data", table, "--goal", "minimize", "--batches", "2", "--batch-size", "12"), 2)

    def test_interrupt_is_clean(self):
        process = subprocess.Popen(demo("--batches", "50"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = process.stdout.readline() + process.stdout.readline()
        self.assertIn("Daemon: http://127.0.0.1:", line)
        port = int(re.search(r"127\.0\.0\.1:(\d+)", line).group(1))
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60 * PATIENCE)
        self.assertEqual(process.returncode, 130, out + err)
        self.assertNotIn("Traceback", err)
        listening = subprocess.run(["curl", "-s", "-m", "2", f"http://127.0.0.1:{port}/healthz"], check=False,
                                   capture_output=True)
        self.assertNotEqual(listening.returncode, 0, "the daemon still listens")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
