"""How long a robot waits: from its last result posted over HTTP until the next proposals are on offer.

    python3 tests/benchmark/latency.py --bin build/release/bin [--rows 20 100 400 2000] [--before FOLDER]

A campaign of 34,000 candidates (three of 26 elements, nine supports) with so many results, its default settings, and a batch of
eight. The robot claims the batch and posts its results one by one; the clock starts with the last one. Beside it another client
posts twenty results a second to another campaign. The parts are what the robot sees when it looks twenty times a second:
"wait" until the job runs, "learn" until the job's progress (written four times a second) tells of calibration, "calibrate" until
there is a model, "plan" until there are proposals. In brackets are the daemon's CPU seconds, for those who measure on a busy
machine: two processors that nobody else uses need between a half and all of them. Exit code 1 when a goal is missed. With
--before the same is measured of an earlier release's programs, and the ratio is printed.
"""

import argparse
import http.client
import json
import math
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

GOALS = {20: 1.0, 100: 2.0, 400: 6.0, 2000: 40.0}  # seconds on two processors
BATCH = 8
PARTS = ("wait", "learn", "calibrate", "plan")
ELEMENTS = "Li Na K Cs Mg Ca Sr Ba La Ce Nd Eu Tb Ti Zr Hf V Mo W Mn Fe Co Ni Cu Zn Pd".split()
SUPPORTS = "MgO Al2O3 SiO2 TiO2 ZrO2 BaO CaO La2O3 CeO2".split()
CAMPAIGN = """format = 1
name = "{name}"
[[targets]]
name = "C2_yield"
unit = "%"
goal = "maximize"
[[space]]
kind = "slots"
slots = 3
elements = {elements}
none = true
repetition = true
supports = {supports}
[planner]
batch = {batch}
[retrain]
when = "{when}"
"""


class Laboratory:
    """A made-up law: what elements and the support bring by themselves and in pairs, and an error."""

    def __init__(self, seed):
        draw = random.Random(seed)
        self.noise = random.Random(seed + 1)
        self.alone = {name: draw.gauss(0.0, 1.0) for name in ELEMENTS + SUPPORTS}
        self.pairs = {frozenset((a, b)): draw.gauss(0.0, 1.5) for a in ELEMENTS for b in ELEMENTS + SUPPORTS if draw.random() < 0.2}
        self.draw = draw

    def measure(self, catalyst):
        if "slots" in catalyst:
            parts = [slot for slot in catalyst["slots"] if slot != "none"] + [catalyst["support"]]
        else:
            parts = sorted(catalyst["amounts"]) + [catalyst["support"]]
        value = sum(self.alone[part] for part in parts)
        value += sum(self.pairs.get(frozenset((a, b)), 0.0) for i, a in enumerate(parts) for b in parts[:i])
        return round(max(0.0, 8.0 + 2.0 * value + self.noise.gauss(0.0, 0.5)), 3)

    def catalyst(self):
        return {"slots": sorted(self.draw.choice(ELEMENTS + ["none"]) for _ in range(2)) + [self.draw.choice(ELEMENTS)],
                "support": self.draw.choice(SUPPORTS)}


class Daemon:
    def __init__(self, program):
        self.folder = tempfile.mkdtemp(prefix="kasetsu-latency-")
        port_file = os.path.join(self.folder, "port")
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen([program, "--data-dir", os.path.join(self.folder, "data"), "--listen", "127.0.0.1:0",
                                             "--port-file", port_file], stdout=log, stderr=log)
        while not (os.path.exists(port_file) and os.path.getsize(port_file)):
            if self.process.poll() is not None:
                raise SystemExit("the daemon ended at its start")
            time.sleep(0.01)
        with open(port_file, encoding="utf-8") as file:
            self.port = int(file.read())

    def ask(self, method, path, body=None, content_type="application/json"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        text = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, "/v1" + path, body=text, headers={"Content-Type": content_type} if text else {})
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        if answer.status >= 300:
            raise SystemExit(f"{path}: {answer.status}: {said[:300]!r}")
        return json.loads(said)

    def apply(self, name, when):
        text = CAMPAIGN.format(name=name, elements=json.dumps(ELEMENTS), supports=json.dumps(SUPPORTS), batch=BATCH, when=when)
        self.ask("POST", "/campaigns", text.encode(), "application/toml")

    def post(self, name, rows):
        found = self.ask("POST", f"/campaigns/{name}/measurements", {"source": "robot", "rows": rows})
        for row in found["rows"]:
            if row["verdict"] not in ("accepted", "flagged"):
                raise SystemExit(f"a result was not taken: {row}")

    def now(self):
        """Seconds by the clock, and of the daemon's CPU time."""
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return time.monotonic(), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=120)
        shutil.rmtree(self.folder, ignore_errors=True)


