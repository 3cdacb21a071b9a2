"""Random histories of the API against a plain model of it: clients post rows with and without names, send requests again, correct,
retract, exclude, mend what is in quarantine, claim and end proposals, while the daemon is stopped or killed now and then. Every
answer must be the model's, and in the end the lists of the API must be what the model holds.

    python3 tests/e2e/histories_test.py BIN [--histories N] [--steps N] [--seed N]
"""
import argparse
import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time

PATIENCE = int(os.environ.get("KASETSU_PATIENCE", "1"))  # how many times as long as usual a program may take
CAMPAIGN = """format = 1
name = "history"
[[targets]]
name = "yield"
unit = "%"
goal = "maximize"
[[space]]
kind = "slots"
slots = 2
elements = ["Li", "Na", "K", "Mn", "Ce", "W"]
none = false
repetition = false
supports = ["MgO"]
[planner]
batch = 10
[retrain]
when = "by_hand"
"""
ELEMENTS = ["Li", "Na", "K", "Mn"]
CLIENTS = ["anna", "bert", "robot"]
MOST_FAILURES = 3


class Daemon:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.process = None

    def start(self):
        port_file = os.path.join(self.folder, "port")
        if os.path.exists(port_file):
            os.unlink(port_file)
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "--data-dir", os.path.join(self.folder, "data"), "--listen", "127.0.0.1:0", "--port-file",
                 port_file, "--threads", "1"], stdout=log, stderr=log)
        deadline = time.monotonic() + 60 * PATIENCE
        while not (os.path.exists(port_file) and os.path.getsize(port_file)):
            if self.process.poll() is not None or time.monotonic() > deadline:
                with open(os.path.join(self.folder, "log"), encoding="utf-8") as log:
                    raise AssertionError("the daemon did not start: " + log.read()[-2000:])
            time.sleep(0.01)
        with open(port_file, encoding="utf-8") as file:
            self.port = int(file.read())

    def end(self, number):
        self.process.send_signal(number)
        code = self.process.wait(timeout=60 * PATIENCE)
        assert number == signal.SIGKILL or code == 0, f"exit code {code}"

    def ask(self, method, path, body=None, content_type="application/json", key=None):
        headers = {}
        if body is not None:
            headers["Content-Type"] = content_type
            if not isinstance(body, (str, bytes)):
                body = json.dumps(body)
        if key:
            headers["Idempotency-Key"] = key
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60 * PATIENCE)
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else None


