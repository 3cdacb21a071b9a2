"""The life of a campaign on the command line, against the real daemon; reports, exports, completion, doctor."""
import base64
import hashlib
import hmac
import html
import http.server
import json
import os
import pathlib
import re
import subprocess
import threading
import time
import unittest
import xml.etree.ElementTree

from daemon_test import BATCH, CAMPAIGN
from program import KASETSU, DaemonTest, ProgramTest

SECRET = b"a key of more than sixteen bytes"


class Receiver(http.server.BaseHTTPRequestHandler):
    """Somebody who is told: fails once, then takes everything."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers.items()), body))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class DaemonCase(DaemonTest):
    def begin(self, *extra):
        process, url = self.start(*extra)
        os.environ["KASETSU_URL"] = url
        self.addCleanup(os.environ.pop, "KASETSU_URL", None)
        return process

    def wait(self, what, condition):
        deadline = time.monotonic() + 90
        while not condition():
            self.assertLess(time.monotonic(), deadline, what + "\n" + (self.folder / "log").read_text()[-3000:])
            time.sleep(0.1)


class Campaigns(DaemonCase):
    def test_versions(self):
        self.begin()
        first = self.file("ocm.toml", CAMPAIGN)
        self.assertIn("new campaign", self.ok("campaign", "plan", first).stdout)
        self.ok("campaign", "diff", first)
        self.ok("campaign", "apply", first)
        self.assertEqual(self.json("campaign", "diff", first)["equal"], True)
        second = self.file("ocm2.toml", CAMPAIGN.replace("batch = 4", "batch = 6"))
        diff = self.ok("campaign", "diff", second).stdout
        self.assertIn("- batch = 4\n+ batch = 6\n", diff)
        plan = self.json("campaign", "plan", second)
        self.assertEqual(plan["change"], "changed")
        self.assertIn("+ batch = 6", plan["diff"])
        self.assertGreater(plan["estimate"]["plan_seconds"], 0)
        self.assertEqual(plan["space_size"], 108)
        # Planning touched nothing.
        self.assertEqual(self.json("campaign", "show", "ocm")["version"], 1)
        self.assertEqual(self.json("proposals", "list", "ocm", "--state", "all")["proposals"], [])
        self.ok("campaign", "apply", second)
        self.assertIn("+ batch = 6", self.ok("campaign", "diff", "ocm").stdout)
        self.assertIn("- batch = 6", self.ok("campaign", "diff", "ocm", "--from", "2", "--version", "1").stdout)
        self.assertEqual(self.ok("campaign", "export", "ocm", "--version", "1").stdout, CAMPAIGN)
        self.ok("campaign", "export", "ocm", "--out", self.folder / "out.toml")
        self.assertEqual((self.folder / "out.toml").read_text(), CAMPAIGN.replace("batch = 4", "batch = 6"))
        history = self.json("campaign", "history", "ocm")
        self.assertEqual([v["version"] for v in history["versions"]], [1, 2])
        self.assertEqual([e["verb"] for e in history["events"]], ["created", "updated"])
        self.assertIn("campaign updated, version 2", self.ok("campaign", "history", "ocm").stdout)
        self.refused(1, "campaign", "export", "ocm", "--version", "9")
        self.refused(1, "campaign", "diff", "nothing-of-this-name")

    def draft(self, table, *extra):
        return self.json("campaign", "draft", self.file("t.csv", table), "--target", "y", "--unit", "%", "--goal", "minimize",
                         "--name", "d", "--batch", "2", *extra)

    def test_drafts_hold_what_the_table_can_make(self):
        slots = self.draft("M1,M2,Support,y\nLi,Na,MgO,1\nLi,Li,SiO2,2\nK,none,MgO,3\nnone,none,SiO2,4\n")
        self.assertEqual(slots["space_size"], 2 * 10)  # two of {Li, Na, K, none} with repetition, on two supports
        simplex = self.draft("Ni,Fe,Co,y\n1,0,0,1\n0.5,0.5,0,2\n0.2,0.4,0.4,3\n")
        self.assertIn('kind = "simplex"', simplex["text"])
        self.assertIn("step_at_percent = 10\n", simplex["text"])
        self.assertEqual(simplex["space_size"], 66)  # C(12, 2)
        grid = self.draft("Pd,Rh,y\n0.1,0,1\n0.1,0.2,2\n0,0.2,3\n", "--loading-unit", "wt%")
        self.assertIn('loading_unit = "wt%"', grid["text"])
        self.assertEqual(grid["space_size"], 2 * 2 + 2 * 2)
        conditions = self.draft("M1,M2,T_C,y\nLi,Na,700,1\nLi,K,800,2\n", "--conditions", "T_C")
        self.assertIn('"T_C" = [700, 800]', conditions["text"])
        self.ok("campaign", "validate", self.file("d.toml", conditions["text"]))

    def test_a_draft_is_in_the_basis_that_was_seen(self):
        loading = self.draft("Ni (wt%),Mg (wt%),Support,y\n5,2,SiO2,1\n10,0,MgO,2\n5,0,SiO2,3\n")
        self.assertIn('basis = "wt_percent_of_catalyst"', loading["text"])
        self.assertIn("loadings = [2, 5, 10]", loading["text"])
        alloys = self.draft("Ag (at%),Pd (at%),y\n50,50,1\n20,80.01,2\n99.99,0,3\n")
        self.assertIn('basis = "mole_fraction"', alloys["text"])
        self.assertIn("total = 100", alloys["text"])
        sums = self.run_program("campaign", "draft", self.file("s.csv", "Pd (wt%),Rh (wt%),y\n0.1,0,1\n0.1,0.2,2\n0,0.2,3\n"), "--target", "y",
                                "--unit", "%", "--goal", "minimize", "--name", "d", "--batch", "2")
        self.assertEqual(sums.returncode, 65)  # they are of a support that the table does not name
        self.assertIn("sum to 0.1 to 0.3, and no support is told; expected a column Support", sums.stderr)
        prepared = self.draft("catalyst,Preparation,y\nNi/SiO2,sol\u2010gel,1\nNi/SiO2,sol-gel,2\nCo/SiO2,dry,3\n")
        self.assertIn('preparations = ["dry", "sol-gel"]', prepared["text"])
        for number, draft in enumerate((loading, alloys, prepared)):
            self.ok("campaign", "validate", self.file(f"b{number}.toml", draft["text"]))

    def test_proposals_are_in_the_campaigns_basis(self):
        campaign = self.file("c.toml", """format = 1