class Beside(threading.Thread):
    """Posts results to another campaign, twenty a second."""

    def __init__(self, daemon, laboratory):
        super().__init__()
        self.daemon_, self.laboratory = daemon, laboratory
        self.ended, self.took = threading.Event(), []

    def run(self):
        while not self.ended.wait(0.05):
            catalyst = self.laboratory.catalyst()
            begin = time.monotonic()
            self.daemon_.post("beside", [{"catalyst": catalyst, "values": {"C2_yield": self.laboratory.measure(catalyst)}}])
            self.took.append(time.monotonic() - begin)


def wait_for_batch(daemon, name):
    """The proposals, and when each part was over."""
    models = len(daemon.ask("GET", f"/campaigns/{name}/models")["models"])
    moments = {}

    def now(part):
        moments.setdefault(part, daemon.now())

    while True:
        time.sleep(0.05)
        if "calibrate" not in moments:
            running = daemon.ask("GET", f"/jobs?campaign={name}&state=RUNNING")["jobs"]
            if running:
                now("wait")
                if running[0].get("stage") == "calibration":
                    now("learn")
            if len(daemon.ask("GET", f"/campaigns/{name}/models")["models"]) == models:
                failed = daemon.ask("GET", f"/jobs?campaign={name}&state=FAILED")["jobs"]
                if failed:
                    raise SystemExit(f"a job failed: {failed[0]}")
                continue
            now("calibrate")
        found = daemon.ask("GET", f"/campaigns/{name}/proposals?state=REQUESTED")["proposals"]
        if len(found) >= BATCH:
            now("plan")
            return found, moments


def parts_of(begin, moments):
    """How long each part took; what passed between two looks has no length of its own."""
    took = {}
    for part in PARTS:
        end = max(begin, moments.get(part, begin))
        took[part], took[part + " cpu"] = end[0] - begin[0], end[1] - begin[1]
        begin = end
    return took


def measure(program, rows, seed):
    laboratory = Laboratory(seed)
    daemon = Daemon(program)
    beside = Beside(daemon, Laboratory(seed + 100))
    try:
        name = f"rows-{rows}"
        daemon.apply("beside", "by_hand")
        daemon.apply(name, "every_batch")
        known = []
        while len(known) < rows - BATCH:
            catalyst = laboratory.catalyst()
            known.append({"catalyst": catalyst, "values": {"C2_yield": laboratory.measure(catalyst)}})
        for start in range(0, len(known), 500):
            daemon.post(name, known[start:start + 500])
        daemon.ask("POST", f"/campaigns/{name}:retrain", {})
        batch, _ = wait_for_batch(daemon, name)
        beside.start()
        time.sleep(0.5)
        results = []
        for proposal in batch:
            daemon.ask("POST", f"/proposals/{proposal['id']}:claim", {"client": "robot"})
            value = laboratory.measure(proposal["catalyst"])
            results.append({"catalyst": {"amounts": proposal["catalyst"]["amounts"], "support": proposal["catalyst"]["support"]},
                            "proposal": proposal["id"], "values": {"C2_yield": value}})
        for result in results[:-1]:
            daemon.post(name, [result])
        begin = daemon.now()
        daemon.post(name, results[-1:])
        _, moments = wait_for_batch(daemon, name)
        beside.ended.set()
        beside.join()
        took = parts_of(begin, moments)
        return {**took, "total": sum(took[part] for part in PARTS), "cpu": sum(took[part + " cpu"] for part in PARTS),
                "beside": sorted(beside.took)[math.ceil(0.99 * len(beside.took)) - 1]}
    finally:
        beside.ended.set()
        if beside.is_alive():
            beside.join()
        daemon.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--data", help="not used")
    parser.add_argument("--before", default="", help="folder of an earlier release's programs")
    parser.add_argument("--rows", type=int, nargs="+", default=list(GOALS))
    parser.add_argument("--turns", type=int, default=1, help="runs of each, of which the median is printed")
    arguments = parser.parse_args()
    print(f"{'results':>8} {'total, s':>16} {'goal':>5} " + " ".join(f"{part:>15}" for part in PARTS) + "  p99 beside, ms", flush=True)
    holds = True
    for rows in arguments.rows:
        runs = [measure(os.path.join(arguments.bin, "kasetsud"), rows, 1 + turn) for turn in range(arguments.turns)]
        middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        goal = GOALS.get(rows)
        kept = goal is None or middle["total"] <= goal
        holds = holds and kept
        line = f"{rows:8} {middle['total']:7.2f} ({middle['cpu']:6.2f}) {goal or '-':>5} "
        line += " ".join(f"{middle[part]:6.2f} ({middle[part + ' cpu']:6.2f})" for part in PARTS)
        line += f"  {1e3 * middle['beside']:14.0f}" + ("" if kept else "  MISSED")
        if arguments.before:
            then = statistics.median(measure(os.path.join(arguments.before, "kasetsud"), rows, 1 + turn)["total"]
                                     for turn in range(arguments.turns))
            line += f"  before {then:.2f}, ratio {then / middle['total']:.1f}"
        print(line, flush=True)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
