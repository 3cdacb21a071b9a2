"""Megabytes over TLS, both ways: a table goes in through `kasetsu results import` and comes out of `kasetsu results export`, another
goes in through Python's urllib and comes back byte for byte; every value is where it belongs.

    python3 tests/e2e/megabytes_test.py BIN      KASETSU_MEGABYTES=50: tables of that size instead of 2 MB
"""
import collections
import csv
import json
import os
import pathlib
import random
import re
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

PATIENCE = int(os.environ.get("KASETSU_PATIENCE", "1"))  # how many times as long as usual a program may take
MEGABYTES = float(os.environ.get("KASETSU_MEGABYTES", "2"))
CAMPAIGN = """format = 1
name = "large"
[[targets]]
name = "Y"
unit = "%"
goal = "maximize"
[[space]]
kind = "slots"
slots = 2
none = true
repetition = true
elements = ["Li", "Na", "K", "Mg", "Ca", "Mn", "Fe", "Co", "Ni", "Zn"]
supports = ["MgO", "SiO2"]
[planner]
batch = 4
[retrain]
when = "by_hand"
"""
ELEMENTS = ["Li", "Na", "K", "Mg", "Ca", "Mn", "Fe", "Co", "Ni", "Zn"]


def table(run, megabytes, seed):
    """Rows of about 130 bytes until the table is that large, and their values by sample."""
    choice = random.Random(seed)
    lines, values, size = ["M1,M2,Support,run,channel,sample,Y\n"], {}, 0
    while size < megabytes * 1e6:
        number = len(lines)
        sample = f"{run}-{number:07d}-of-the-plate-with-a-long-name-{number * 7919 % 1000003:07d}-as-robots-write-them"
        value = round(choice.uniform(0, 100), 6)
        lines.append(f"{ELEMENTS[number % 10]},{ELEMENTS[number // 10 % 10]},{'MgO' if number % 3 else 'SiO2'},{run},"
                     f"channel-{number},{sample},{value!r}\n")
        values[sample] = value
        size += len(lines[-1])
    return "".join(lines), values


class Daemon:
    def __init__(self, programs, folder):
        certificate, key, config = (folder / name for name in ("cert.pem", "key.pem", "kasetsud.toml"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                        "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                       check=True, capture_output=True)
        config.write_text(f'[limits]\nbulk_body_MiB = {int(MEGABYTES) + 16}\nall_bodies_MiB = {max(512, int(16 * MEGABYTES))}\n'
                          f'rows = {max(100_000, int(10_000 * MEGABYTES))}\n'
                          f'[tls]\ncertificate_file = "{certificate}"\nkey_file = "{key}"\n')
        self.certificate, port_file = certificate, folder / "port"
        self.log = folder / "log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([programs / "kasetsud", "--config", config, "--data-dir", folder / "data", "--listen",
                                             "127.0.0.1:0", "--port-file", port_file, "--threads", "1"], stdout=log, stderr=log)
        deadline = time.monotonic() + 60 * PATIENCE
        while not (port_file.exists() and port_file.read_text().strip()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("the daemon did not start: " + self.log.read_text()[-2000:])
            time.sleep(0.01)
        self.url = f"https://127.0.0.1:{port_file.read_text().strip()}"
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=certificate)))

    def ask(self, method, path, body=None, content_type="application/json"):
        request = urllib.request.Request(self.url + path, data=body, method=method, headers={"Content-Type": content_type})
        try:
            with self.opener.open(request, timeout=600 * PATIENCE) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read()[:500]}") from None

    def peak(self):
        """Of the daemon's memory so far, in MB."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1e3
        raise AssertionError("no VmHWM")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=60 * PATIENCE) == 0, self.log.read_text()[-2000:]


class Steps:
    """Says of each step how long it took and what memory it needed."""

    def __init__(self, daemon):
        self.daemon = daemon

    def run(self, what, work, *arguments):
        begin = time.monotonic()
        result = work(*arguments)
        print(f"{what}: {time.monotonic() - begin:.1f} s, the daemon's memory up to {self.daemon.peak():.0f} MB", flush=True)
        return result


def command(programs, daemon, folder, *words):
    """The output of the program, and its largest memory in MB."""
    environment = {**os.environ, "KASETSU_URL": daemon.url, "KASETSU_CA_FILE": str(daemon.certificate)}
    with open(folder / "out", "wb") as out, open(folder / "err", "wb") as err:
        process = subprocess.Popen([programs / "kasetsu", *words], stdout=out, stderr=err, env=environment)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    said = (folder / "err").read_text() + (folder / "out").read_text()[:2000]
    assert process.returncode == 0, said
    print(f"  kasetsu {' '.join(words[:2])}: memory up to {used.ru_maxrss / 1e3:.0f} MB", flush=True)
    return said


def check_export(path, values):
    found = {}
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found[row["sample"]] = float(row["value"])
    assert found == values, f"{len(found)} of {len(values)} samples are in the export"


def pages(daemon):
    values, token = {}, ""
    while True:
        page = json.loads(daemon.ask("GET", "/v1/campaigns/large/measurements?limit=1000" + (f"&page_token={token}" if token else "")))
        for row in page["measurements"]:
            values[row["sample"]] = row["value"]
        token = page.get("next_page_token") or ""
        if not token:
            return values


def main():
    programs = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        daemon = Daemon(programs, folder)
        steps = Steps(daemon)
        try:
            daemon.ask("POST", "/v1/campaigns", CAMPAIGN.encode(), "application/toml")
            text, values = table("first", MEGABYTES, 1)
            (folder / "first.csv").write_text(text)
            said = steps.run(f"import of {len(text) / 1e6:.1f} MB, {len(values)} rows, by the command line", command, programs, daemon,
                             folder, "results", "import", "large", folder / "first.csv")
            accepted, flagged = map(int, re.search(r"(\d+) accepted, (\d+) flagged, 0 duplicate, 0 quarantined", said).groups())
            assert accepted + flagged == len(values), said
            exported = folder / "export.csv"
            steps.run("export by the command line", command, programs, daemon, folder, "results", "export", "large", "--out", exported)
            print(f"  the export has {exported.stat().st_size / 1e6:.1f} MB", flush=True)
            check_export(exported, values)

            text, more = table("second", MEGABYTES, 2)
            receipt = json.loads(steps.run(f"import of {len(text) / 1e6:.1f} MB by urllib", daemon.ask, "POST",
                                           "/v1/campaigns/large/measurements?source=urllib", text.encode(), "text/csv"))
            verdicts = collections.Counter(row["verdict"] for row in receipt["rows"])
            assert verdicts.keys() <= {"accepted", "flagged"} and verdicts.total() == len(more), verdicts
            back = steps.run("the same bytes back by urllib", daemon.ask, "GET", f"/v1/ingests/{receipt['ingest']}/content")
            assert back == text.encode()
            found = steps.run(f"{len(values) + len(more)} measurements in pages by urllib", pages, daemon)
            assert found == {**values, **more}
        finally:
            daemon.end()


if __name__ == "__main__":
    main()