name = "c"
[[targets]]
name = "y"
unit = "%"
goal = "maximize"
[composition]
basis = "wt_percent_of_catalyst"
[[space]]
kind = "grid"
elements = ["Ni", "Co"]
min_elements = 1
max_elements = 2
loadings = [1, 2, 5]
supports = ["SiO₂"]
[planner]
batch = 4
""")
        out = self.folder / "out.csv"
        proposals = self.json("recommend", "--campaign", campaign, "--out", out)["proposals"]
        for proposal in proposals:
            composition = proposal["composition"]
            self.assertEqual(composition["unit"], "wt%")
            self.assertLessEqual(set(composition["amounts"].values()), {1, 2, 5})
            self.assertAlmostEqual(sum(composition["mole_fractions"].values()), 1)
            self.assertIn(" wt% ", proposal["catalyst"])
        self.assertIn(",unit,mole_fractions\n", out.read_text())
        self.assertEqual(out.read_text().count(",wt%,"), len(proposals))
        explained = self.json("candidates", "explain", "--campaign", campaign, "5Ni-2Co/SiO2", "Co:2;Ni:5/sio2")["candidates"]
        self.assertEqual([c["key"] for c in explained], ["Co:2;Ni:5/SiO2"] * 2)
        self.assertTrue(all(c["in_space"] for c in explained))

    def test_a_draft_is_valid_whatever_the_table_holds(self):
        many = "Ni,Fe,Co,y\n" + "".join(f"{0.001 * i:.4f},{0.37 + 0.0007 * i:.4f},0.2,{i}\n" for i in range(1, 200))
        grid = self.draft(many)
        self.assertIn("# assumed: the table has", grid["text"])
        self.assertIn('kind = "grid"', grid["text"])
        sums = self.draft("Ni,Fe,y\n0.3331,0.6669,1\n0.7,0.3005,2\n0.25,0.7495,3\n")
        self.assertIn("total = 1\n", sums["text"])
        self.assertIn("# assumed", sums["text"])
        names = self.draft('M1,M2,"CH4/O2","T\n(C)",y\nLi,Na,2,700,1\nLi,K,3,800,2\n', "--conditions", "CH4/O2", "--conditions", "T\n(C)")
        self.assertIn('"CH4_O2" = [2, 3]', names["text"])
        self.assertIn('"T (C)" = [700, 800]', names["text"])
        continuous = self.draft("M1,M2,T_C,y\n" + "".join(f"Li,Na,{700 + 1.7 * i},{i}\n" for i in range(40)), "--conditions", "T_C")
        self.assertIn("# assumed: the table has 40 values", continuous["text"])
        wide = self.draft(",".join("Li Be Na Mg K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Rb Sr Y Zr Nb Mo Ru Rh Pd Ag".split()) + ",y\n" +
                          "".join(",".join(str(0.01 * (i * j % 17 + 1)) for j in range(27)) + f",{i}\n" for i in range(1, 9)))
        os.environ["KASETSU_URL"] = "http://127.0.0.1:1"
        self.addCleanup(os.environ.pop, "KASETSU_URL", None)
        for number, draft in enumerate((grid, sums, names, continuous, wide)):
            with self.subTest(number):
                self.ok("campaign", "validate", self.file(f"d{number}.toml", draft["text"]))
        self.ok("campaign", "plan", self.file("d.toml", sums["text"]))

    def test_examples_are_valid_and_can_be_planned(self):
        os.environ["KASETSU_URL"] = "http://127.0.0.1:1"  # without a daemon: what would change is not known, the rest is
        self.addCleanup(os.environ.pop, "KASETSU_URL", None)
        examples = sorted((pathlib.Path(os.environ["KASETSU_SOURCE"]) / "config" / "campaigns").glob("*.toml"))
        self.assertGreaterEqual(len(examples), 6)
        self.ok("campaign", "validate", *examples)
        for example in examples:
            with self.subTest(example=example.name):
                plan = self.json("campaign", "plan", example)
                self.assertEqual(plan["change"], "unknown")
                self.assertGreater(plan["space_size"], 0)
                self.assertEqual(sum(plan["mix"].values()), plan["batch"])
                self.assertLessEqual(plan["allowed"], plan["space_size"])

    def test_fork_takes_the_file_and_the_results(self):
        self.begin()
        self.ok("campaign", "apply", self.file("ocm.toml", CAMPAIGN + '[retrain]\nwhen = "by_hand"\n'))
        self.ok("results", "import", "ocm", self.file("b.csv", BATCH), "--source", "rig", "--run", "1", "--id", "name")
        self.refused(1, "campaign", "fork", "ocm", "ocm")
        self.refused(2, "campaign", "fork", "ocm", "Not A Name")
        made = self.json("campaign", "fork", "ocm", "ocm-2", "--with-results")
        self.assertEqual(made["results"], 6)
        before = self.json("results", "export", "ocm")["measurements"]
        after = self.json("results", "export", "ocm-2")["measurements"]
        values = lambda rows: sorted((r["catalyst"]["key"], r["property"], r["value"]) for r in rows)
        self.assertEqual(values(before), values(after))
        self.assertEqual(self.ok("campaign", "export", "ocm-2").stdout,
                         self.ok("campaign", "export", "ocm").stdout.replace('name = "ocm"', 'name = "ocm-2"'))
        self.ok("campaign", "fork", "ocm", "ocm-3")
        self.assertEqual(self.json("results", "export", "ocm-3")["measurements"], [])

    def test_cron_line(self):
        self.begin()
        self.assertEqual(self.ok("retrain", "--all", "--if-new", "--wait", "--quiet").stdout, "")
        by_hand = CAMPAIGN + '[retrain]\nwhen = "by_hand"\n'
        for name in ("ocm", "other"):
            self.ok("campaign", "apply", self.file(name + ".toml", by_hand.replace('"ocm"', f'"{name}"')))
        self.assertEqual(self.ok("retrain", "--all", "--if-new", "--wait").stdout, "ocm: nothing new\nother: nothing new\n")
        self.ok("results", "import", "ocm", self.file("b.csv", BATCH), "--source", "rig", "--run", "1")
        # Two at once: the job is shared or the second finds nothing new; one model is made.
        both = [subprocess.Popen([KASETSU, "retrain", "--all", "--if-new", "--wait", "--quiet"], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True) for _ in range(2)]
        for one in both:
            output, errors = one.communicate(timeout=120)
            self.assertEqual((one.returncode, output, errors), (0, "", ""))
        models = lambda: [e for e in self.json("campaign", "history", "ocm")["events"] if e["object"] == "model"]
        self.assertEqual(len(models()), 1)
        self.assertEqual(self.ok("retrain", "--all", "--if-new", "--wait").stdout, "ocm: nothing new\nother: nothing new\n")
        self.assertEqual(len(models()), 1)
        self.ok("results", "import", "ocm", self.file("c.csv", "M1,M2,Support,C2_yield\nLi,W,La2O3,7\n"), "--source", "rig", "--run", "2")
        # Not done in time is exit code 75, and goes on.
        late = self.run_program("retrain", "ocm", "--if-new", "--wait", "--quiet", "--timeout", "0.001")
        self.assertIn(late.returncode, (0, 75), late.stderr)
        self.ok("retrain", "--all", "--if-new", "--wait", "--quiet")
        self.assertEqual(len(models()), 2)

    def test_watched_folder(self):
        folder = self.folder / "campaigns.d"
        folder.mkdir()
        config = self.file("kasetsud.toml", f'[campaigns]\ndir = "{folder}"\n')
        self.begin("--config", config)
        (folder / "ocm.toml").write_text(CAMPAIGN)
        status = folder / "ocm.toml.status"
        self.wait("a status file", status.exists)
        said = json.loads(status.read_text())
        self.assertEqual((said["outcome"], said["campaign"], said["version"]), ("created", "ocm", 1))
        (folder / "ocm.toml").write_text(CAMPAIGN.replace("batch = 4", "bacth = 4"))
        self.wait("a refusal", lambda: json.loads(status.read_text())["outcome"] == "refused")
        self.assertRegex(json.loads(status.read_text())["error"], r"ocm\.toml:\d+: planner: unknown key \"bacth\".*Did you mean \"batch\"")
        self.assertEqual(self.json("campaign", "show", "ocm")["version"], 1)
        (folder / "ocm.toml").write_text(CAMPAIGN.replace("batch = 4", "batch = 5"))
        self.wait("a new version", lambda: json.loads(status.read_text())["outcome"] == "updated")
        self.assertEqual(self.json("campaign", "show", "ocm")["version"], 2)

    def test_notifications_reach_a_receiver_and_are_signed(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        server.got, server.answers = [], [404]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        (self.folder / "ocm.key").write_bytes(SECRET + b"\n")
        config = self.file("kasetsud.toml", f'[webhooks]\nhosts = ["127.0.0.1"]\nsecret_dir = "{self.folder}"\n')
        self.begin("--config", config)
        hook = f'\n[[webhooks]]\nurl = "http://127.0.0.1:{server.server_port}/in"\nevents = ["hit", "stopped"]\nsecret_file = "ocm.key"\n'
        campaign = CAMPAIGN.replace('goal = "maximize"', 'goal = "maximize"\nhit_threshold = 10')
        self.ok("campaign", "apply", self.file("ocm.toml", campaign + hook))
        self.wait("the notifier's first look", lambda: not self.json("campaign", "notifications")["waiting"])
        time.sleep(1.5)  # what happened before its first look is not told
        self.ok("results", "import", "ocm", self.file("b.csv", BATCH), "--source", "rig", "--run", "1")
        self.wait("a refusal", lambda: self.json("campaign", "notifications", "ocm")["given_up"])
        given_up = self.json("campaign", "notifications", "ocm")["given_up"][0]
        self.assertEqual((given_up["kind"], given_up["last_error"], given_up["attempts"]), ("hit", "status 404", 1))
        self.assertIn("given_up", self.ok("campaign", "notifications").stdout)
        self.assertIn("notifications: 1 message could not be sent", self.run_program("doctor").stdout)
        self.ok("campaign", "stop", "ocm", "--reason", "enough")
        self.wait("a second message", lambda: len(server.got) >= 2)
        for headers, body in server.got:
            headers = {name.lower(): value for name, value in headers.items()}
            text = f'{headers["webhook-id"]}.{headers["webhook-timestamp"]}.'.encode() + body
            self.assertEqual(headers["webhook-signature"],
                             "v1," + base64.b64encode(hmac.new(SECRET, text, hashlib.sha256).digest()).decode())
        hit, stopped = (json.loads(body) for _, body in server.got[:2])
        self.assertEqual(hit["type"], "kasetsu.hit")
        self.assertEqual(hit["data"]["hits"], 2)
        self.assertNotRegex(json.dumps(hit), "La2O3|SiO2|MgO")
        self.assertIn("stopped: enough", stopped["text"])


class Reports(DaemonCase):
    def test_report_and_export(self):
        self.begin()
        self.ok("campaign", "apply", self.file("ocm.toml", CAMPAIGN + '[retrain]\nwhen = "by_hand"\n'))
        empty = self.json("report", "ocm", "--out", "empty.html")
        self.assertEqual(empty["measurements"], 0)
        self.ok("results", "import", "ocm", self.file("b.csv", BATCH), "--source", "rig", "--run", "1")
        self.ok("retrain", "ocm", "--wait")
        proposals = self.json("proposals", "ocm")["proposals"]
        rows = [{"catalyst": {"key": p["catalyst"]["key"]}, "proposal": p["id"], "channel": str(i), "values": {"C2_yield": 7.0 + i}}
                for i, p in enumerate(proposals)]
        # Text that would be markup in the page.
        rows[0]["sample"] = "<script>alert(1)</script>"
        self.ok("results", "import", "ocm", self.file("r.json", json.dumps({"source": "rig", "run": "2", "rows": rows})))
        summary = self.json("report", "ocm", "--out", "ocm.html")
        self.assertEqual(summary["measurements"], 6 + len(rows))
        self.assertEqual(summary["ledger"]["n"], len(rows))
        errors = [abs(p["mean"] - (7.0 + i)) for i, p in enumerate(proposals)]
        self.assertAlmostEqual(summary["ledger"]["mae"], sum(errors) / len(errors), places=9)
        best = max(15.0, *(7.0 + i for i in range(len(rows))))
        self.assertAlmostEqual(summary["best"]["C2_yield"]["value"], best, places=9)
        page = (self.folder / "ocm.html").read_text(encoding="utf-8")
        self.assertNotRegex(page, r"<script|(?:src|href)=")
        plots = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
        self.assertGreaterEqual(len(plots), 2)
        marks = 0
        for plot in plots:
            tree = xml.etree.ElementTree.fromstring(plot)
            _, _, width, height = map(float, tree.get("viewBox").split())
            svg = "{http://www.w3.org/2000/svg}"
            for mark in [*tree.iter(svg + "circle"), *tree.iter(svg + "path")]:
                start = re.match(r"M([0-9.]+) ([0-9.]+)", mark.get("d") or "")
                x, y = map(float, start.groups() if start else (mark.get("cx"), mark.get("cy")))
                self.assertTrue(0 <= x <= width and 0 <= y <= height)
                marks += mark.find(svg + "title") is not None
        self.assertGreaterEqual(marks, 6 + 2 * len(rows))
        # The words are the dashboard's.
        words = json.loads((pathlib.Path(os.environ["KASETSU_SOURCE"]) / "daemon/web/words/en.json").read_text(encoding="utf-8"))
        for key in ("plot.best", "plot.random", "plot.random.help", "plot.order", "strategy.given", "parity.axis", "foretold.axis",
                    "hypotheses.help", "hypotheses.model"):
            self.assertIn(html.escape(words[key]), page)
        # The error of every hypothesis over the batches.
        self.assertNotIn("hypotheses", empty)
        self.assertGreater(summary["hypotheses"]["alive"], 0)
        figure = page.index("<h2>Hypotheses over the batches")
        lines = xml.etree.ElementTree.fromstring(re.search(r"<svg.*?</svg>", page[figure:], re.DOTALL).group())
        drawn = len(list(lines.iter("{http://www.w3.org/2000/svg}polyline")))
        self.assertEqual(drawn, sum(summary["hypotheses"].values()) + 1)
        self.ok("report", "ocm", "--out", "ocm.md")
        markdown = (self.folder / "ocm.md").read_text(encoding="utf-8")
        self.assertIn("| rank | catalyst |", markdown)
        self.assertIn("| state | batches foretold |", markdown)

        folder = self.folder / "bundle"
        self.ok("export", "ocm", "--format", "bundle", "--out", folder)
        lines = (folder / "measurements.ndjson").read_text().splitlines()
        self.assertEqual(len(lines), 6 + len(rows))
        readme = (folder / "README.md").read_text()
        for name in os.listdir(folder):
            self.assertTrue(name == "README.md" or f"`{name}`" in readme, name)
        # What the README promises: the table goes straight into kasetsu fit.
        fitted = self.json("fit", folder / "catalysts.csv", "--target", "C2_yield", "--size", "1", "--order", "0")
        self.assertEqual(fitted["n_samples"], len({json.loads(line)["catalyst"]["key"] for line in lines}))
        self.assertEqual(self.ok("export", "ocm").stdout.count("\n"), 1 + 6 + len(rows))
        self.ok("export", "ocm", "--format", "sqlite", "--out", "copy.db")
        self.assertEqual((self.folder / "copy.db").read_bytes()[:15], b"SQLite format 3")

    def test_doctor(self):
        self.begin()
        fine = self.json("doctor", "--config", self.folder / "none.toml")
        self.assertEqual(fine["ok"], True)
        bad = self.file("kasetsud.toml", "[listen]\nprot = 1\n")
        done = self.run_program("doctor", "--config", bad)
        self.assertEqual(done.returncode, 1)
        self.assertIn('Did you mean "port"?', done.stdout)
        # How safe it is, from the daemon's file alone.
        key = self.file("key.pem", "no key")
        os.chmod(key, 0o644)
        config = self.file("secured.toml", f'[storage]\ndata_dir = "{self.folder}/nowhere"\n')
        checks = {check["check"]: check["found"] for check in self.json("doctor", "--security", "--config", config)["checks"]}
        self.assertEqual(checks, {"network": "ok", "tokens": "warning", "data folder": "ok", "limits": "ok"})
        config = self.file("unsafe.toml", f'[tls]\ncertificate_file = "{key}"\nkey_file = "{key}"\n')
        done = self.run_program("doctor", "--security", "--config", config)
        self.assertEqual(done.returncode, 1)
        self.assertIn("wrong    private key: ", done.stdout)
        self.assertIn("type: chmod 0600 ", done.stdout)
        os.environ["KASETSU_URL"] = "http://127.0.0.1:1"
        done = self.run_program("doctor", "--config", self.folder / "none.toml")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"wrong    daemon: no daemon listens at http://127\.0\.0\.1:1.*\n +type: .*kasetsud")


class Shell(ProgramTest):
    def test_help_fits_a_screen(self):
        lines = self.ok("--help").stdout.rstrip("\n").split("\n")
        self.assertLessEqual(len(lines), 24)
        self.assertLessEqual(max(map(len, lines)), 80)
        self.assertTrue(lines[2].startswith("  kasetsu "), "examples come first")

    def test_did_you_mean(self):
        for wrong, right in (("fti", "fit"), ("camapign", "campaign"), ("proposal", "proposals"), ("retrian", "retrain"), ("reprot", "report")):
            self.assertIn(f"did you mean {right}?", self.refused(2, wrong))
        self.assertIn("did you mean apply?", self.refused(2, "campaign", "aply", "x"))
        self.assertIn("did you mean --target?", self.refused(2, "fit", "x.csv", "--tagret", "y"))

    def complete(self, *words):
        script = ('source <("$0" completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kasetsu; printf "%s\\n" "${COMPREPLY[@]}"')
        return subprocess.run(["bash", "-c", script, KASETSU, *words], capture_output=True, text=True, check=True).stdout.split()

    def test_completion_of_bash(self):
        self.assertEqual(self.complete("kasetsu", "cam"), ["campaign"])
        self.assertEqual(self.complete("kasetsu", "campaign", "app"), ["apply"])
        self.assertEqual(self.complete("kasetsu", "fit", "--tar"), ["--target"])
        self.assertEqual(sorted(self.complete("kasetsu", "fit", "--search", "")), ["exchange", "genetic", "random"])
        self.assertEqual(self.complete("kasetsu", "export", "ocm", "--format", "b"), ["bundle"])

    def test_completion_knows_every_command_and_flag(self):
        script = self.ok("completion", "bash").stdout
        man = (pathlib.Path(os.environ["KASETSU_SOURCE"]) / "docs" / "man" / "kasetsu.1").read_text().replace("\\-", "-")
        flags = set(re.findall(r"^\\fB(?:-\w,)?--([a-z0-9-]+)", man, re.MULTILINE))
        self.assertGreater(len(flags), 50)
        for flag in flags - {"version"}:
            self.assertIn(f"--{flag}", script)

    def test_configuration_of_the_client(self):
        for variable in ("KASETSU_URL", "KASETSU_TOKEN"):
            os.environ.pop(variable, None)
        home = self.folder / "home"
        (home / "kasetsu").mkdir(parents=True)
        file = home / "kasetsu" / "client.toml"
        environment = {"XDG_CONFIG_HOME": str(home), "XDG_RUNTIME_DIR": str(self.folder)}
        file.write_text('url = "http://127.0.0.1:2"\n')
        said = self.refused(69, "campaign", "list", environment=environment)
        self.assertIn("http://127.0.0.1:2", said)
        # The environment goes before the file, the flag before both.
        said = self.refused(69, "campaign", "list", environment={**environment, "KASETSU_URL": "http://127.0.0.1:3"})
        self.assertIn("http://127.0.0.1:3", said)
        said = self.refused(69, "campaign", "list", "--url", "http://127.0.0.1:4", environment={**environment, "KASETSU_URL": "http://127.0.0.1:3"})
        self.assertIn("http://127.0.0.1:4", said)
        file.write_text('ulr = "http://127.0.0.1:2"\n')
        self.assertRegex(self.refused(65, "campaign", "list", environment=environment), r"client\.toml:1: unknown key \"ulr\".*Did you mean \"url\"\?")

    def test_no_colours_without_a_terminal(self):
        self.assertNotIn("\x1b", self.run_program("campaign", "list", "--url", "http://127.0.0.1:2").stderr)


class Socket(DaemonCase):
    def test_the_daemon_is_found_by_its_socket(self):
        socket = self.folder / "kasetsud.sock"
        self.start("--unix-socket", str(socket))
        environment = {"XDG_RUNTIME_DIR": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}
        os.environ.pop("KASETSU_URL", None)
        if pathlib.Path("/run/kasetsud/kasetsud.sock").exists():
            self.skipTest("a daemon of this machine comes first")
        self.assertEqual(self.json("campaign", "list", environment=environment), {"campaigns": []})


if __name__ == "__main__":
    unittest.main(verbosity=2)
