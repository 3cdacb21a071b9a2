"""Kills the daemon at random while results are posted, proposals claimed and models trained, and counts what was lost.

    python3 tests/crash/kill_loop.py --bin build/release/bin --kills 200

A robot posts results with idempotency keys and sends each one again until it is acknowledged. After every SIGKILL the
daemon is started again on the same file. At the end every acknowledged result must be there exactly once, the file must
pass SQLite's integrity check, and retraining must still work. Kills are counted by the phase that they hit: a run in which a
phase was never hit proves nothing about it, and fails.
"""
import argparse
import http.client
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

ELEMENTS = ["Li", "Na", "K", "Mg", "Ca", "Sr", "Ba", "La", "Ce", "Mn", "Fe", "Co", "Ni", "Zn", "Zr", "W"]
SUPPORTS = ["MgO", "SiO2", "La2O3", "BaO"]
CAMPAIGN = """format = 1
name = "crash"
owner = "crash harness"

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

[model]
hypotheses = 8
size = 3
order = 0
work = 2000000

[planner]
batch = 8

[retrain]
when = "every_results"
results = 16
""".format(elements=json.dumps(ELEMENTS), supports=json.dumps(SUPPORTS))


class Daemon:
    def __init__(self, program, folder):
        self.program = program
        self.folder = folder
        self.port_file = os.path.join(folder, "port")
        self.log_name = os.path.join(folder, "kasetsud.log")
        self.process = None
        self.port = 0

    def start(self, port=0):
        if os.path.exists(self.port_file):
            os.unlink(self.port_file)
        with open(self.log_name, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [self.program, "--data-dir", os.path.join(self.folder, "data"), "--listen", f"127.0.0.1:{port}",
                 "--port-file", self.port_file, "--threads", "1"], stdout=log, stderr=log)

    def wait_ready(self):
        for _ in range(1200):
            if self.process.poll() is not None:
                raise SystemExit(f"the daemon ended with {self.process.returncode}:\n" + self.tail())
            if os.path.exists(self.port_file) and os.path.getsize(self.port_file):
                with open(self.port_file, encoding="utf-8") as file:
                    self.port = int(file.read())
                return
            time.sleep(0.005)
        raise SystemExit("the daemon did not get ready:\n" + self.tail())

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise SystemExit("the daemon did not end within 60 s of SIGTERM:\n" + self.tail())

    def tail(self):
        with open(self.log_name, encoding="utf-8") as file:
            return "".join(file.readlines()[-30:])


class Robot(threading.Thread):
    """Posts one delivery after another; each is sent again, with the same key, until it is acknowledged."""

    def __init__(self, number, address, seed):
        super().__init__(daemon=True)
        self.number = number
        self.address = address
        self.random = random.Random(seed * 1000 + number)
        self.acknowledged = {}
        self.repeats = 0
        self.in_flight = False
        self.stopping = False
        self.trouble = None

    def run(self):
        sequence = 0
        while not self.stopping and self.trouble is None:
            sequence += 1
            rows = []
            for channel in range(self.random.choice([1, 1, 1, 5])):
                slots = [self.random.choice(ELEMENTS + ["none"]) for _ in range(3)]
                rows.append({"catalyst": {"slots": slots, "support": self.random.choice(SUPPORTS)},
                             "channel": str(channel), "sequence": sequence,
                             "values": {"C2_yield": round(self.random.uniform(0, 20), 3)}})
            body = json.dumps({"source": f"robot-{self.number}", "run": "crash", "rows": rows}).encode()
            key = f"crash-{self.number}-{sequence}"
            while not self.stopping:
                try:
                    self.in_flight = True
                    answer = post(self.address(), "/v1/campaigns/crash/measurements", body, key)
                    self.in_flight = False
                except urllib.error.HTTPError as error:
                    self.in_flight = False
                    if error.code in (429, 503):
                        time.sleep(0.02)
                        continue
                    self.trouble = f"{error.code}: {error.read()[:300]!r}"
                    return
                except (OSError, http.client.HTTPException):
                    self.in_flight = False
                    self.repeats += 1
                    time.sleep(0.01)
                    continue
                for row, verdict in zip(rows, answer["rows"]):
                    if verdict["verdict"] not in ("accepted", "flagged", "duplicate"):
                        self.trouble = f"verdict {verdict}"
                        return
                    name = (f"robot-{self.number}", row["channel"], sequence)
                    self.acknowledged[name] = row["values"]["C2_yield"]
                break
            # A rig measures for minutes; this one leaves the trainer a chance to be hit by a kill.
            time.sleep(self.random.uniform(0.0, 0.05))


def post(port, path, body, key=None, content_type="application/json"):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body, method="POST")
    request.add_header("Content-Type", content_type)
    if key:
        request.add_header("Idempotency-Key", key)
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.loads(response.read())


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as response:
        return json.loads(response.read())


