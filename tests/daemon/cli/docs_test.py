"""The documentation says what is: its commands run, in their order, and its pages of reference know every key."""
import importlib.util
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import unittest

PATIENCE = int(os.environ.get("KASETSU_PATIENCE", "1"))  # how many times as long as usual a program may take

SOURCE = pathlib.Path(os.environ["KASETSU_SOURCE"])
BIN = pathlib.Path(os.environ["KASETSU"]).parent
DOCS = SOURCE / "docs"
PAGES = sorted(p for p in [*DOCS.glob("*.md"), *(DOCS / "how-to").glob("*.md"), SOURCE / "README.md"])

# Programs that a block may name that is not run: they need root, a network, or a service manager.
ELSEWHERE = {"git", "cd", "./dev", "export", "systemctl", "journalctl", "apt-get", "sqlite3", "sudo"}

BLOCK = re.compile(r"^```sh([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page):
    return [(match.group(1).strip(), match.group(2)) for match in BLOCK.finditer(page.read_text(encoding="utf-8"))]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Commands(unittest.TestCase):
    def run_page(self, page):
        script = "".join(text for mark, text in blocks(page) if mark == "")
        self.assertTrue(script, page)
        with tempfile.TemporaryDirectory() as place:
            folder = pathlib.Path(place)
            home = folder / "home"
            home.mkdir()
            work = folder / "kasetsu"
            work.mkdir()
            for name in ("config", "drivers", "docs"):
                (work / name).symlink_to(SOURCE / name)
            # The usual port may be taken on this machine; the documented command line is the same.
            port = free_port()
            tools = folder / "bin"
            tools.mkdir()
            daemon = tools / "kasetsud"
            daemon.write_text(f'#!/bin/sh\nexec {BIN}/kasetsud "$@" --listen 127.0.0.1:{port} --threads 1\n', encoding="utf-8")
            daemon.chmod(daemon.stat().st_mode | stat.S_IXUSR)
            (tools / "kasetsu").symlink_to(BIN / "kasetsu")
            (tools / "python3").symlink_to(sys.executable)
            environment = {"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(home), "KASETSU_URL": f"http://127.0.0.1:{port}",
                           "LANG": "C.UTF-8"}
            # set -m: jobs (%1) as in a terminal; -e: the first command that fails ends it.
            process = subprocess.Popen(["bash", "-c", "set -em\n" + script], cwd=work, env=environment, text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
            timed_out = False
            try:
                output, _ = process.communicate(timeout=240 * PATIENCE)
            except subprocess.TimeoutExpired:
                timed_out = True
                output = ""
            finally:
                # What the page left behind: with set -m each job has a group of its own.
                for entry in pathlib.Path("/proc").iterdir():
                    try:
                        if entry.name.isdigit() and os.getsid(int(entry.name)) == process.pid:
                            os.kill(int(entry.name), signal.SIGKILL)
                    except (ProcessLookupError, PermissionError):
                        pass
                process.wait()
                process.stdout.close()
            logs = "".join(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}" for log in work.glob("*.log"))
            self.assertFalse(timed_out, f"{page.name} does not end\n{logs}")
            self.assertEqual(process.returncode, 0, f"{page.name}\n{output[-3000:]}\n{logs}")
            return output, sorted(p.name for p in work.iterdir())

    def test_tutorial(self):
        output, files = self.run_page(DOCS / "tutorial.md")
        self.assertIn("nothing was changed", output)
        for name in ("first.html", "own.html", "own.model", "own-bundle", "first-results.csv"):
            self.assertIn(name, files)

    def test_other_pages(self):
        pages = [p for p in PAGES if p.parent.name == "how-to" or p == SOURCE / "README.md"]
        self.assertGreaterEqual(len(pages), 9)
        for page in pages:
            if not any(mark == "" for mark, _ in blocks(page)):
                continue
            with self.subTest(page=page.name):
                self.run_page(page)

    def test_blocks_that_do_not_run_hold_only_what_cannot(self):
        for page in PAGES:
            for mark, text in blocks(page):
                self.assertIn(mark, ("", "norun"), page.name)
                if mark == "norun":
                    for line in text.replace("\\\n", " ").strip().split("\n"):
                        if line.startswith("#"):
                            continue
                        self.assertIn(line.split()[0], ELSEWHERE, f"{page.name}: {line}")

    def test_links_lead_somewhere(self):
        for page in PAGES:
            for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
                if "://" not in target:
                    self.assertTrue((page.parent / target).exists(), f"{page.name}: {target}")

    def test_every_page_is_listed(self):
        index = (DOCS / "README.md").read_text(encoding="utf-8")
        for page in PAGES:
            if page.name != "README.md":
                self.assertIn(str(page.relative_to(DOCS)), index)


class Reference(unittest.TestCase):
    def test_page_of_the_daemon_file(self):
        spec = importlib.util.spec_from_file_location("daemon_file", DOCS / "daemon_file.py")
        made = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(made)
        page = (DOCS / "daemon-file.md").read_text(encoding="utf-8")
        self.assertEqual(page, made.page(), "run: python3 docs/daemon_file.py")
        rows = re.findall(r"^\| `(\w+)` \| `.*` \| (.*) \|$", page, re.MULTILINE)
        self.assertGreater(len(rows), 25)
        for key, meaning in rows:
            self.assertTrue(meaning.strip(), f"{key} is not explained in config/kasetsud.toml")

    def test_manual_of_the_daemon_knows_every_flag(self):
        page = (DOCS / "man" / "kasetsud.8").read_text(encoding="utf-8").replace("\\-", "-")
        text = subprocess.run([str(BIN / "kasetsud"), "--help"], capture_output=True, text=True, check=True).stdout
        flags = re.findall(r"^\s+(?:-\w,)?(--[a-z-]+)", text, re.MULTILINE)
        self.assertGreater(len(flags), 7)
        for flag in flags:
            self.assertIn(flag, page)


if __name__ == "__main__":
    unittest.main(verbosity=2)