class History:
    def __init__(self, daemon, seed):
        self.daemon = daemon
        self.chance = random.Random(seed)
        self.measurements = {}  # id -> {catalyst, value, retracted, excluded, superseded_by, supersedes}
        self.names = {}  # (run, channel) -> [catalyst, value, id of the newest]
        self.quarantine = {}  # id -> state
        self.proposals = {}  # id -> {catalyst, state, client, failures}
        self.sent = []  # (path, body, type, key, status, answer): may be sent again
        self.number = 0
        self.last_event = 0
        self.counts = {}

    def begin(self):
        self.daemon.start()
        status, answer = self.daemon.ask("POST", "/v1/campaigns", CAMPAIGN, "application/toml")
        assert status == 201, answer
        status, answer = self.daemon.ask("POST", "/v1/campaigns/history:recommend", {"batch_size": 10, "client": "planner"})
        deadline = time.monotonic() + 60 * PATIENCE
        while status == 202 and time.monotonic() < deadline:
            job = self.daemon.ask("GET", f"/v1/jobs/{answer['job']['id']}")[1]
            if job["state"] in ("COMPLETED", "FAILED"):
                break
            time.sleep(0.02)
        _, answer = self.daemon.ask("GET", "/v1/campaigns/history/proposals?limit=1000")
        for one in answer["proposals"]:
            self.proposals[one["id"]] = {"catalyst": one["catalyst"]["key"], "state": one["state"], "client": one["client"] or "",
                                         "failures": 0, "amounts": one["catalyst"]["amounts"]}
        assert len(self.proposals) == 10, answer

    # -- results

    def key_of(self, elements):
        return ";".join(f"{e}:1" for e in sorted(elements)) + "/MgO"

    def row(self, elements, value, **more):
        return {"catalyst": {"slots": list(elements), "support": "MgO"}, "values": {"yield": value}, **more}

    def post(self, document, key=None, content_type="application/json", query=""):
        path = "/v1/campaigns/history/measurements" + query
        body = document if isinstance(document, str) else json.dumps(document)
        status, answer = self.daemon.ask("POST", path, body, content_type, key)
        if status == 200:
            self.sent.append((path, body, content_type, key, answer))
        return status, answer

    def take(self, measurement, catalyst, value, supersedes=None):
        assert measurement not in self.measurements
        self.measurements[measurement] = {"catalyst": catalyst, "value": value, "retracted": False, "excluded": False,
                                          "superseded_by": None, "supersedes": supersedes}
        if supersedes:
            self.measurements[supersedes]["superseded_by"] = measurement

    def answer_proposal(self, catalyst):
        """The open proposal that a result of this catalyst fills: it has one target."""
        open_states = ["ACTIVE", "PARTIAL", "REQUESTED", "FAILED", "EXPIRED"]
        found = [p for p in self.proposals.values() if p["catalyst"] == catalyst and p["state"] in open_states]
        if found:
            min(found, key=lambda p: open_states.index(p["state"]))["state"] = "SUCCEEDED"

    def post_named(self):
        run, channel = f"run-{self.chance.randrange(2)}", str(self.chance.randrange(5))
        elements = tuple(self.chance.sample(ELEMENTS, 2)) if self.chance.random() < 0.2 else ("Li", "Na")
        value = float(self.chance.randrange(2))
        revise = self.chance.random() < 0.3
        self.number += 1
        status, answer = self.post({"source": "rig", "run": run, "revise": revise,
                                    "rows": [self.row(elements, value, channel=channel)]}, key=f"named-{self.number}")
        catalyst = self.key_of(elements)
        known = self.names.get((run, channel))
        if known and known[:2] != [catalyst, value] and not revise:
            assert status == 422, (status, answer)
            return "refused"
        assert status == 200, (status, answer)
        verdict = answer["rows"][0]
        if known and known[:2] == [catalyst, value]:
            assert verdict["verdict"] == "duplicate", verdict
            return "duplicate"
        assert verdict["verdict"] in ("accepted", "flagged"), verdict
        # The newest of the chain, to which corrections by hand may have been added.
        newest = known[2] if known else None
        while newest and self.measurements[newest]["superseded_by"]:
            newest = self.measurements[newest]["superseded_by"]
        self.take(verdict["measurement"], catalyst, value, newest)
        self.names[(run, channel)] = [catalyst, value, verdict["measurement"]]
        self.answer_proposal(catalyst)
        return "revised" if known else "named"

    def post_many(self):
        """Rows without names, one of them perhaps wrong, in one of the forms."""
        rows = [(tuple(self.chance.sample(ELEMENTS, 2)), float(self.chance.randrange(50))) for _ in range(self.chance.randrange(1, 6))]
        wrong = self.chance.randrange(len(rows)) if self.chance.random() < 0.3 else None
        self.number += 1
        names = [("Xx", "Li") if i == wrong else elements for i, (elements, _) in enumerate(rows)]
        form = self.chance.choice(["json", "csv", "ndjson"])
        if form == "json":
            status, answer = self.post({"source": f"s{self.number}", "rows": [self.row(n, v) for n, (_, v) in zip(names, rows)]})
        elif form == "csv":
            text = "M1,M2,Support,yield\n" + "".join(f"{n[0]},{n[1]},MgO,{v}\n" for n, (_, v) in zip(names, rows))
            status, answer = self.post(text, content_type="text/csv", query=f"?source=s{self.number}", key=f"csv-{self.number}")
        else:
            text = "".join(json.dumps(self.row(n, v, source=f"s{self.number}")) + "\n" for n, (_, v) in zip(names, rows))
            status, answer = self.post(text, content_type="application/x-ndjson")
        assert status == 200 and len(answer["rows"]) == len(rows), (status, answer)
        for i, verdict in enumerate(answer["rows"]):
            if i == wrong:
                assert verdict["verdict"] == "quarantined", verdict
                self.quarantine[verdict["quarantine"]] = "waiting"
                continue
            assert verdict["verdict"] in ("accepted", "flagged"), verdict
            catalyst = self.key_of(rows[i][0])
            self.take(verdict["measurement"], catalyst, rows[i][1])
            self.answer_proposal(catalyst)
        return form

    def send_again(self):
        if not self.sent:
            return "nothing"
        path, body, content_type, key, first = self.chance.choice(self.sent)
        status, answer = self.daemon.ask("POST", path, body, content_type, key)
        assert status == 200 and answer["replayed"] and answer["ingest"] == first["ingest"], (status, answer)
        for before, now in zip(first["rows"], answer["rows"]):
            if before["verdict"] in ("accepted", "flagged"):
                assert now["verdict"] == "duplicate" and now["measurement"] == before["measurement"], (before, now)
        if key:
            status, answer = self.daemon.ask("POST", path, body + " ", content_type, key)
            assert status == 422, (status, answer)
        return "again"

    def correct(self):
        if not self.measurements:
            return "nothing"
        one = self.chance.choice(list(self.measurements))
        known = self.measurements[one]
        verb = self.chance.choice(["retract", "supersede", "exclude", "include"])
        value = float(self.chance.randrange(50))
        body = {"reason": "a test", "person": "anna"}
        if verb == "supersede":
            body["value"] = value
        status, answer = self.daemon.ask("POST", f"/v1/measurements/{one}:{verb}", body)
        if known["retracted"] or known["superseded_by"]:
            assert status == 409, (verb, status, answer)
            return verb + " refused"
        assert status == (201 if verb == "supersede" else 200), (verb, status, answer)
        if verb == "retract":
            known["retracted"] = True
        elif verb == "supersede":
            self.take(answer["id"], known["catalyst"], value, one)
        else:
            known["excluded"] = verb == "exclude"
        return verb

    def mend(self):
        if not self.quarantine:
            return "nothing"
        one = self.chance.choice(list(self.quarantine))
        state = self.quarantine[one]
        if self.chance.random() < 0.5:
            elements, value = ("Li", "Na"), float(self.chance.randrange(50))
            status, answer = self.daemon.ask("POST", f"/v1/quarantine/{one}:readmit",
                                             {"row": self.row(elements, value), "remark": "mended"})
            if state != "waiting":
                assert status == 409, (status, answer)
                return "readmit refused"
            assert status == 200, (status, answer)
            self.quarantine[one] = "readmitted"
            self.take(answer["measurement"], self.key_of(elements), value)
            self.answer_proposal(self.key_of(elements))
            return "readmit"
        status, answer = self.daemon.ask("POST", f"/v1/quarantine/{one}:discard", {"reason": "a test"})
        assert status == (409 if state == "readmitted" else 200), (state, status, answer)
        if state == "waiting":
            self.quarantine[one] = "discarded"
        return "discard"

    # -- proposals

    def lease(self):
        one = self.chance.choice(list(self.proposals))
        known = self.proposals[one]
        client = self.chance.choice(CLIENTS)
        verb = self.chance.choices(["claim", "heartbeat", "release", "fail", "complete", "infeasible", "cancel"],
                                   [10, 3, 3, 4, 2, 0.5, 0.5])[0]
        body = {"client": client}
        if verb in ("fail", "infeasible", "cancel"):
            body["reason"] = "a test"
        if verb in ("claim", "heartbeat"):
            body["lease_s"] = 86400
        status, answer = self.daemon.ask("POST", f"/v1/proposals/{one}:{verb}", body)
        state, mine = known["state"], known["client"] == client
        held = state == "ACTIVE" and not mine
        allowed = {
            "claim": state in ("REQUESTED", "EXPIRED") or state == "ACTIVE" and mine
                     or state == "FAILED" and known["failures"] < MOST_FAILURES,
            "heartbeat": state == "ACTIVE" and mine,
            "release": state == "ACTIVE" and mine or state == "REQUESTED" and not known["client"],
            "fail": state == "ACTIVE" and mine or state == "FAILED" and mine,
            "complete": state == "SUCCEEDED",
            "infeasible": state not in ("SUCCEEDED", "CANCELLED") and not held,
            "cancel": state not in ("SUCCEEDED", "INFEASIBLE"),
        }[verb]
        assert status == (200 if allowed else 409), (verb, client, known, status, answer)
        if not allowed:
            return verb + " refused"
        if verb == "claim":
            known["state"], known["client"] = "ACTIVE", client
        elif verb == "release" and state == "ACTIVE":
            known["state"], known["client"] = "REQUESTED", ""
        elif verb == "fail" and state == "ACTIVE":
            known["state"], known["failures"] = "FAILED", known["failures"] + 1
        elif verb == "infeasible":
            known["state"] = "INFEASIBLE"
        elif verb == "cancel":
            known["state"] = "CANCELLED"
        assert answer["state"] == known["state"], (verb, known, answer)
        return verb

    def measure_proposal(self):
        """A result that names its proposal, whatever became of it."""
        one = self.chance.choice(list(self.proposals))
        known = self.proposals[one]
        value = float(self.chance.randrange(50))
        self.number += 1
        row = {"proposal": one, "values": {"yield": value}}
        status, answer = self.post({"source": f"s{self.number}", "rows": [row]})
        assert status == 200, (status, answer)
        verdict = answer["rows"][0]
        closed = known["state"] in ("CANCELLED", "INFEASIBLE")
        assert not closed or verdict["verdict"] == "flagged" and "closed_proposal" in verdict["reason"], (known, verdict)
        self.take(verdict["measurement"], known["catalyst"], value)
        if not closed:
            known["state"] = "SUCCEEDED"
        return "measured"

    def restart(self):
        self.daemon.end(self.chance.choice([signal.SIGTERM, signal.SIGKILL]))
        self.daemon.start()
        return "restart"

    # -- all of it

    def step(self):
        act = self.chance.choices(
            [self.post_named, self.post_many, self.send_again, self.correct, self.mend, self.lease, self.measure_proposal,
             self.restart], [10, 5, 5, 6, 3, 12, 1, 0.4])[0]
        done = act()
        self.counts[done] = self.counts.get(done, 0) + 1

    def pages(self, path, name, limit):
        token = "0"
        while token:
            _, page = self.daemon.ask("GET", f"{path}{'&' if '?' in path else '?'}limit={limit}&page_token={token}")
            yield from page[name]
            token = page.get("next_page_token") or ""

    def compare(self):
        found = {m["id"]: m for m in self.pages("/v1/campaigns/history/measurements", "measurements", 7)}
        assert set(found) == set(self.measurements), "other measurements"
        for one, known in self.measurements.items():
            m = found[one]
            assert m["catalyst"]["key"] == known["catalyst"] and m["value"] == known["value"], (m, known)
            for name in ("retracted", "excluded", "superseded_by", "supersedes"):
                assert m[name] == known[name], (name, m, known)
            if self.chance.random() < 0.2:
                assert self.daemon.ask("GET", f"/v1/measurements/{one}")[1] == m
        live = {m["id"] for m in self.pages("/v1/campaigns/history/measurements?live=true", "measurements", 50)}
        assert live == {one for one, known in self.measurements.items()
                        if not (known["retracted"] or known["excluded"] or known["superseded_by"])}
        for catalyst in {known["catalyst"] for known in self.measurements.values()}:
            some = [m["id"] for m in self.pages(
                f"/v1/campaigns/history/measurements?catalyst={catalyst.replace(';', '%3B').replace('/', '%2F')}",
                "measurements", 5)]
            assert some == [one for one in found if self.measurements[one]["catalyst"] == catalyst], catalyst
        states = {q["id"]: q["state"] for q in self.pages("/v1/campaigns/history/quarantine", "quarantine", 3)}
        assert states == self.quarantine
        states = {p["id"]: p["state"] for p in self.pages("/v1/campaigns/history/proposals", "proposals", 4)}
        assert states == {one: known["state"] for one, known in self.proposals.items()}
        after = 0
        while True:
            _, events = self.daemon.ask("GET", f"/v1/events?after={after}")
            if not events["events"]:
                break
            for event in events["events"]:
                assert event["seq"] == after + 1, "a gap in the events"
                after = event["seq"]
        assert after >= self.last_event, "events are gone"
        self.last_event = after


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("bin")
    parser.add_argument("--histories", type=int, default=3)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    counts = {}
    for number in range(args.histories):
        folder = tempfile.mkdtemp(prefix="kasetsu-history-")
        daemon = Daemon(os.path.join(args.bin, "kasetsud"), folder)
        history = History(daemon, f"{args.seed} {number}")
        try:
            history.begin()
            for step in range(args.steps):
                history.step()
                if step % 50 == 49:
                    history.compare()
            history.compare()
            daemon.end(signal.SIGTERM)
        except BaseException:
            print(f"history {number} of seed {args.seed} after {sum(history.counts.values())} steps: {history.counts}")
            raise
        finally:
            if daemon.process and daemon.process.poll() is None:
                daemon.process.kill()
                daemon.process.wait()
            shutil.rmtree(folder, ignore_errors=True)
        for name, count in history.counts.items():
            counts[name] = counts.get(name, 0) + count
    print(f"{args.histories} histories of {args.steps} steps agree with the model: "
          + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
    # A history in which nothing happened proves nothing.
    for name in ("named", "revised", "duplicate", "refused", "csv", "ndjson", "json", "again", "retract", "supersede", "exclude",
                 "claim", "claim refused", "fail", "release", "readmit", "measured"):
        assert counts.get(name), f"no {name} happened"


if __name__ == "__main__":
    main()