def all_pages(port, path, name):
    token, found = "", []
    while True:
        page = get(port, f"{path}?limit=1000" + (f"&page_token={token}" if token else ""))
        found += page[name]
        token = page.get("next_page_token")
        if not token:
            return found


def phases_hit(daemon, robots, ready):
    """What goes on just before a kill; several things may."""
    if not ready:
        return ["starting"]
    posting = any(robot.in_flight for robot in robots)
    try:
        training = bool(get(daemon.port, "/v1/jobs?state=RUNNING")["jobs"])
    except (OSError, urllib.error.HTTPError, http.client.HTTPException):
        return ["starting"]
    return (["posting"] if posting else []) + (["training"] if training else []) or ["idle"]


def integrity(folder):
    data = os.path.join(folder, "data")
    problems = []
    for name in os.listdir(data):
        if not name.endswith((".db", ".sqlite")):
            continue
        with sqlite3.connect(f"file:{os.path.join(data, name)}?mode=ro", uri=True) as connection:
            problems += [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
            problems += [str(row) for row in connection.execute("PRAGMA foreign_key_check")]
    return problems


def run(args, folder):
    chance = random.Random(args.seed)
    daemon = Daemon(os.path.join(args.bin, "kasetsud"), folder)
    daemon.start()
    daemon.wait_ready()
    port = daemon.port
    post(port, "/v1/campaigns", CAMPAIGN.encode(), "campaign", "application/toml")
    robots = [Robot(i, lambda: port, args.seed) for i in range(args.robots)]
    for robot in robots:
        robot.start()
    phases = {"starting": 0, "posting": 0, "training": 0, "idle": 0}
    for kill in range(args.kills):
        ready = kill % 7 != 3
        if ready:
            daemon.wait_ready()
            time.sleep(chance.uniform(0.0, 0.4))
        else:
            time.sleep(chance.uniform(0.0, 0.04))
        hit = phases_hit(daemon, robots, ready)
        if ready and kill % 2 == 0:
            # A post takes milliseconds: half of the kills wait for one that is on its way.
            for _ in range(2000):
                if any(robot.in_flight for robot in robots):
                    hit = [phase for phase in hit if phase not in ("posting", "idle")] + ["posting"]
                    break
                time.sleep(0.0005)
        daemon.kill()
        for phase in hit:
            phases[phase] += 1
        if kill % 20 == 19 and not args.quiet:
            print(f"  {kill + 1} kills, {sum(len(r.acknowledged) for r in robots)} results acknowledged", flush=True)
        daemon.start(port)
        for robot in robots:
            if robot.trouble:
                raise SystemExit(f"robot {robot.number}: {robot.trouble}")
    daemon.wait_ready()
    time.sleep(0.5)
    for robot in robots:
        robot.stopping = True
    for robot in robots:
        robot.join(timeout=30)
        if robot.trouble:
            raise SystemExit(f"robot {robot.number}: {robot.trouble}")

    measurements = all_pages(port, "/v1/campaigns/crash/measurements", "measurements")
    there = {}
    for m in measurements:
        there.setdefault((m["source"], m["channel"], m["sequence"]), []).append(m["value"])
    acknowledged = {}
    for robot in robots:
        acknowledged.update(robot.acknowledged)
    lost = [name for name, value in acknowledged.items() if value not in there.get(name, [])]
    doubled = [name for name, values in there.items() if len(values) > 1]

    # Training goes on: a job that is asked for now ends.
    job = post(port, "/v1/campaigns/crash:retrain", b"{}", "last")["job"]["id"]
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        state = get(port, f"/v1/jobs/{job}")["state"]
        if state not in ("SCHEDULED", "RUNNING"):
            break
        time.sleep(0.1)
    models = len(all_pages(port, "/v1/campaigns/crash/models", "models"))
    daemon.stop()
    problems = integrity(folder)
    repeats = sum(robot.repeats for robot in robots)
    print(f"{args.kills} kills ({', '.join(f'{n} {p}' for p, n in phases.items())}); {len(acknowledged)} results "
          f"acknowledged, {repeats} deliveries sent again; {len(lost)} lost, {len(doubled)} doubled; "
          f"{models} models; integrity {'ok' if not problems else problems}; last retraining {state}")
    never = [p for p in ("starting", "posting", "training") if phases[p] == 0]
    if never and args.kills >= 20:
        raise SystemExit(f"no kill hit: {', '.join(never)}")
    if lost or doubled or problems or state != "COMPLETED" or not acknowledged or models == 0:
        raise SystemExit(f"FAILED: lost {lost[:5]}, doubled {doubled[:5]}, {problems[:3]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--bin", required=True)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--robots", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quiet", action="store_true")
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="kasetsu-crash-")
    failed = True
    try:
        run(args, folder)
        failed = False
    finally:
        if failed:
            print(f"kept for a look: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
