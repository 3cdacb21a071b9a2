"""One flipped byte of a stopped daemon's database, again and again: either what is read from it is what it was (measurements with
their catalysts and conditions, models, proposals, the ledger, campaign files), or `kasetsu check` refuses the file and says what is
wrong with it. Half of the bytes are any of the file, half lie inside the cells of its tables, each table as often as every other.

    python3 tests/e2e/flips_test.py BIN          KASETSU_FLIPS=20000: so many instead of 200; KASETSU_FLIPS_SEED: another choice
"""
import collections
import itertools
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

PATIENCE = int(os.environ.get("KASETSU_PATIENCE", "1"))  # how many times as long as usual a program may take
FLIPS = int(os.environ.get("KASETSU_FLIPS", "200"))
SEED = int(os.environ.get("KASETSU_FLIPS_SEED", "7"))
SERVED = 12  # of the flips that are called right, so many are also looked at through a daemon
CAMPAIGN = """format = 1
name = "flips"
[[targets]]
name = "Y"
unit = "%"
goal = "maximize"
plausible = [0, 100]
[conditions]
T = [1023.15, 1073.15]
[[space]]
kind = "slots"
slots = 2
none = true
repetition = false
elements = ["Li", "Na", "K", "Mg", "Mn", "W"]
supports = ["MgO", "SiO2"]
[model]
size = 2
order = 0
hypotheses = 5
work = 200000
[planner]
batch = 4
[retrain]
when = "by_hand"
"""
# What is read from a database, whoever reads it. Tables that only repeat what others say are not compared: they may gain
# entries that nobody looks for.
READ = ["campaigns", "campaign_versions", "properties", "catalysts", "samples", "ingests", "runs", "measurements", "marks",
        "not_live", "quarantine", "batches", "proposals", "snapshots", "models", "renewed_keys", "predictions", "prediction_errors", "settings",
        "measurements_view", "proposals_view", "predictions_view", "campaigns_view"]


class Daemon:
    def __init__(self, programs, folder, data):
        self.folder = folder
        port_file = folder / "port"
        port_file.unlink(missing_ok=True)
        with open(folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [programs / "kasetsud", "--data-dir", data, "--listen", "127.0.0.1:0", "--port-file", port_file, "--threads", "1"],
                stdout=log, stderr=log)
        deadline = time.monotonic() + 60 * PATIENCE
        while not (port_file.exists() and port_file.read_text().strip()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("the daemon did not start: " + (folder / "log").read_text()[-2000:])
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{port_file.read_text().strip()}"

    def ask(self, method, path, body=None, content_type="application/json"):
        data = None if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers={"Content-Type": content_type})
        try:
            with urllib.request.urlopen(request, timeout=60 * PATIENCE) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read()[:500]}") from None

    def finish(self, job):
        deadline = time.monotonic() + 120 * PATIENCE
        while (now := self.ask("GET", f"/v1/jobs/{job}"))["state"] in ("SCHEDULED", "RUNNING"):
            assert time.monotonic() < deadline, now
            time.sleep(0.05)
        assert now["state"] == "COMPLETED", now

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=60 * PATIENCE) == 0

    def exported(self):
        """What a client reads of live measurements and the model."""
        base = "/v1/campaigns/flips"
        return [self.ask("GET", base + "/measurements?limit=1000"), self.ask("GET", base + "/models/current"),
                self.ask("GET", base + "/ledger?limit=1000"), self.ask("GET", base + "/configs/1")]


