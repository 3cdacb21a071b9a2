"""The commands that talk to the daemon, against a small server that answers as the API is written down."""
import http.server
import json
import os
import threading
import unittest
import urllib.parse

from program import ProgramTest

CAMPAIGN = """format = 1
name = "ocm"
[[targets]]
name = "C2_yield"
unit = "%"
goal = "maximize"
[[space]]
kind = "slots"
slots = 2
none = true
repetition = true
elements = ["Li", "Na", "K"]
supports = ["MgO", "SiO2"]
[planner]
batch = 4
"""


def problem(status, code, detail):
    return status, {"type": f"urn:kasetsu:problem:{code}", "title": code, "status": status, "detail": detail, "code": code}


class FakeDaemon(http.server.BaseHTTPRequestHandler):
    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        url = urllib.parse.urlsplit(self.path)
        self.server.seen.append({"method": self.command, "path": url.path, "query": dict(urllib.parse.parse_qsl(url.query)),
                                 "headers": dict(self.headers.items()), "body": body})
        make = self.server.routes.get((self.command, urllib.parse.unquote(url.path)))
        status, document = make(self.server.seen[-1]) if make else problem(404, "not_found", "no such thing here")
        data = json.dumps(document).encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if status < 300 else "application/problem+json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


class ClientTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FakeDaemon)
        self.server.seen, self.server.routes = [], {}
        thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        os.environ["KASETSU_URL"] = f"http://127.0.0.1:{self.server.server_port}"
        self.addCleanup(os.environ.pop, "KASETSU_URL")
        os.environ.pop("KASETSU_TOKEN", None)

    def route(self, method, path, answer):
        self.server.routes[(method, path)] = answer if callable(answer) else lambda _: answer

    @property
    def seen(self):
        return self.server.seen


class Connection(ClientTest):
    def test_nothing_listens(self):
        url = os.environ["KASETSU_URL"]
        self.server.shutdown()
        self.server.server_close()
        message = self.refused(69, "campaign", "list")
        self.assertIn(f"no daemon listens at {url}", message)
        self.assertIn("kasetsud", message)

    def test_address_and_token(self):
        self.route("GET", "/v1/campaigns", (200, {"campaigns": [], "next_page_token": None}))
        self.assertIn("--url", self.refused(2, "campaign", "list", "--url", "localhost:1"))
        self.assertEqual(self.json("campaign", "list"), {"campaigns": []})
        self.assertNotIn("Authorization", self.seen[-1]["headers"])
        self.json("campaign", "list", environment={"KASETSU_TOKEN": "secret-1"})
        self.assertEqual(self.seen[-1]["headers"]["Authorization"], "Bearer secret-1")
        self.json("campaign", "list", "--token-file", self.file("token", "secret-2\n"))
        self.assertEqual(self.seen[-1]["headers"]["Authorization"], "Bearer secret-2")
        self.refused(2, "campaign", "list", environment={"KASETSU_TOKEN": "a\nX-Other: b"})

    def test_words_of_the_daemon(self):
        cases = [(problem(404, "not_found", "no campaign \"x\""), 1), (problem(409, "conflict", "it is stopped"), 1),
                 (problem(400, "bad_data", "/reason: wrong"), 65), (problem(503, "busy", "try later"), 75),
                 (problem(507, "storage_full", "disk full"), 1), (problem(422, "unprocessable", "same key"), 1)]
        for answer, code in cases:
            with self.subTest(code=answer[1]["code"]):
                self.route("POST", "/v1/campaigns/x:pause", answer)
                self.assertIn(answer[1]["detail"], self.refused(code, "campaign", "pause", "x"))
        self.route("POST", "/v1/campaigns/x:pause", problem(401, "unauthorized", "a token is needed"))
        self.assertIn("KASETSU_TOKEN", self.refused(1, "campaign", "pause", "x"))


