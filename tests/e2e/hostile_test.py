"""A colleague posts results while tokens of every scope short of admin do their worst: campaigns that are endless to
check, plan or learn, deliveries that are endless to read, requests that hold places. Nothing that was acknowledged is
lost, no answer but 503 says that the daemon failed, long tables give way to the colleague, the daemon's memory stays
below 1 GiB, and SIGTERM ends it in time. The times of the colleague's posts are printed, not judged: they are the machine's.

python3 tests/e2e/hostile_test.py BIN
python3 tests/e2e/hostile_test.py --colleague PORT TOKEN FILE    the colleague, a process of its own
"""
import http.client
import io
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import zipfile

PATIENCE = int(os.environ.get("KASETSU_PATIENCE", "1"))  # how many times as long as usual a program may take
MEMORY_MIB = 1024
SECONDS_TO_END = 10
SECONDS_EACH = 4  # that the clients of one case wait for their answers before they hang up

ELEMENTS = ("Li Be B Na Mg Al Si K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge Rb Sr Y Zr Nb Mo Ru Rh Pd Ag Cd In Sn Sb Cs Ba La "
            "Ce Pr Nd Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au").split()
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SUPPORTS = "MgO SiO2 Al2O3 TiO2 ZrO2 CeO2 La2O3 CaO BaO".split()


def row(number, value=1.5):
    return {"catalyst": {"slots": ["Li", "none"], "support": "MgO"}, "channel": str(number), "values": {"y": value}}


class Client:
    """One connection; a new one after each failure."""

    def __init__(self, port, token, timeout):
        self.port, self.token, self.timeout, self.connection = port, token, timeout, None

    def ask(self, method, path, body=None, media="application/json"):
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        fields = {"Authorization": "Bearer " + self.token}
        if body is not None:
            fields["Content-Type"] = media
        try:
            self.connection.request(method, path, body, fields)
            answer = self.connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None


def colleague(port, token, file):
    """Posts a result about every 20 ms until the standard input ends; a line for each: seconds, status, measurement."""
    client = Client(port, token, 120)
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    number = 0
    with open(file, "w", encoding="utf-8", buffering=1) as out:
        while not over.is_set():
            number += 1
            start = time.monotonic()
            try:
                status, answer = client.ask("POST", "/v1/campaigns/ours/measurements",
                                            {"source": "colleague", "run": f"r{number}", "rows": [row(1, number)]})
                kept = json.loads(answer)["rows"][0].get("measurement") if status == 200 else answer.decode()[:300]
            except (OSError, http.client.HTTPException) as error:
                status, kept = 0, repr(error)
            out.write(json.dumps([time.monotonic() - start, status, kept, number]) + "\n")
            time.sleep(0.02)


def slots(elements=6, size=2, supports=2, first=0, **more):
    return {"kind": "slots", "elements": ELEMENTS[first:first + elements], "slots": size, "none": True, "repetition": True,
            "supports": SUPPORTS[:supports], **more}


def simplex(elements, step, most, first=0):
    return {"kind": "simplex", "elements": ELEMENTS[first:first + elements], "step_at_percent": step, "max_elements": most}


def campaign(name, space, planner=None, **more):
    return {"format": 1, "name": name, "targets": [{"name": "y", "unit": "%", "goal": "maximize"}], "space": space,
            "planner": planner or {"batch": 4}, "retrain": {"when": "by_hand"}, **more}


