"""Runs the real program for the tests of the command line."""
import json
import math
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

KASETSU = os.environ["KASETSU"]
PATIENCE = int(os.environ.get("KASETSU_PATIENCE", "1"))  # how many times as long as usual a program may take
SHARED = pathlib.Path(os.environ["KASETSU_SHARED_DATA"])


def shared(relative):
    """A file of the real tables and oracles; the test is skipped (failed in CI) where they are not."""
    path = SHARED / relative
    if not path.exists():
        if os.environ.get("CI") == "true":
            raise AssertionError(f"missing in CI: {path}")
        raise unittest.SkipTest(f"not on this machine: {path}")
    return str(path)


def finite_only(text):
    raise AssertionError(f"{text} in JSON")


class ProgramTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return str(path)

    def run_program(self, *arguments, environment=None, stdin=None, timeout=120):
        return subprocess.run([KASETSU, *map(str, arguments)], input=stdin, capture_output=True, text=True,
                              timeout=timeout * PATIENCE, env={**os.environ, **(environment or {})}, cwd=self.folder)

    def ok(self, *arguments, **options):
        done = self.run_program(*arguments, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def json(self, *arguments, **options):
        """Exactly one document on the standard output, with finite numbers only."""
        done = self.ok(*arguments, "--json", **options)
        return json.loads(done.stdout, parse_constant=finite_only)

    def refused(self, code, *arguments, **options):
        """The message; nothing may be on the standard output."""
        done = self.run_program(*arguments, **options)
        self.assertEqual(done.returncode, code, (arguments, done.stdout[:500], done.stderr))
        self.assertEqual(done.stdout, "", arguments)
        # How a table was read is told before what is wrong with it.
        lines = done.stderr.splitlines(keepends=True)
        told = [line for line in lines if line.startswith("kasetsu: ")]
        self.assertEqual(told, lines[-1:], done.stderr)
        self.assertTrue(all(": composition " in line for line in lines[:-1]), done.stderr)
        return told[0]


class DaemonTest(ProgramTest):
    """With a daemon on a folder and a port of its own."""

    def start(self, *extra):
        port = self.folder / "port"
        port.unlink(missing_ok=True)
        log = open(self.folder / "log", "ab")
        self.addCleanup(log.close)
        usual = {"--data-dir": str(self.folder / "data"), "--listen": "127.0.0.1:0"}
        words = [word for name, value in usual.items() if name not in extra for word in (name, value)]
        process = subprocess.Popen([os.environ["KASETSUD"], *words, "--port-file", str(port), *extra], stdout=log, stderr=log)
        self.addCleanup(self.end, process)
        deadline = time.monotonic() + 60
        while not (port.exists() and port.read_text().strip()):
            self.assertIsNone(process.poll(), (self.folder / "log").read_text())
            self.assertLess(time.monotonic(), deadline, "the daemon does not start")
            time.sleep(0.02)
        return process, f"http://127.0.0.1:{port.read_text().strip()}"

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def relative_difference(a, b):
    if not (math.isfinite(a) and math.isfinite(b)):
        return 0.0 if a == b or (math.isnan(a) and math.isnan(b)) else math.inf
    return abs(a - b) / max(abs(a), abs(b)) if a != b else 0.0