def fill(daemon):
    """A campaign with all that a laboratory leaves in a database."""
    base = "/v1/campaigns/flips"
    daemon.ask("POST", "/v1/campaigns", CAMPAIGN, "application/toml")
    rows = [{"catalyst": {"slots": list(slots), "support": support}, "channel": str(i), "sample": f"S-{i}",
             "conditions": {"T": 1023.15 + 50 * (i % 2)}, "values": {"Y": 3.0 + i * 7 % 31 / 3 + 5 * ("Mn" in slots)}}
            for i, (slots, support) in enumerate(itertools.product(itertools.combinations(["Li", "Na", "K", "Mg", "Mn"], 2),
                                                                   ["MgO", "SiO2"]))]
    receipt = daemon.ask("POST", base + "/measurements", {"source": "rig", "run": "first", "rows": rows})
    assert receipt["accepted"] == len(rows), receipt
    bad = {"catalyst": {"slots": ["Xx", "none"], "support": "MgO"}, "conditions": {"T": 1023.15}, "values": {"Y": 1.0}}
    daemon.ask("POST", base + "/measurements", {"source": "rig", "run": "second", "rows": [bad, {**bad, "values": {"Y": 2.0}}]})
    waiting = daemon.ask("GET", base + "/quarantine")["quarantine"]
    daemon.ask("POST", f"/v1/quarantine/{waiting[0]['id']}:discard", {"reason": "no such element"})
    ids = [row["measurement"] for row in receipt["rows"]]
    daemon.ask("POST", f"/v1/measurements/{ids[3]}:supersede", {"value": 8.125, "reason": "a slip"})
    daemon.ask("POST", f"/v1/measurements/{ids[5]}:retract", {"reason": "a leak"})
    daemon.ask("POST", f"/v1/measurements/{ids[7]}:exclude", {"reason": "an odd one"})
    daemon.finish(daemon.ask("POST", base + ":retrain", {})["job"]["id"])
    answer = daemon.ask("POST", base + ":recommend", {"batch_size": 4, "client": "anna"})
    if answer.get("job"):
        daemon.finish(answer["job"]["id"])
    proposals = daemon.ask("GET", base + "/proposals")["proposals"]
    daemon.ask("POST", f"/v1/proposals/{proposals[0]['id']}:claim", {"client": "anna"})
    receipt = daemon.ask("POST", base + "/measurements", {"source": "rig", "run": "third", "rows": [
        {"proposal": proposals[0]["id"], "conditions": proposals[0]["conditions"],
         "values": {"Y": 11.5}}]})
    assert receipt["accepted"] == 1, receipt
    daemon.ask("POST", f"/v1/proposals/{proposals[1]['id']}:infeasible", {"client": "anna", "reason": "does not dissolve"})


def rows_of(path):
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    connection.text_factory = bytes
    try:
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in READ}
    finally:
        connection.close()


def cells(path, whole):
    """By table or index: ranges of bytes of the file in which its cells lie."""
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    size = connection.execute("PRAGMA page_size").fetchone()[0]
    ranges = collections.defaultdict(list)
    for name, page, kind in connection.execute("SELECT name, pageno, pagetype FROM dbstat").fetchall():
        begin = (page - 1) * size
        if kind == "overflow":
            ranges[name].append((begin + 4, begin + size))
            continue
        header = begin + (100 if page == 1 else 0)
        content = int.from_bytes(whole[header + 5:header + 7], "big") or 65536
        if content < size:
            ranges[name].append((begin + content, begin + size))
    connection.close()
    return ranges


def flips(path, whole, count):
    """(place, byte that is there instead), and what lies there."""
    choice = random.Random(SEED)
    ranges = cells(path, whole)
    names = sorted(ranges)
    for number in range(count):
        if number % 2:
            where = names[number // 2 % len(names)]
            spans = ranges[where]
            begin, end = choice.choices(spans, [end - begin for begin, end in spans])[0]
            place = choice.randrange(begin, end)
        else:
            where, place = "the file", choice.randrange(len(whole))
        changed = whole[place] ^ (1 << choice.randrange(8) if number % 4 < 2 else choice.randrange(1, 256))
        yield where, place, changed


def check(programs, path):
    done = subprocess.run([programs / "kasetsu", "check", "--data-dir", path], capture_output=True, text=True,
                          timeout=60 * PATIENCE, check=False)
    return done.returncode, done.stdout + done.stderr


def main():
    programs = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        daemon = Daemon(programs, folder, folder / "data")
        fill(daemon)
        exported = daemon.exported()
        daemon.end()
        original = folder / "data" / "kasetsu.db"
        whole = original.read_bytes()
        before = rows_of(original)
        assert len(exported[0]["measurements"]) >= 15, exported
        assert [table for table in READ if not before[table]] == ["renewed_keys"], before.keys()
        data = folder / "copy"
        copy = data / "kasetsu.db"
        refused = called_right = served = 0
        for where, place, byte in flips(original, whole, FLIPS):
            about = f"byte {place} of {where}: {whole[place]:#04x} became {byte:#04x}"
            shutil.rmtree(data, ignore_errors=True)
            data.mkdir()
            copy.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1:])
            code, said = check(programs, copy)
            if code != 0:
                assert code in (1, 65) and len(said.strip()) > 20, f"{about}: {code} {said}"
                refused += 1
                continue
            called_right += 1
            after = rows_of(copy)
            changed = [table for table in READ if after[table] != before[table]]
            assert not changed, f"{about}: `kasetsu check` calls it right, but another is {changed}"
            if served < SERVED:
                served += 1
                daemon = Daemon(programs, folder, data)
                assert daemon.exported() == exported, f"{about}: another export"
                daemon.end()
        print(f"{FLIPS} flips: {refused} refused, {called_right} called right without another row, {served} of them served")
        assert refused > FLIPS // 3 and called_right > 0
        # The file itself is right.
        copy.write_bytes(whole)
        assert check(programs, copy)[0] == 0


if __name__ == "__main__":
    main()