def campaigns():
    yield campaign("overlaps", [slots(5, 3, 2, i % 40) for i in range(300)])
    yield campaign("simplexes", [simplex(12, 1, 6), simplex(12, 1, 6, 1)])
    yield campaign("fine", [simplex(20, 0.1, 20), simplex(20, 0.1, 20, 1)])
    yield campaign("levels", [slots()], conditions={f"c{i}_x": list(range(1, 56)) for i in range(8)})
    yield campaign("many-levels", [slots(4, 2, 1)], conditions={"a_x": list(range(1, 9000))})
    yield campaign("batch", [slots(27, 3, 9)],
                   {"batch": 10000, "mix": {"explore": "50 %", "exploit": "25 %", "challenge": "25 %"}})
    yield campaign("order", [slots(20, 3, 9)], {"batch": 100},
                   model={"order": 3, "products": 100000, "size": 16, "hypotheses": 1000, "work": 10**15})
    yield campaign("work", [slots()], model={"work": 9 * 10**18, "time_limit_s": 1e7, "hypotheses": 1000})
    yield campaign("evaluated", [slots(50, 8, 9)], {"batch": 10000, "most_evaluated": 10**12, "mix": {"explore": 1.0}})
    yield campaign("twenty", [slots(58, 20, 9), slots(57, 20, 9)], {"batch": 1000})
    yield campaign("rules", [slots(27, 3, 9)], rules=[{"group": ELEMENTS[:40], "at_least": 0, "at_most": i % 5} for i in range(600)])
    yield campaign("impossible", [slots(58, 8, 9)], {"batch": 100, "mix": {"random": 1.0}},
                   rules=[{"number_of_elements": True, "at_least": 8}, {"total_amount": True, "at_most": 7.5}])
    yield campaign("list", [{"kind": "list", "catalysts": [f"Li:{i};Mn:2/MgO" for i in range(1, 3000)]}])
    yield campaign("preparations", [slots(27, 3, 1, preparations=[f"p{i}" for i in range(3000)])])
    yield campaign("targets", [slots()]) | {
        "targets": [{"name": f"y{i}", "unit": "%", "goal": "maximize"} for i in range(800)]}
    yield campaign("schedule", [slots()],
                   {"batch": 4, "schedule": [{"from_batch": i + 1, "mix": {"explore": 1}} for i in range(1200)]})
    yield campaign("process", [slots(27, 6, 9)], {"batch": 5000, "most_evaluated": 5 * 10**6, "mix": {"exploit": 1.0},
                                                 "surrogate": "gaussian_process"})


