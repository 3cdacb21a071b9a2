"""Kills the daemon at random while it starts, migrates, takes in results, leases proposals and trains, and counts what was
lost.

    python3 tests/crash/kill_loop.py --bin build/release/bin --kills 200
    python3 tests/crash/kill_loop.py --bin build/release/bin --kills 1000 --seed 7 --journal kills.jsonl
    python3 tests/crash/kill_loop.py --journal kills.jsonl --totals

Robots post results and claim, report and give up proposals, each request with an idempotency key and sent again until it is
acknowledged. After every SIGKILL a copy of the database is opened as the daemon would: it must pass SQLite's integrity check
and the foreign key check, every acknowledged result must be there exactly once, and every proposal must be in the state that
was acknowledged last (or in that of the request that was on its way). Then the daemon starts again on the same file. Every
twentieth kill or so opens another folder; one folder in five holds a database of an older schema, and the kills hit its
migration. Kills are counted by the phase that they hit: a run in which a phase was never hit proves nothing about it, and
fails. With --journal every folder adds a line to a file, so that runs add up; --totals prints the sum.
"""
import argparse
import http.client
import json
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

from copied_database import Failed, check_whole, snapshot
from old_database import old_database

ELEMENTS = ["Li", "Na", "K", "Mg", "Ca", "Sr", "Ba", "La", "Ce", "Mn", "Fe", "Co", "Ni", "Zn", "Zr", "W"]
SUPPORTS = ["MgO", "SiO2", "La2O3", "BaO"]
MIGRATING = "before migrating it"  # in the log, before the copy that is made first
PATIENCE_S = 120  # for one request, over all kills that hit it
TRAINING_S = 600  # some seconds of CPU time, on a machine that may do much else
PHASES = ["starting", "migrating", "posting", "claiming", "training"]
CAMPAIGN = """format = 1
name = "{name}"
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
{retrain}
"""
AFTER_RESULTS = 'when = "every_results"\nresults = 16'
BY_HAND = 'when = "by_hand"'


def campaign(name, retrain):
    return CAMPAIGN.format(name=name, retrain=retrain, elements=json.dumps(ELEMENTS), supports=json.dumps(SUPPORTS))


TLS = {}  # with --tls: the client's context, and the daemon's configuration file