class Strangers(ClientTest):
    """Whoever answers may be hostile, or somebody else."""

    def raw(self, path, status, text, headers=()):
        self.route("GET", path, lambda _: (status, text))
        original = FakeDaemon.answer

        def answer(handler):
            handler.send_response(status)
            for name, value in headers:
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(text)))
            handler.end_headers()
            handler.wfile.write(text)
        FakeDaemon.do_GET = FakeDaemon.do_POST = answer
        self.addCleanup(setattr, FakeDaemon, "do_GET", original)
        self.addCleanup(setattr, FakeDaemon, "do_POST", original)

    def test_nothing_that_comes_back_steers_the_terminal(self):
        evil = "\x1b]0;x\x07\x1b[2J\x9b31m\u202egpj\u200b\r\b\n"
        self.route("GET", "/v1/campaigns", (200, {"campaigns": [{"name": "a", "state": evil, "owner": evil}]}))
        self.route("POST", "/v1/campaigns/a:pause", (200, {"name": evil, "state": "PAUSED", "reason": evil}))
        self.route("POST", "/v1/campaigns/b:pause", problem(409, "conflict", evil))
        for arguments in (["list"], ["list", "--json"], ["pause", "a"], ["pause", "b"]):
            done = self.run_program("campaign", *arguments)
            for character in "\x1b\x07\x9b\u202e\u200b\r\b":
                self.assertNotIn(character, done.stdout + done.stderr, arguments)
            self.assertIn("\\u001b", done.stdout + done.stderr)
        self.assertEqual(self.json("campaign", "list")["campaigns"][0]["owner"], evil, "JSON means the same")

    def test_deep_json_is_refused(self):
        for text in (b"[" * 3_000_000, b'{"campaigns":' * 500_000, b'{"campaigns":' + b"[" * 300_000 + b"]" * 300_000 + b"}"):
            self.raw("/v1/campaigns", 200, text)
            self.assertIn("JSON", self.refused(69, "campaign", "list"))
        self.raw("/v1/campaigns", 500, b'{"detail":' + b"[" * 300_000)
        self.refused(1, "campaign", "list")

    def test_answers_of_other_shapes(self):
        for document in ([], None, 7, "x", {"campaigns": 3}, {"campaigns": [None, 1, [], {"name": {}}]}):
            self.route("GET", "/v1/campaigns", (200, document))
            self.assertIn(self.run_program("campaign", "list").returncode, (0, 69), document)
        for document in ({}, {"rows": []}, [1], {"ingest": "x", "rows": 3}, {"queued": True}):
            self.route("POST", "/v1/campaigns/ocm/measurements", (200, document))
            file = self.file("b.ndjson", '{"catalyst": "Li/MgO", "values": {"y": 1}}\n')
            self.assertIn("receipt", self.refused(69, "results", "import", "ocm", file))

    def test_a_redirect_is_not_followed(self):
        self.raw("/v1/campaigns", 302, b"", [("Location", "http://127.0.0.1:9/elsewhere")])
        message = self.refused(69, "campaign", "list", environment={"KASETSU_TOKEN": "secret"})
        self.assertIn("127.0.0.1:9", message)
        self.assertNotIn("secret", message)

    def test_a_proxy_does_not_catch_this_machine(self):
        self.route("GET", "/v1/campaigns", (200, {"campaigns": []}))
        proxy = {name: "http://127.0.0.1:9" for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")}
        self.json("campaign", "list", environment=proxy)
        self.json("campaign", "list", "--url", os.environ["KASETSU_URL"].replace("127.0.0.1", "localhost"), environment=proxy)


class Campaigns(ClientTest):
    def test_validate_needs_no_daemon(self):
        file = self.file("ocm.toml", CAMPAIGN)
        answer = self.json("campaign", "validate", file)
        self.assertEqual(answer["campaigns"][0]["name"], "ocm")
        # Two places, each of 3 elements or empty, order of no account: C(5, 2) on each of two supports.
        self.assertEqual(answer["campaigns"][0]["space_size"], 20)
        wrong = self.file("wrong.toml", CAMPAIGN.replace("batch = 4", "bacth = 4"))
        message = self.refused(65, "campaign", "validate", wrong)
        for part in ("wrong.toml:15", "bacth", "batch"):
            self.assertIn(part, message)
        self.assertEqual(self.seen, [])

    def test_apply(self):
        file = self.file("ocm.toml", CAMPAIGN)
        self.route("POST", "/v1/campaigns", (201, {"name": "ocm", "outcome": "created", "version": 1, "state": "ACTIVE"}))
        self.assertEqual(self.ok("campaign", "apply", file).stdout, "ocm: created (version 1, ACTIVE)\n")
        self.assertEqual(self.seen[0]["body"].decode(), CAMPAIGN)
        self.assertEqual(self.seen[0]["headers"]["Content-Type"], "application/toml")
        wrong = self.file("wrong.toml", CAMPAIGN.replace("Li", "Xx"))
        self.assertIn("Xx", self.refused(65, "campaign", "apply", file, wrong))
        self.assertEqual(len(self.seen), 1, "nothing is applied when one file is wrong")

    def test_apply_reads_standard_input_once(self):
        self.route("POST", "/v1/campaigns", (201, {"name": "ocm", "outcome": "created", "version": 1, "state": "ACTIVE"}))
        self.ok("campaign", "apply", "-", stdin=CAMPAIGN)
        self.assertEqual(self.seen[0]["body"].decode(), CAMPAIGN)

    def test_a_file_with_hidden_webhooks_is_not_passed_on(self):
        shown = CAMPAIGN + '[[webhooks]]\nurl = "https://hooks.example.org/..."\nevents = ["hit"]\n'
        self.route("GET", "/v1/campaigns/ocm", (200, {"name": "ocm", "version": 2, "state": "ACTIVE"}))
        for version in (1, 2):
            self.route("GET", f"/v1/campaigns/ocm/configs/{version}", (200, {
                "version": version, "text": shown, "media_type": "application/toml", "addresses_hidden": True}))
        out = self.folder / "out.toml"
        for arguments in (("export", "ocm"), ("export", "ocm", "--out", out), ("fork", "ocm", "ocm-2")):
            self.assertIn("scope campaigns", self.refused(1, "campaign", *arguments))
        self.assertFalse(out.exists())
        self.assertEqual({request["method"] for request in self.seen}, {"GET"})
        told = self.ok("campaign", "diff", "ocm")
        self.assertIn("not told where webhooks lead", told.stderr)
        self.assertTrue(self.json("campaign", "diff", "ocm")["addresses_hidden"])

    def test_plan_touches_nothing(self):
        file = self.file("ocm.toml", CAMPAIGN)
        self.assertEqual(self.json("campaign", "plan", file)["change"], "new")
        self.route("GET", "/v1/campaigns/ocm", (200, {"name": "ocm", "version": 3, "state": "ACTIVE"}))
        self.route("GET", "/v1/campaigns/ocm/configs/3", (200, {"version": 3, "text": CAMPAIGN}))
        self.assertEqual(self.json("campaign", "plan", file)["change"], "unchanged")
        self.route("GET", "/v1/campaigns/ocm/configs/3", (200, {"version": 3, "text": "other"}))
        self.route("POST", "/v1/campaigns:validate", (200, {"valid": True, "withdraws": [
            {"catalyst": "Pb/MgO", "state": "REQUESTED", "reason": "Pb is forbidden"}]}))
        answer = self.json("campaign", "plan", file)
        self.assertEqual(answer["change"], "changed")
        self.assertEqual(sum(answer["mix"].values()), answer["batch"])
        self.assertIn("withdrawn: Pb/MgO (REQUESTED): Pb is forbidden", answer["diff"])
        self.assertEqual({request["path"] for request in self.seen if request["method"] != "GET"}, {"/v1/campaigns:validate"})

    def test_list_follows_pages(self):
        def page(request):
            if request["query"].get("page_token") == "a/b":
                return 200, {"campaigns": [{"name": "two", "state": "PAUSED"}], "next_page_token": None}
            return 200, {"campaigns": [{"name": "one", "state": "ACTIVE"}], "next_page_token": "a/b"}
        self.route("GET", "/v1/campaigns", page)
        self.assertEqual([c["name"] for c in self.json("campaign", "list")["campaigns"]], ["one", "two"])

    def test_steering(self):
        self.route("POST", "/v1/campaigns/ocm:stop", (200, {"name": "ocm", "state": "STOPPED", "version": 1}))
        self.assertIn("STOPPED", self.ok("campaign", "stop", "ocm", "--reason", "budget").stdout)
        self.assertEqual(json.loads(self.seen[0]["body"]), {"reason": "budget"})


class Results(ClientTest):
    def test_import(self):
        data = "M1,M2,Support,C2_yield\nLi,K,MgO,8\n"
        file = self.file("batch 7.csv", data)
        receipt = {"ingest": "01J", "replayed": False, "accepted": 1, "flagged": 0, "duplicate": 0, "quarantined": 0,
                   "rows": [{"row": 0, "verdict": "accepted", "measurement": "01K"}]}
        self.route("POST", "/v1/campaigns/ocm/measurements", (200, receipt))
        self.assertEqual(self.json("results", "import", "ocm", file, "--source", "rig 1", "--run", "b&7"), receipt)
        self.assertEqual(self.seen[0]["query"], {"source": "rig 1", "run": "b&7"})
        self.assertEqual(self.seen[0]["headers"]["Content-Type"], "text/csv")
        self.assertEqual(self.seen[0]["body"].decode(), data)
        receipt["rows"].append({"row": 1, "verdict": "quarantined", "reason": "unknown element Xx"})
        done = self.run_program("results", "import", "ocm", file)
        self.assertEqual(done.returncode, 65)
        self.assertIn("1 quarantined", done.stdout)
        self.assertIn("unknown element Xx", done.stderr)

    def test_export_retract_quarantine(self):
        item = {"id": "01K", "property": "C2_yield", "value": 0.1, "unit": "%", "run": "a,b", "channel": None,
                "catalyst": {"key": "K:1;Li:1/MgO", "description": "Li-K/MgO"}}
        self.route("GET", "/v1/campaigns/ocm/measurements", (200, {"measurements": [item], "next_page_token": None}))
        lines = self.ok("results", "export", "ocm").stdout.splitlines()
        self.assertEqual(len(lines), 2)
        self.assertTrue(lines[1].startswith("01K,\"K:1;Li:1/MgO\",Li-K/MgO,C2_yield,0.1,%,,\"a,b\","), lines[1])
        self.assertEqual(self.seen[0]["query"]["live"], "true")
        self.route("POST", "/v1/measurements/01K:retract", (200, item))
        self.refused(2, "results", "retract", "01K")
        self.ok("results", "retract", "01K", "--reason", "leak")
        self.assertEqual(json.loads(self.seen[-1]["body"]), {"reason": "leak"})
        self.route("GET", "/v1/campaigns/ocm/quarantine", (200, {"quarantine": [
            {"id": "01Q", "row": 3, "state": "waiting", "reason": "no value"}], "next_page_token": None}))
        self.assertIn("no value", self.ok("results", "quarantine", "ocm").stdout)
        self.route("POST", "/v1/quarantine/01Q:readmit", (200, {"row": 3, "verdict": "accepted", "measurement": "01M"}))
        self.assertEqual(self.json("results", "readmit", "--all", "ocm")["rows"][0]["verdict"], "accepted")
        self.route("POST", "/v1/quarantine/01Q:readmit", problem(400, "bad_data", "no value"))
        self.assertIn("1 of 1 row", self.run_program("results", "readmit", "--all", "ocm").stderr)


class Proposals(ClientTest):
    def test_list_and_verbs(self):
        item = {"id": "01P", "batch": "01B2", "rank": 1, "strategy": "explore", "mean": 8.25, "low": None, "high": None, "state": "REQUESTED",
                "catalyst": {"key": "K:1/MgO", "description": "K/MgO"}}
        self.route("GET", "/v1/campaigns/ocm/proposals", (200, {"proposals": [item], "next_page_token": None}))
        asked = lambda: [s["query"] for s in self.seen if s["path"].endswith("/proposals")][-1]  # noqa: E731
        self.assertEqual(self.json("proposals", "ocm"), {"proposals": [item], "verdict": None})
        self.assertEqual(asked()["state"], "REQUESTED")
        self.assertIn("K/MgO", self.ok("proposals", "list", "ocm", "--state", "all").stdout)
        self.assertNotIn("state", asked())
        # The verdict is that of the batch they are of, whatever was planned before and since.
        verdict = {"word": "weak", "sentence": "Weakly better than the median: errs 4 instead of 4.2."}
        self.route("GET", "/v1/campaigns/ocm/batches", (200, {"next_page_token": None, "batches": [
            {"id": name, "summary": {"verdict": of}}
            for name, of in (("01B1", {"word": "predicts", "sentence": "Predicts."}), ("01B2", verdict), ("01B3", None))]}))
        self.assertEqual(self.json("proposals", "ocm")["verdict"], verdict)
        self.assertTrue(self.ok("proposals", "list", "ocm").stdout.startswith(verdict["sentence"]))
        self.route("POST", "/v1/proposals/01P:fail", (200, {**item, "state": "FAILED"}))
        self.ok("proposals", "fail", "01P", "--client", "r1", "--reason", "broke")
        self.assertEqual(json.loads(self.seen[-1]["body"]), {"client": "r1", "reason": "broke"})
        self.route("POST", "/v1/proposals/01P:amend", (201, {**item, "id": "01N"}))
        self.ok("proposals", "amend", "01P", "2Mn-4Na/SiO2", "--reason", "no W")
        self.assertEqual(json.loads(self.seen[-1]["body"]), {"catalyst": "2Mn-4Na/SiO2", "reason": "no W"})
        self.ok("proposals", "amend", "01P", "Li:1/MgO", "--reason", "no W")
        self.assertEqual(json.loads(self.seen[-1]["body"])["catalyst"], {"key": "Li:1/MgO"})
        self.assertIn("did you mean --state", self.refused(2, "proposals", "list", "ocm", "--stat", "x"))

    def test_take_says_when_nothing_is_there(self):
        self.route("POST", "/v1/campaigns/ocm:recommend", (202, {"proposals": [], "job": {"id": "01J"}}))
        done = self.run_program("proposals", "take", "ocm", "--client", "r1", "--batch", "3")
        self.assertEqual(done.returncode, 75)
        self.assertIn("01J", done.stderr)
        self.assertEqual(json.loads(self.seen[-1]["body"]), {"batch_size": 3, "client": "r1"})
        self.assertIn("Idempotency-Key", self.seen[-1]["headers"])


class Retrain(ClientTest):
    def setUp(self):
        super().setUp()
        self.states = ["SCHEDULED", "RUNNING", "COMPLETED"]
        self.route("GET", "/v1/campaigns", (200, {"campaigns": [
            {"name": "old", "state": "STOPPED"}, {"name": "a", "state": "ACTIVE"}, {"name": "b", "state": "ACTIVE"}],
            "next_page_token": None}))
        self.route("POST", "/v1/campaigns/a:retrain", (200, {"job": None, "scheduled": False}))
        self.route("POST", "/v1/campaigns/b:retrain", (202, {"job": {"id": "01J", "state": "SCHEDULED"}, "scheduled": True}))
        self.route("GET", "/v1/jobs/01J", lambda _: (200, self.job(self.states.pop(0) if len(self.states) > 1 else self.states[0])))

    @staticmethod
    def job(state):
        return {"id": "01J", "state": state, "progress": 0.5, "stage": "searching", "error": "no rows" if state == "FAILED" else None}

    def test_nightly_line(self):
        done = self.ok("retrain", "--all", "--if-new", "--wait")
        self.assertEqual(done.stdout, "a: nothing new\nb: retrained\n")
        self.assertEqual(json.loads(self.seen[1]["body"]), {"if_new": True})
        self.states = ["COMPLETED"]
        done = self.ok("retrain", "--all", "--if-new", "--wait", "--quiet")
        self.assertEqual((done.stdout, done.stderr), ("", ""))

    def test_outcomes(self):
        self.states = ["FAILED"]
        self.assertIn("no rows", self.run_program("retrain", "b", "--wait", "--quiet").stderr)
        self.assertEqual(self.run_program("retrain", "b", "--wait", "--quiet").returncode, 1)
        self.states = ["RUNNING"]
        self.assertEqual(self.run_program("retrain", "b", "--wait", "--timeout", "0.3", "--quiet").returncode, 75)
        self.refused(2, "retrain")
        self.refused(2, "retrain", "b", "--all")


if __name__ == "__main__":
    unittest.main(verbosity=2)