def workbook(sheet):
    """A workbook whose one sheet is `sheet`; it packs a thousand to one."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("[Content_Types].xml", f'<Types xmlns="{package}/content-types"><Default Extension="xml" '
                       'ContentType="application/xml"/></Types>')
        parts.writestr("_rels/.rels", f'<Relationships xmlns="{package}/relationships"><Relationship Id="a" '
                       f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>')
        parts.writestr("xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="S" sheetId="1" '
                       'r:id="a"/></sheets></workbook>')
        parts.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{package}/relationships"><Relationship Id="a" '
                       f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>')
        parts.writestr("xl/worksheets/sheet1.xml", f'<worksheet xmlns="{main}"><sheetData>' + sheet + "</sheetData></worksheet>")
    return file.getvalue()


def large_workbooks():
    """Of four columns and of many: about as large as they are taken."""
    numbers = random.Random(5)
    text = '<c t="inlineStr"><is><t>{}</t></is></c>'.format
    head = "<row>" + "".join(map(text, ("M1", "M2", "Support", "y"))) + "</row>"
    long = workbook(head + "".join("<row>" + text("Li") + text("Mn") + text("MgO") + f"<c><v>{numbers.random():.6f}</v></c></row>"
                                   for _ in range(99000)))
    wide = workbook("".join("<row>" + "".join(f"<c><v>{numbers.random():.12f}</v></c>" for _ in range(1000)) + "</row>"
                            for _ in range(1400)))
    return long, wide


def rows(count, run, **more):
    return json.dumps({"source": "hostile", "run": run, "rows": [{**row(i), **more} for i in range(count)]})


def deliveries():
    """(name, body, media type, query, how many at once)"""
    lines, table, sheet = "application/x-ndjson", "text/csv", SHEET
    head = "M1,M2,Support,y\n"
    yield "a million lines that are no rows", b"x\n" * 1000000, lines, "", 6
    yield "five million empty rows as lines", b"{}\n" * 5000000, lines, "", 4
    yield "five million empty rows", b'{"rows":[' + b"{}," * 4999999 + b"{}]}", "application/json", "", 4
    yield "almost too many wrong rows, and long", (b'{"catalyst":"' + b"Q" * 1500 + b'"}\n') * 9999, lines, "", 4
    yield "a million brackets", b"[" * 1000000, "application/json", "", 4
    yield "100,000 rows", rows(100000, "big"), "application/json", "", 4
    yield "100,000 rows for nothing", rows(100000, "dry"), "application/json", "?dry_run=true", 4
    yield "tables of 900 rows", rows(900, "table"), "application/json", "?dry_run=true", 32
    yield "half a million values in one row", json.dumps(
        {"source": "d", "run": "v", "rows": [{**row(0), "values": {f"k{i}": 1 for i in range(400000)}}]}), "application/json", "", 4
    yield "a number of five million digits", b'{"source":"d","rows":[{"catalyst":"Li/MgO","channel":"1","values":{"y":' + b"1" * 5000000 + b"}}]}", \
        "application/json", "", 4
    yield "a million columns", ",".join(f"c{i}" for i in range(1000000)) + "\n" + "1," * 999999 + "1\n", table, "", 4
    yield "a table of empty lines", head + "\n" * 15000000, table, "", 4
    yield "a table of a million rows", head + "Li,Na,MgO,1\n" * 1000000, table, "?source=q&run=q", 4
    yield "one cell of 15 MB", head + '"' + "a" * 15000000, table, "", 4
    yield "a workbook that unpacks to 200 MB", workbook("<row><c><v>1</v></c></row>" * 8000000), sheet, "", 4
    yield "a workbook of far cells", workbook(
        "".join(f'<row r="{i}"><c r="XFD{i}"><v>1</v></c></row>' for i in range(1, 40000))), sheet, "", 4


class Hostile(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="kasetsu_hostile_")
        self.tokens, self.wrong, self.kept = {}, [], []
        tokens = os.path.join(self.folder, "tokens")
        for name in ("read", "results", "campaigns", "colleague"):
            scope = "results" if name == "colleague" else name
            made = subprocess.run([os.path.join(BIN, "kasetsu"), "token", "create", name, "--scope", scope, "--file", tokens],
                                  capture_output=True, text=True, check=True)
            self.tokens[name] = made.stdout.strip()
        with open(os.path.join(self.folder, "kasetsud.toml"), "w", encoding="utf-8") as config:
            config.write(f'[tokens]\nfile = "{tokens}"\n')
        self.daemon = self.start()
        self.colleague = None
        status, answer = self.client("campaigns").ask("POST", "/v1/campaigns", campaign("ours", [slots()]))
        self.assertEqual(status, 201, answer)

    def tearDown(self):
        for process in (self.colleague, self.daemon):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        if self.colleague is not None:
            self.colleague.stdin.close()
        shutil.rmtree(self.folder)

    def start(self):
        port = os.path.join(self.folder, "port")
        if os.path.exists(port):
            os.unlink(port)
        with open(os.path.join(self.folder, "log"), "ab") as log:
            daemon = subprocess.Popen([os.path.join(BIN, "kasetsud"), "--config", os.path.join(self.folder, "kasetsud.toml"), "--data-dir",
                                       os.path.join(self.folder, "data"), "--listen", "127.0.0.1:0", "--port-file", port],
                                      stdout=log, stderr=log)
        for _ in range(1200 * PATIENCE):
            if os.path.exists(port):
                with open(port, encoding="utf-8") as file:
                    self.port = int(file.read())
                return daemon
            self.assertIsNone(daemon.poll(), "the daemon ended at its start")
            time.sleep(0.05)
        self.fail("the daemon does not listen")

    def client(self, token, timeout=60):
        return Client(self.port, self.tokens[token], timeout * PATIENCE)

    def start_colleague(self):
        self.posts = os.path.join(self.folder, "posts")
        self.colleague = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--colleague", str(self.port),
                                           self.tokens["colleague"], self.posts], stdin=subprocess.PIPE)

    def told(self):
        """What the colleague has been told so far."""
        with open(self.posts, encoding="utf-8") as file:
            return [json.loads(line) for line in file.read().split("\n")[:-1]]

    def together(self, name, ask, count):
        """Asks `count` times at once. Clients that wait longer than a few seconds hang up."""
        def one(number):
            try:
                status, answer = ask(number)
                statuses.append(status)
                if status >= 500 and status != 503:
                    self.wrong.append((name, status, answer[:300]))
            except (OSError, http.client.HTTPException):
                statuses.append("hung up")

        statuses, before = [], len(self.told())
        threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertIsNone(self.daemon.poll(), f"the daemon ended: {name}")
        counts = ", ".join(f"{statuses.count(s)} x {s}" for s in sorted(set(statuses), key=str))
        seconds = sorted(post[0] for post in self.told()[before:]) or [0.0]
        print(f"{name}: {counts}; posts of the colleague: {len(seconds)}, the slowest {1e3 * seconds[-1]:.0f} ms; "
              f"{self.memory():.0f} MiB", flush=True)

    def memory(self):
        with open(f"/proc/{self.daemon.pid}/status", encoding="utf-8") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

    def metric(self, name):
        status, answer = self.client("read").ask("GET", "/metrics")
        self.assertEqual(status, 200)
        return next(float(line.split()[1]) for line in answer.decode().splitlines() if line.startswith(name + " "))

    def try_campaigns(self):
        for document in campaigns():
            name, body = document["name"], json.dumps(document)
            for verb in (":validate", ":plan?batch=true"):
                self.together(f"{name} {verb}", lambda _, v=verb, b=body: self.client("read", SECONDS_EACH).ask(
                    "POST", "/v1/campaigns" + v, b), 8)
            applied = []
            self.together(f"{name} apply", lambda _, b=body, a=applied: a.append(
                self.client("campaigns", SECONDS_EACH).ask("POST", "/v1/campaigns", b)) or a[-1], 1)
            if applied and applied[0][0] == 201:
                self.together(f"{name} :recommend", lambda i, n=name: self.client("results", SECONDS_EACH).ask(
                    "POST", f"/v1/campaigns/{n}:recommend", {"client": f"c{i}"}), 8)

    def try_deliveries(self):
        path = "/v1/campaigns/ours/measurements"
        for name, body, media, query, count in deliveries():
            self.together(name, lambda _, b=body, m=media, q=query: self.client("results", SECONDS_EACH).ask(
                "POST", path + q, b, m), count)

    def try_patient_tables(self):
        """Tables whose sender waits: the colleague goes on beside them."""
        path = "/v1/campaigns/ours/measurements"
        self.together("100,000 rows whose sender waits", lambda i: self.client("results", 120).ask(
            "POST", path, rows(100000, f"patient {i}")), 2)
        self.together("the same rows again", lambda i: self.client("results", 120).ask(
            "POST", path, rows(100000, "patient 0")), 1)

    def try_everything_at_once(self):
        long, wide = large_workbooks()
        sheet, path = SHEET, "/v1/campaigns/ours/measurements"
        values = "M1,M2,Support,y\n" + "Li,Na,MgO,1\n" * 99000
        asks = [("read", "/v1/tables:read?target=y", wide, sheet), ("read", "/v1/campaigns:draft?target=y", wide, sheet),
                ("read", "/v1/tables:read?target=y", long, sheet), ("results", path + "?source=a", long, sheet),
                ("results", path + "?source=b&repeats=keep", values, "text/csv"),
                ("results", path, rows(100000, "at once"), "application/json"),
                ("results", path + "?dry_run=true", rows(100000, "at once, too"), "application/json")]

        def ask(number):
            token, where, body, media = asks[number % len(asks)]
            return self.client(token, 5 * SECONDS_EACH).ask("POST", where, body, media)

        self.together("the largest of every kind at once", ask, 3 * len(asks))

    def hold(self, name, text, count):
        """Holds `count` connections that have sent `text` for a second, while somebody else reads."""
        held = []
        for _ in range(count):
            held.append(socket.create_connection(("127.0.0.1", self.port), timeout=30 * PATIENCE))
            held[-1].sendall(text)
        self.together(name, lambda _: self.client("campaigns").ask("GET", "/v1/campaigns"), 8)
        time.sleep(1)
        for one in held:
            one.close()

    def try_requests(self):
        def head(line, token, fields):
            return f"{line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.tokens[token]}\r\n{fields}\r\n".encode()

        delivery = "POST /v1/campaigns/ours/measurements"
        self.hold("300 event streams from the beginning",
                  head("GET /v1/events?after=0", "read", "Accept: text/event-stream\r\n"), 300)
        self.hold("300 long polls", head("GET /v1/events?campaign=none&wait_s=30", "read", ""), 300)
        self.hold("100 uploads that lack a byte", head(
            delivery, "results", "Content-Type: text/csv\r\nContent-Length: 1000001\r\n") + b"a" * 1000000, 100)
        self.hold("100 uploads in tiny chunks", head(
            delivery, "results", "Content-Type: text/csv\r\nTransfer-Encoding: chunked\r\n") + b"1\r\na\r\n" * 20000, 100)
        self.hold("200 requests in one", head("GET /v1/campaigns/ours/measurements?limit=10000", "read", "") * 200, 8)
        self.together("100 exports", lambda _: self.client("read", SECONDS_EACH).ask(
            "GET", "/v1/campaigns/ours/measurements?limit=10000"), 100)

    def leave_work(self):
        """What still runs when SIGTERM comes."""
        self.client("results").ask("POST", "/v1/campaigns/batch:recommend", {"client": "late"})
        body = rows(100000, "late").encode()
        plan = json.dumps(campaign("late", [slots(50, 8, 9)], {"batch": 10000, "mix": {"explore": 1.0}})).encode()
        for token, path, sent in (("results", "/v1/campaigns/ours/measurements", body), ("read", "/v1/campaigns:plan?batch=true", plan)):
            for _ in range(3):
                open_one = socket.create_connection(("127.0.0.1", self.port), timeout=30 * PATIENCE)
                open_one.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.tokens[token]}\r\n"
                                 f"Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n\r\n".encode() + sent)
                self.kept.append(open_one)
        time.sleep(0.5)

    def measurements_of_the_colleague(self):
        found, token = {}, ""
        client = self.client("read")
        while token is not None:
            status, answer = client.ask("GET", "/v1/campaigns/ours/measurements?limit=10000" + (f"&page_token={token}" if token else ""))
            self.assertEqual(status, 200, answer)
            page = json.loads(answer)
            found.update((m["id"], m["value"]) for m in page["measurements"] if m["source"] == "colleague")
            token = page["next_page_token"]
        return found

    def test_a_colleague_goes_on_and_nothing_is_lost(self):
        self.start_colleague()
        time.sleep(2)
        for attack in (self.try_deliveries, self.try_patient_tables, self.try_everything_at_once, self.try_requests,
                       self.try_campaigns):
            attack()
        self.assertEqual(self.wrong, [])
        memory = self.memory()
        self.assertLess(memory, MEMORY_MIB)
        # The colleague's posts came before the end of long tables, which were begun anew after them.
        gave_way = self.metric("kasetsu_store_gave_way_total")
        self.assertGreater(gave_way, 0)

        self.leave_work()
        self.daemon.send_signal(signal.SIGTERM)
        start = time.monotonic()
        self.daemon.wait(timeout=SECONDS_TO_END * PATIENCE)
        seconds = time.monotonic() - start
        self.colleague.stdin.close()
        self.colleague.wait(timeout=130 * PATIENCE)
        for one in self.kept:
            one.close()

        posts = self.told()
        taken = [post for post in posts if post[1] == 200]
        self.assertGreater(len(taken), 100)
        before_the_end = [post for post in posts if post[1] not in (200, 503) and post[3] < taken[-1][3]]
        self.assertEqual(before_the_end, [])
        self.daemon = self.start()
        stored = self.measurements_of_the_colleague()
        self.assertEqual([post for post in taken if stored.get(post[2]) != post[3]], [], "acknowledged and not stored")
        times = sorted(post[0] for post in taken)
        print(f"{len(taken)} posts of the colleague: p50 {1e3 * times[len(times) // 2]:.0f} ms, "
              f"p99 {1e3 * times[len(times) * 99 // 100]:.0f} ms, the slowest {1e3 * times[-1]:.0f} ms; "
              f"long tables gave way {gave_way:.0f} times; memory {memory:.0f} MiB; ended {seconds:.1f} s after SIGTERM", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "--colleague":
        colleague(int(sys.argv[2]), sys.argv[3], sys.argv[4])
    else:
        BIN = sys.argv[1]
        unittest.main(argv=sys.argv[:1])