def speak_tls(folder):
    """A certificate of this run's own, for every daemon and robot."""
    certificate, key, config = (os.path.join(folder, name) for name in ("cert.pem", "key.pem", "tls.toml"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                    "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    with open(config, "w", encoding="utf-8") as file:
        file.write(f"[tls]\ncertificate_file = \"{certificate}\"\nkey_file = \"{key}\"\n")
    TLS.update(config=config, context=ssl.create_default_context(cafile=certificate))


def connect(port):
    if TLS:
        return http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=TLS["context"])
    return http.client.HTTPConnection("127.0.0.1", port, timeout=20)


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
            self.log_begin = log.tell()
            self.process = subprocess.Popen(
                [self.program, "--data-dir", os.path.join(self.folder, "data"), "--listen", f"127.0.0.1:{port}",
                 "--port-file", self.port_file, "--threads", "1", *(["--config", TLS["config"]] if TLS else [])], stdout=log, stderr=log)

    def is_ready(self):
        return os.path.exists(self.port_file) and os.path.getsize(self.port_file) > 0

    def wait_ready(self):
        for _ in range(30_000):
            if self.is_ready():
                with open(self.port_file, encoding="utf-8") as file:
                    self.port = int(file.read())
                return
            if self.process.poll() is not None:
                raise Failed(f"the daemon ended with {self.process.returncode}:\n" + self.tail())
            time.sleep(0.002)
        raise Failed("the daemon did not get ready:\n" + self.tail())

    def kill(self):
        if self.process.poll() is not None:
            raise Failed(f"the daemon ended by itself with {self.process.returncode}:\n" + self.tail())
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
                raise Failed("the daemon did not end within 60 s of SIGTERM:\n" + self.tail())

    def log_since_start(self):
        with open(self.log_name, encoding="utf-8") as file:
            file.seek(self.log_begin)
            return file.read()

    def tail(self):
        with open(self.log_name, encoding="utf-8") as file:
            return "".join(file.readlines()[-30:])


class Robot(threading.Thread):
    """Sends one request after another; each is sent again, with the same key, until it is acknowledged."""

    def __init__(self, name, port, seed):
        super().__init__(daemon=True)
        self.name = name
        self.port = port
        self.random = random.Random(f"{seed} {name}")
        self.connection = None
        self.in_flight = False
        self.repeats = 0
        self.stopping = False
        self.trouble = None
        self.requests = 0

    def run(self):
        try:
            self.work()
        except Failed as failure:
            self.trouble = str(failure)

    def once(self, path, body, key, content_type):
        if self.connection is None:
            self.connection = connect(self.port)
            self.connection.connect()
            self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        headers = {"Content-Type": content_type, "Idempotency-Key": key}
        self.connection.request("POST", path, body=body, headers=headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def send(self, path, body, content_type="application/json"):
        """The answer, once there is one; None when the robot is told to stop before."""
        self.requests += 1
        key = f"{self.name}-{self.requests}"
        deadline = time.monotonic() + PATIENCE_S
        while not self.stopping:
            if time.monotonic() > deadline:
                raise Failed(f"{self.name}: {path} was not answered within {PATIENCE_S} s")
            try:
                self.in_flight = True
                status, text = self.once(path, body, key, content_type)
            except (OSError, http.client.HTTPException):
                self.connection = None
                self.repeats += 1
                time.sleep(0.005)
                continue
            finally:
                self.in_flight = False
            if status in (429, 503):
                time.sleep(0.02)
                continue
            if status >= 300:
                raise Failed(f"{self.name}: {path}: {status}: {text[:300]!r}")
            return json.loads(text)
        return None


class Poster(Robot):
    """Delivers results. `acknowledged` holds the value of each row by channel and sequence."""

    def __init__(self, name, port, seed):
        super().__init__(name, port, seed)
        self.acknowledged = {}

    def work(self):
        sequence = 0
        while not self.stopping:
            sequence += 1
            rows = []
            for channel in range(self.random.choice([1, 1, 1, 5])):
                slots = [self.random.choice(ELEMENTS + ["none"]) for _ in range(2)] + [self.random.choice(ELEMENTS)]
                rows.append({"catalyst": {"slots": slots, "support": self.random.choice(SUPPORTS)},
                             "channel": str(channel), "sequence": sequence,
                             "values": {"C2_yield": round(self.random.uniform(0, 20), 3)}})
            body = json.dumps({"source": self.name, "run": "crash", "rows": rows}).encode()
            answer = self.send("/v1/campaigns/crash/measurements", body)
            if answer is None:
                return
            for row, verdict in zip(rows, answer["rows"]):
                if verdict["verdict"] not in ("accepted", "flagged", "duplicate"):
                    raise Failed(f"{self.name}: verdict {verdict}")
                self.acknowledged[(self.name, row["channel"], sequence)] = row["values"]["C2_yield"]
            # A rig measures for minutes; this one leaves the trainer a chance to be hit by a kill.
            time.sleep(self.random.uniform(0.0, 0.03))


class Claimer(Robot):
    """Asks for proposals by hand, claims them, and ends each in one of the ways that there are.

    `states` holds the states that a proposal may be in: what was acknowledged last, and what the request on its way makes
    of it. `asked` counts the proposals that were acknowledged.
    """

    ENDS = {"result": "SUCCEEDED", "fail": "FAILED", "infeasible": "INFEASIBLE", "release": "REQUESTED", "keep": "ACTIVE"}

    def __init__(self, name, port, seed):
        super().__init__(name, port, seed)
        self.states = {}
        self.asked = 0

    def verb(self, proposal, word, state, body):
        self.states[proposal] = self.states[proposal] | {state}
        answer = self.send(f"/v1/proposals/{proposal}:{word}", json.dumps(body).encode())
        if answer is None:
            return False
        if answer["state"] != state:
            raise Failed(f"{word} of {proposal} gave {answer['state']} instead of {state}")
        self.states[proposal] = {state}
        return True

    def work(self):
        while not self.stopping:
            amounts = {"Li": self.asked + 1, self.random.choice(ELEMENTS[1:]): 1}
            catalyst = {"amounts": amounts, "support": "MgO"}
            answer = self.send("/v1/campaigns/claims/proposals",
                               json.dumps({"catalyst": catalyst, "reason": "crash"}).encode())
            if answer is None:
                return
            proposal = answer["id"]
            self.asked += 1
            self.states[proposal] = {"REQUESTED"}
            me = {"client": self.name, "lease_s": 3600}
            if not self.verb(proposal, "claim", "ACTIVE", me) or not self.verb(proposal, "heartbeat", "ACTIVE", me):
                return
            end = self.random.choice(list(self.ENDS))
            if end == "result":
                self.states[proposal] = {"ACTIVE", "SUCCEEDED"}
                row = {"proposal": proposal, "channel": "0", "sequence": self.asked, "values": {"C2_yield": 1.0}}
                body = json.dumps({"source": self.name, "run": "claims", "rows": [row]}).encode()
                if self.send("/v1/campaigns/claims/measurements", body) is None:
                    return
                self.states[proposal] = {"SUCCEEDED"}
            elif end != "keep":
                body = {"client": self.name}
                if end != "release":
                    body["reason"] = "crash"
                if not self.verb(proposal, end, self.ENDS[end], body):
                    return
            time.sleep(self.random.uniform(0.0, 0.02))


def check_kept(connection, posters, claimers):
    """Returns whether a job was running."""
    if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
        if any(p.acknowledged for p in posters) or any(c.asked for c in claimers):
            raise Failed("an empty database, after results were acknowledged")
        return False
    there = {}
    for source, channel, sequence, value, count in connection.execute(
            "SELECT r.source, r.channel, r.sequence, max(m.value), count(*) FROM measurements m JOIN runs r ON "
            "r.seq = m.run GROUP BY r.source, r.channel, r.sequence"):
        there[(source, channel, sequence)] = value
        if count != 1:
            raise Failed(f"{count} measurements of {source}, {channel}, {sequence}")
    for poster in posters:
        for name, value in poster.acknowledged.items():
            if there.get(name) != value:
                raise Failed(f"{name} was acknowledged with {value}, there is {there.get(name)}")
    states = dict(connection.execute("SELECT p.id, p.state FROM proposals p JOIN campaigns c ON c.key = p.campaign "
                                     "WHERE c.name = 'claims'"))
    for claimer in claimers:
        for proposal, allowed in claimer.states.items():
            if states.get(proposal) not in allowed:
                raise Failed(f"proposal {proposal} is {states.get(proposal)}, acknowledged was {allowed}")
    if not 0 <= len(states) - sum(c.asked for c in claimers) <= len(claimers):
        raise Failed(f"{len(states)} proposals, {sum(c.asked for c in claimers)} asked for")
    return connection.execute("SELECT count(*) FROM jobs WHERE state = 'RUNNING'").fetchone()[0] > 0


def check_folder(folder, posters, claimers):
    connection = snapshot(folder)
    try:
        check_whole(connection)
        return check_kept(connection, posters, claimers)
    finally:
        connection.close()


def live_folder(args, folder, chance, kills):
    """Kills of one daemon under load. Returns the line for the journal."""
    daemon = Daemon(os.path.join(args.bin, "kasetsud"), folder)
    daemon.start()
    try:
        daemon.wait_ready()
        port = daemon.port
        setup = Robot("setup", port, 0)
        for name, retrain in (("crash", AFTER_RESULTS), ("claims", BY_HAND)):
            setup.send("/v1/campaigns", campaign(name, retrain).encode(), "application/toml")
        posters = [Poster(f"poster-{i}", port, chance.random()) for i in range(args.robots)]
        claimers = [Claimer("claimer", port, chance.random())]
        robots = posters + claimers
        for robot in robots:
            robot.start()
        phases = dict.fromkeys(PHASES + ["idle"], 0)
        for kill in range(kills):
            starting = kill % 8 == 3
            if starting:
                time.sleep(chance.uniform(0.0, 0.04))
                starting = not daemon.is_ready()
            else:
                daemon.wait_ready()
                # Most kills come soon; some leave the trainer time to get somewhere.
                time.sleep(chance.uniform(0.0, 0.05) if kill % 4 else chance.uniform(0.05, 0.4))
            wanted = {1: posters, 2: claimers}.get(kill % 3, [])
            if not starting and wanted:
                # A request takes milliseconds: two kills of three wait for one that is on its way.
                for _ in range(2000):
                    if any(robot.in_flight for robot in wanted):
                        break
                    time.sleep(0.0002)
            posting = any(robot.in_flight for robot in posters)
            claiming = any(robot.in_flight for robot in claimers)
            daemon.kill()
            training = check_folder(folder, posters, claimers)
            if starting:
                phases["starting"] += 1
            else:
                hit = {"posting": posting, "claiming": claiming, "training": training}
                hit["idle"] = not any(hit.values())
                for phase, now in hit.items():
                    phases[phase] += now
            daemon.start(port)
            for robot in robots:
                if robot.trouble:
                    raise Failed(robot.trouble)
        daemon.wait_ready()
        time.sleep(0.1)
        for robot in robots:
            robot.stopping = True
        for robot in robots:
            robot.join(timeout=30)
            if robot.trouble:
                raise Failed(robot.trouble)
        check_folder(folder, posters, claimers)
        # Training goes on: a job that is asked for now ends.
        job = setup_job(port)
        if job != "COMPLETED":
            raise Failed(f"the last retraining is {job}")
        daemon.stop()
        check_folder(folder, posters, claimers)
    finally:
        if daemon.process.poll() is None:
            daemon.kill()
    return {"kills": kills, "phases": phases, "acknowledged": sum(len(p.acknowledged) for p in posters),
            "proposals": sum(c.asked for c in claimers), "repeats": sum(r.repeats for r in robots)}


def setup_job(port):
    """Asks for a retraining and waits for it; returns its state."""
    robot = Robot("last", port, 0)
    while True:
        answer = robot.send("/v1/campaigns/crash:retrain", b"{}")
        state = wait_for(port, answer["job"]["id"])
        if state != "SKIPPED":
            return state


def wait_for(port, job):
    deadline = time.monotonic() + TRAINING_S
    while True:
        connection = connect(port)
        connection.request("GET", f"/v1/jobs/{job}")
        state = json.loads(connection.getresponse().read())["state"]
        connection.close()
        if state not in ("SCHEDULED", "RUNNING") or time.monotonic() > deadline:
            return state
        time.sleep(0.02)


class OldResults:
    """Stands for the robot that delivered what an old database holds."""

    def __init__(self, values):
        self.acknowledged = values


def migrating_folder(args, folder, chance, kills):
    """Kills of daemons that find a database of an older schema, or none at all."""
    program = os.path.join(args.bin, "kasetsud")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "schema")
    scripts = []
    for name in sorted(name for name in os.listdir(source) if name.endswith(".sql")):
        with open(os.path.join(source, name), "rb") as file:
            scripts.append((name, file.read()))
    data = os.path.join(folder, "data")
    name = os.path.join(data, "kasetsu.db")
    phases = dict.fromkeys(PHASES + ["idle"], 0)
    done, migrated = 0, 0
    while done < kills:
        shutil.rmtree(data, ignore_errors=True)
        os.mkdir(data, mode=0o700)
        # Now and then there is nothing yet: the first schema is made then.
        version = chance.randrange(1, len(scripts)) if chance.random() < 0.9 else 0
        values = old_database(name, scripts, version, 400, campaign("crash", AFTER_RESULTS), ELEMENTS) if version > 0 else {}
        posters = [OldResults(values)]
        daemon = Daemon(program, folder)
        # Up to six kills of one migration, and it must come to its end all the same.
        for _ in range(min(6, kills - done)):
            daemon.start()
            if version > 0 and chance.random() < 0.9:
                # Copying and migrating take some ten milliseconds, from this word on.
                while (MIGRATING not in daemon.log_since_start() and not daemon.is_ready()
                       and daemon.process.poll() is None):
                    time.sleep(0.0005)
                time.sleep(chance.uniform(0.0, 0.03))
            else:
                time.sleep(chance.uniform(0.0, 0.1))
            ready = daemon.is_ready()
            daemon.kill()
            log = daemon.log_since_start()
            done += 1
            connection = snapshot(folder)
            try:
                check_whole(connection)
                check_kept(connection, posters, [])
                reached = connection.execute("PRAGMA user_version").fetchone()[0]
            finally:
                connection.close()
            if MIGRATING in log and reached < len(scripts):
                phases["migrating"] += 1
            else:
                phases["idle" if ready else "starting"] += 1
            if ready:
                break
        daemon.start()
        daemon.wait_ready()
        daemon.stop()
        connection = snapshot(folder)
        try:
            check_whole(connection)
            check_kept(connection, posters, [])
            if connection.execute("PRAGMA user_version").fetchone()[0] != len(scripts):
                raise Failed("the migration did not come to its end")
        finally:
            connection.close()
        migrated += 1
    return {"kills": done, "phases": phases, "acknowledged": 0, "proposals": 0, "repeats": 0, "migrated": migrated}


def add(lines):
    total = {"folders": len(lines), "kills": 0, "acknowledged": 0, "proposals": 0, "repeats": 0, "migrated": 0}
    phases = dict.fromkeys(PHASES + ["idle"], 0)
    for line in lines:
        for name in total:
            if name != "folders":
                total[name] += line.get(name, 0)
        for phase, count in line["phases"].items():
            phases[phase] += count
    total["phases"] = phases
    return total


def tell(total):
    hits = ", ".join(f"{count} {phase}" for phase, count in total["phases"].items())
    print(f"{total['kills']} kills in {total['folders']} databases ({hits}); {total['acknowledged']} results and "
          f"{total['proposals']} proposals acknowledged, {total['repeats']} requests sent again, {total['migrated']} databases "
          "created or migrated; 0 lost, 0 doubled, every copy whole")


def read_journal(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def run(args):
    chance = random.Random(args.seed)
    lines, kills, folders = [], 0, 0
    while kills < args.kills:
        count = min(args.kills - kills, args.folder_kills)
        migrating = folders % 5 == 1
        folder = tempfile.mkdtemp(prefix="kasetsu-crash-", dir=args.scratch)
        try:
            line = (migrating_folder if migrating else live_folder)(args, folder, chance, count)
        except Failed as failure:
            print(f"FAILED after {kills} kills, seed {args.seed}: {failure}\nkept for a look: {folder}", file=sys.stderr)
            raise SystemExit(1) from failure
        shutil.rmtree(folder, ignore_errors=True)
        lines.append(line)
        kills += line["kills"]
        folders += 1
        if args.journal:
            with open(args.journal, "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        if not args.quiet:
            print(f"  {kills} kills, {line['phases']}", flush=True)
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--bin")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--folder-kills", type=int, default=25, help="kills of one database")
    parser.add_argument("--robots", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--journal", help="file that a line is added to for every database")
    parser.add_argument("--scratch", help="folder for the databases (default: TMPDIR)")
    parser.add_argument("--tls", action="store_true", help="everything over TLS")
    parser.add_argument("--totals", action="store_true", help="add up the journal and end")
    parser.add_argument("--quiet", action="store_true")
    args = parser.parse_args()
    if args.totals:
        tell(add(read_journal(args.journal)))
        return
    if not args.bin:
        parser.error("--bin is needed")
    with tempfile.TemporaryDirectory() as folder:
        if args.tls:
            speak_tls(folder)
        lines = run(args)
    total = add(lines)
    tell(total)
    if args.journal:
        print("with the runs before:")
        tell(add(read_journal(args.journal)))
    # An older schema to migrate from is there from the second on.
    never = [phase for phase in PHASES if total["phases"][phase] == 0]
    if never:
        raise SystemExit(f"no kill hit: {', '.join(never)}")


if __name__ == "__main__":
    main()
