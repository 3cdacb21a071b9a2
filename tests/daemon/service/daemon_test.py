"""kasetsud as a process: start, signals, exit codes, a second one, tokens, TLS, what it refuses to do."""
import json
import os
import resource
import shutil
import signal
import socket
import sqlite3
import ssl
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

SOURCE, BIN = sys.argv[1:3]
PROGRAM = os.path.join(BIN, "kasetsud")
PATIENCE = int(os.environ.get("KASETSU_PATIENCE", "1"))  # how many times as long as usual a program may take


class Daemon:
    def __init__(self, folder, *arguments, config=None):
        self.folder = folder
        self.port_file = os.path.join(folder, "port")
        if os.path.exists(self.port_file):
            os.unlink(self.port_file)
        listen = () if "--listen" in arguments else ("--listen", "127.0.0.1:0")
        command = [PROGRAM, "--data-dir", os.path.join(folder, "data"), *listen, "--port-file", self.port_file,
                   *arguments]
        if config is not None:
            path = os.path.join(folder, "kasetsud.toml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(config)
            command += ["--config", path]
        self.log = open(os.path.join(folder, "log"), "ab")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def wait(self):
        for _ in range(1200):
            if os.path.exists(self.port_file):
                with open(self.port_file, encoding="utf-8") as file:
                    self.port = int(file.read())
                return self
            if self.process.poll() is not None:
                raise AssertionError("ended at start: " + self.text())
            time.sleep(0.05)
        raise AssertionError("did not listen: " + self.text())

    def text(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8") as file:
            return file.read()

    def ask(self, path, body=None, token=None, scheme="http", context=None):
        request = urllib.request.Request(f"{scheme}://127.0.0.1:{self.port}{path}", data=body)
        if body is not None:
            request.add_header("Content-Type", "application/toml" if path in ("/v1/campaigns", "/v1/campaigns:plan") else "application/json")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(timeout=60)
        self.log.close()
        return code


class Process(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="kasetsud_test_")
        self.daemons = []

    def tearDown(self):
        for daemon in self.daemons:
            if daemon.process.poll() is None:
                daemon.process.kill()
                daemon.process.wait()
            daemon.log.close()
        shutil.rmtree(self.folder)

    def start(self, *arguments, config=None):
        daemon = Daemon(self.folder, *arguments, config=config)
        self.daemons.append(daemon)
        return daemon.wait()

    def fails(self, code, words, *arguments, config=None):
        daemon = Daemon(self.folder, *arguments, config=config)
        self.daemons.append(daemon)
        self.assertEqual(daemon.process.wait(timeout=60), code, daemon.text())
        self.assertIn(words, daemon.text())

    def test_starts_answers_and_ends_in_order(self):
        daemon = self.start()
        self.assertEqual(daemon.ask("/readyz")[0], 200)
        version = json.loads(daemon.ask("/version")[1])
        self.assertEqual(version["name"], "kasetsud")
        with open(os.path.join(SOURCE, "config", "campaigns", "ocm.toml"), "rb") as file:
            self.assertEqual(daemon.ask("/v1/campaigns", file.read())[0], 201)
        mode = stat.S_IMODE(os.stat(os.path.join(self.folder, "data")).st_mode)
        self.assertEqual(mode, 0o700)
        for name in os.listdir(os.path.join(self.folder, "data")):
            mode = stat.S_IMODE(os.stat(os.path.join(self.folder, "data", name)).st_mode)
            self.assertEqual(mode & 0o077, 0, name)
        self.assertEqual(daemon.end(), 0)
        again = self.start()
        campaigns = json.loads(again.ask("/v1/campaigns")[1])["campaigns"]
        self.assertEqual([c["name"] for c in campaigns], ["ocm"])
        self.assertEqual(again.end(signal.SIGINT), 0)
        for line in again.text().splitlines():
            json.loads(line)

    def test_clients_at_once_never_get_the_same_catalyst_nor_what_was_measured_by_hand(self):
        daemon = self.start()
        with open(os.path.join(SOURCE, "config", "campaigns", "ocm.toml"), "rb") as file:
            self.assertEqual(daemon.ask("/v1/campaigns", file.read())[0], 201)

        given, errors, lock = {}, [], threading.Lock()

        def take(client, wanted):
            mine = {}
            body = json.dumps({"client": client, "batch_size": wanted}).encode()
            deadline = time.monotonic() + 120 * PATIENCE
            while time.monotonic() < deadline:
                status, answer = daemon.ask("/v1/campaigns/ocm:recommend", body)
                if status not in (200, 202):
                    errors.append((client, status, answer))
                    return
                for proposal in json.loads(answer).get("proposals", []):
                    mine[proposal["id"]] = proposal["catalyst"]["key"]
                if len(mine) >= wanted:
                    break
                time.sleep(0.1)
            with lock:
                for proposal, key in mine.items():
                    given.setdefault(key, []).append((client, proposal))

        def all_at_once(prefix, clients, wanted):
            threads = [threading.Thread(target=take, args=(f"{prefix}-{i}", wanted)) for i in range(clients)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(errors, [])

        def only_once():
            for key, takers in given.items():
                self.assertEqual(len(takers), 1, f"{key} went to {takers}")

        # A batch of 20 waits.
        body = json.dumps({"batch_size": 20}).encode()
        deadline = time.monotonic() + 60 * PATIENCE
        while time.monotonic() < deadline:
            self.assertIn(daemon.ask("/v1/campaigns/ocm:recommend", body)[0], (200, 202))
            waiting = json.loads(daemon.ask("/v1/campaigns/ocm/proposals?state=REQUESTED")[1])["proposals"]
            if waiting:
                break
            time.sleep(0.1)
        self.assertEqual(len(waiting), 20)
        all_at_once("robot", 10, 1)
        self.assertEqual(len(given), 10)
        only_once()
        # Some of what waits is measured by hand elsewhere, and some of the space that nobody proposed.
        waiting = json.loads(daemon.ask("/v1/campaigns/ocm/proposals?state=REQUESTED")[1])["proposals"]
        self.assertEqual(len(waiting), 10)
        by_hand = [proposal["catalyst"] for proposal in waiting[:3]]
        by_hand += [{"slots": ["Li", "Li", "Li"], "support": "MgO"}, {"slots": ["none", "Mn", "W"], "support": "SiO2"}]
        rows = [{"catalyst": {k: v for k, v in catalyst.items() if k in ("slots", "amounts", "support")},
                 "values": {"C2_yield": 3.0 + i}} for i, catalyst in enumerate(by_hand)]
        status, answer = daemon.ask("/v1/campaigns/ocm/measurements",
                                    json.dumps({"source": "by hand", "run": "1", "rows": rows}).encode())
        self.assertEqual(status, 200, answer)
        status, answer = daemon.ask("/v1/campaigns/ocm/measurements")
        measured = {row["catalyst"]["key"] for row in json.loads(answer)["measurements"]}
        self.assertEqual(len(measured), 5, answer)
        # The rest of this batch and the next one.
        all_at_once("late", 10, 2)
        only_once()
        self.assertEqual(len(given), 30)
        self.assertEqual(measured & set(given), set())

    def test_a_second_daemon_on_the_same_data_is_refused(self):
        self.start()
        other = os.path.join(self.folder, "other")
        result = subprocess.run([PROGRAM, "--data-dir", os.path.join(self.folder, "data"), "--listen", "127.0.0.1:0",
                                 "--port-file", other], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(result.returncode, 75, result.stderr)
        self.assertFalse(os.path.exists(other))

    def test_wrong_arguments_and_files(self):
        self.fails(2, "nonsense", "--nonsense")
        self.fails(2, "--listen", "--listen", "8765")
        self.fails(65, "Did you mean \"port\"?", config="[listen]\nprot = 1\n")
        self.fails(2, "loopback", "--listen", "0.0.0.0:0")
        def check(text, *arguments):
            path = os.path.join(self.folder, "check.toml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            result = subprocess.run([PROGRAM, "--config", path, "--data-dir", os.path.join(self.folder, "none"),
                                     "--check-config", *arguments], capture_output=True, timeout=60, check=False)
            return result.returncode

        self.assertEqual(check(""), 0)
        # What cannot start is refused: a wrong value, a file that is not there, an address beyond loopback.
        for text in ("[log]\nlevel = \"loud\"\n", "[tokens]\nfile = \"/no/such/file\"\n",
                     "[tls]\ncertificate_file = \"/no/such/file\"\nkey_file = \"/no/such/file\"\n",
                     "[listen]\naddress = \"0.0.0.0\"\n", "[listen]\naddress = \"lab.example\"\n"):
            self.assertNotEqual(check(text), 0, text)
        self.assertNotEqual(check("", "--listen", "0.0.0.0:0"), 0)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "none")), "it creates nothing")

    def test_a_taken_port_is_said(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            self.fails(1, "cannot listen", "--listen", f"127.0.0.1:{taken.getsockname()[1]}")

    def test_a_second_signal_ends_at_once(self):
        daemon = self.start(config="[shutdown]\ndrain_s = 600\n")
        half = socket.create_connection(("127.0.0.1", daemon.port))
        half.sendall(b"GET /hea")
        time.sleep(0.3)
        daemon.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        self.assertIsNone(daemon.process.poll(), "it waits for the request that has begun")
        daemon.process.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.process.wait(timeout=10), 128 + signal.SIGTERM)
        half.close()

    def test_reload_is_all_or_nothing(self):
        daemon = self.start(config="[log]\nlevel = \"info\"\n")
        path = os.path.join(self.folder, "kasetsud.toml")

        def reload(text):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            seen = len(daemon.text())
            daemon.process.send_signal(signal.SIGHUP)
            for _ in range(200):
                if "configuration" in daemon.text()[seen:]:
                    return daemon.text()[seen:]
                time.sleep(0.05)
            raise AssertionError("no reload: " + daemon.text())

        self.assertIn("not changed", reload("[log]\nlevel = \"loud\"\n"))
        self.assertIn(b"kasetsu_config_reload_success 0", daemon.ask("/metrics")[1])
        self.assertIn("read again", reload("[log]\nlevel = \"debug\"\n"))
        self.assertIn(b"kasetsu_config_reload_success 1", daemon.ask("/metrics")[1])
        self.assertEqual(daemon.end(), 0)
        self.assertIn("route=/metrics", daemon.text())

    def make_tokens(self):
        """Two tokens as `kasetsu token create` writes them."""
        import hashlib
        path = os.path.join(self.folder, "tokens")
        secrets = {"reader": "kasetsu_" + "1" * 64, "robot": "kasetsu_" + "2" * 64}
        with open(path, "w", encoding="utf-8") as file:
            for name, scope in (("reader", "read"), ("robot", "results")):
                digest = hashlib.sha256(secrets[name].encode()).hexdigest()
                file.write(f"{name} {digest} {scope} 2026-01-01T00:00:00Z -\n")
        os.chmod(path, 0o600)
        return path, secrets

    def test_tokens_are_asked_for_revoked_and_never_logged(self):
        path, secrets = self.make_tokens()
        daemon = self.start("--log-level", "trace", config=f"[tokens]\nfile = \"{path}\"\n")
        self.assertEqual(daemon.ask("/healthz")[0], 200)
        self.assertEqual(daemon.ask("/v1/campaigns")[0], 401)
        self.assertEqual(daemon.ask("/v1/campaigns", token="kasetsu_" + "3" * 64)[0], 401)
        self.assertEqual(daemon.ask("/v1/campaigns", token=secrets["reader"])[0], 200)
        self.assertEqual(daemon.ask("/v1/campaigns", token=secrets["robot"])[0], 403)
        refused = [json.loads(line)["msg"] for line in daemon.text().splitlines() if "request refused" in line]
        self.assertEqual(len(refused), 3, refused)
        for line, token in zip(refused, ("unknown", "unknown", "robot")):
            self.assertRegex(line, rf"id=\S+ status=40[13] route=/v1/campaigns peer=127.0.0.1 token={token}$")
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        with open(path, "w", encoding="utf-8") as file:
            file.write(lines[1] + "\n")
        for _ in range(200):
            status = daemon.ask("/v1/campaigns", token=secrets["reader"])[0]
            if status == 401:
                break
            time.sleep(0.05)
        self.assertEqual(status, 401, "a revoked token still counts")
        daemon.end()
        for secret in (*secrets.values(), "kasetsu_" + "3" * 64):
            self.assertNotIn(secret[8:], daemon.text())

    def test_another_file_of_tokens_is_the_one_that_counts_after_a_reload(self):
        first, secrets = self.make_tokens()
        second = os.path.join(self.folder, "others")
        with open(first, encoding="utf-8") as file:
            lines = file.read().splitlines()

        def write(path, *kept):
            with open(path + ".new", "w", encoding="utf-8") as file:
                file.write("".join(line + "\n" for line in kept))
            os.chmod(path + ".new", 0o600)
            os.replace(path + ".new", path)

        def becomes(status, token):
            for _ in range(200):
                found = daemon.ask("/v1/drivers", token=secrets[token])[0]
                if found == status:
                    return
                time.sleep(0.05)
            self.fail(f"{token}: {found}, not {status}: " + daemon.text())

        write(first, lines[0])
        write(second, lines[1].replace(" results ", " read "))
        daemon = self.start(config=f"[tokens]\nfile = \"{first}\"\n")
        becomes(200, "reader")
        with open(os.path.join(self.folder, "kasetsud.toml"), "w", encoding="utf-8") as file:
            file.write(f"[tokens]\nfile = \"{second}\"\n")
        daemon.process.send_signal(signal.SIGHUP)
        becomes(200, "robot")
        becomes(401, "reader")
        write(first, lines[0])  # nobody's any more
        write(second, "other " + "0" * 64 + " read 2026-01-01T00:00:00Z -")
        becomes(401, "robot")
        self.assertEqual(daemon.ask("/v1/drivers", token=secrets["reader"])[0], 401)
        self.assertEqual(daemon.end(), 0)

    def test_the_end_comes_in_time_whatever_runs(self):
        daemon = self.start(config="[shutdown]\ndrain_s = 0.5\n")
        half = socket.create_connection(("127.0.0.1", daemon.port))
        half.sendall(b"GET /hea")
        time.sleep(0.3)
        began = time.monotonic()
        self.assertEqual(daemon.end(), 0)
        self.assertLess(time.monotonic() - began, 10 * PATIENCE)
        half.close()

    def test_a_receiver_that_hangs_does_not_hold_up_the_end(self):
        with socket.socket() as receiver:
            receiver.bind(("127.0.0.1", 0))
            receiver.listen()
            address = f"127.0.0.1:{receiver.getsockname()[1]}"
            daemon = self.start(config=f"[webhooks]\nhosts = [\"{address}\"]\n")
            campaign = ('format = 1\nname = "c"\n[[targets]]\nname = "y"\nunit = "%"\ngoal = "maximize"\n[[space]]\nkind = "slots"\nslots = 2\n'
                        'none = true\nrepetition = true\nelements = ["Li", "Na"]\nsupports = ["MgO"]\n[planner]\nbatch = 2\n'
                        f'[[webhooks]]\nurl = "http://{address}/x"\nkind = "slack"\nevents = ["stopped"]\n')
            receiver.settimeout(1.0)
            self.assertEqual(daemon.ask("/v1/campaigns", campaign.encode())[0], 201)
            connection = None
            for number in range(60):  # what happened before the daemon's first look is not told
                if number == 3:
                    self.assertEqual(daemon.ask("/v1/campaigns/c:stop", b'{"reason": "over"}')[0], 200)
                try:
                    connection, _ = receiver.accept()
                    break
                except TimeoutError:
                    pass
            self.assertIsNotNone(connection, "nobody was told")
            self.assertEqual(daemon.end(), 0, daemon.text())
            connection.close()

    def test_where_webhooks_lead_is_shown_to_those_who_may_change_it(self):
        tokens, secrets = os.path.join(self.folder, "tokens"), {}
        for scope in ("read", "campaigns"):
            made = subprocess.run([os.path.join(BIN, "kasetsu"), "token", "create", scope, "--scope", scope, "--scope", "read",
                                   "--file", tokens], capture_output=True, text=True, check=True)
            secrets[scope] = made.stdout.strip()
        daemon = self.start(config=f'[tokens]\nfile = "{tokens}"\n[webhooks]\nhosts = ["hooks.example.org"]\n')
        with open(os.path.join(SOURCE, "config", "campaigns", "ocm.toml"), encoding="utf-8") as file:
            text = file.read() + '\n[[webhooks]]\nurl = "https://hooks.example.org/services/SECRET"\nkind = "slack"\nevents = ["model"]\n'
        self.assertEqual(daemon.ask("/v1/campaigns", text.encode(), token=secrets["campaigns"])[0], 201)
        path = "/v1/campaigns/ocm/configs/1"
        shown = {scope: json.loads(daemon.ask(path, token=secret)[1]) for scope, secret in secrets.items()}
        self.assertEqual((shown["campaigns"]["text"], shown["campaigns"]["addresses_hidden"]), (text, False))
        self.assertEqual((shown["read"]["text"], shown["read"]["addresses_hidden"]),
                         (text.replace("/services/SECRET", "/..."), True))
        # What a file would change is told with the same lines left out.
        for old, new in (("services/SECRET", "services/OTHER"), ('events = ["model"]', 'events = ["batch"]')):
            other = text.replace(old, new)
            for scope, told in (("read", False), ("campaigns", True)):
                status, answer = daemon.ask("/v1/campaigns:plan", other.encode(), token=secrets[scope])
                self.assertEqual((status, json.loads(answer)["change"]), (200, "changed"), answer)
                self.assertEqual("SECRET" in json.loads(answer)["diff"], told, answer)
        # What one person's browser keeps is not confirmed to another one.
        request = urllib.request.Request(f"http://127.0.0.1:{daemon.port}{path}", headers={"Authorization": "Bearer " + secrets["read"]})
        with urllib.request.urlopen(request, timeout=30) as answer:
            tag = answer.headers["ETag"]
        for scope, status in (("read", 304), ("campaigns", 200)):
            request = urllib.request.Request(f"http://127.0.0.1:{daemon.port}{path}", headers={
                "Authorization": "Bearer " + secrets[scope], "If-None-Match": tag})
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    self.assertEqual(answer.status, status)
            except urllib.error.HTTPError as error:
                self.assertEqual(error.code, status)
        self.assertEqual(daemon.end(), 0)

    def apply_ocm(self, daemon):
        with open(os.path.join(SOURCE, "config", "campaigns", "ocm.toml"), "rb") as file:
            self.assertEqual(daemon.ask("/v1/campaigns", file.read())[0], 201)

    @staticmethod
    def rows(count, run):
        return json.dumps({"source": "rig", "run": run, "rows": [
            {"catalyst": {"slots": ["Li", "Na", "none"], "support": "MgO"}, "channel": str(i), "values": {"C2_yield": 8.2}}
            for i in range(count)]}).encode()

    def test_a_subscriber_hears_of_a_restore(self):
        daemon = self.start()
        self.apply_ocm(daemon)
        backup = json.loads(daemon.ask("/v1/admin:backup", b"{}")[1])["path"]
        path = "/v1/campaigns/ocm/measurements"
        self.assertEqual(daemon.ask(path, self.rows(1, "lost"))[0], 200)
        seen = json.loads(daemon.ask("/v1/events")[1])
        self.assertEqual(daemon.ask("/v1/events?after=" + seen["cursor"])[0], 200)
        self.assertEqual(daemon.end(), 0)
        subprocess.run([os.path.join(BIN, "kasetsu"), "restore", backup, "--data-dir", os.path.join(self.folder, "data")],
                       check=True, capture_output=True)
        daemon = self.start()
        status, answer = daemon.ask("/v1/events?wait_s=30&after=" + seen["cursor"])
        self.assertEqual((status, json.loads(answer)["code"]), (410, "timeline_ended"))
        # As many events as were lost, and more: the number alone would say that nothing was missed.
        for i in range(3):
            self.assertEqual(daemon.ask(path, self.rows(1, f"other {i}"))[0], 200)
        status, answer = daemon.ask("/v1/events?after=" + seen["cursor"])
        self.assertEqual((status, json.loads(answer)["code"]), (410, "timeline_ended"))
        now = json.loads(daemon.ask("/v1/events")[1])
        self.assertGreater(now["last"], seen["last"])
        self.assertIn(f"after={now['timeline']}:", json.loads(answer)["detail"])
        request = urllib.request.Request(f"http://127.0.0.1:{daemon.port}/v1/events",
                                         headers={"Accept": "text/event-stream", "Last-Event-ID": seen["cursor"]})
        with urllib.request.urlopen(request, timeout=30) as stream:
            lines = [stream.readline().decode().strip() for _ in range(6)]
        self.assertEqual(lines[3], "event: reset")
        self.assertTrue(lines[4].startswith(f"id: {now['timeline']}:"), lines)
        self.assertEqual(daemon.end(), 0)

    def test_what_was_acknowledged_and_is_gone_is_told_at_the_start(self):
        daemon = self.start()
        self.apply_ocm(daemon)
        self.assertEqual(daemon.ask("/v1/campaigns/ocm/measurements", self.rows(1, "kept"))[0], 200)
        daemon.process.kill()
        daemon.process.wait()
        database, aside = (os.path.join(self.folder, name) for name in ("data/kasetsu.db", "aside"))
        os.rename(database + "-wal", aside)
        self.fails(65, "its -wal file was deleted or cut")
        os.rename(aside, database + "-wal")
        os.rename(database, aside)
        self.fails(65, "there was a database here, and it is gone")
        self.assertFalse(os.path.exists(database))
        os.rename(aside, database)
        daemon = self.start()
        self.assertEqual(len(json.loads(daemon.ask("/v1/campaigns/ocm/measurements")[1])["measurements"]), 1)
        self.assertEqual(daemon.end(), 0)

    def test_a_data_folder_below_a_link_the_ipv6_loopback_and_a_proxy_in_the_environment(self):
        os.makedirs(os.path.join(self.folder, "disk", "kasetsud"))
        os.symlink(os.path.join(self.folder, "disk", "kasetsud"), os.path.join(self.folder, "data"))
        try:
            daemon = self.start("--listen", "[::1]:0")
        except AssertionError as error:
            self.skipTest(f"no IPv6 on this machine: {error}")
        environment = {**os.environ, "KASETSU_URL": f"http://[::1]:{daemon.port}"}
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            environment[name] = "http://127.0.0.1:9"

        def kasetsu(*arguments):
            return subprocess.run([os.path.join(BIN, "kasetsu"), *arguments], env=environment, capture_output=True, text=True,
                                  check=True).stdout

        kasetsu("campaign", "apply", os.path.join(SOURCE, "config", "campaigns", "ocm.toml"))
        self.assertIn("ocm", kasetsu("campaign", "list"))
        self.assertTrue(os.path.exists(os.path.join(self.folder, "disk", "kasetsud", "kasetsu.db")))
        self.assertEqual(daemon.end(), 0)

    def test_memory_that_runs_out_ends_requests_and_never_the_daemon(self):
        daemon = self.start()
        self.apply_ocm(daemon)
        path, process = "/v1/campaigns/ocm/measurements", daemon.process.pid
        self.assertEqual(daemon.ask(path, self.rows(1, "first"))[0], 200)
        before = resource.prlimit(process, resource.RLIMIT_AS)
        with open(f"/proc/{process}/status", encoding="utf-8") as status:
            size = next(int(line.split()[1]) for line in status if line.startswith("VmSize")) * 1024
        large = self.rows(90000, "large")
        statuses, acknowledged, lock = [], ["first"], threading.Lock()

        def post(run, body):
            try:
                status = daemon.ask(path, body)[0]
            except OSError:
                status = 0  # the connection ended
            with lock:
                statuses.append(status)
                if status == 200:
                    acknowledged.append(run)

        # Less and less is left, from what a few large bodies need down to nothing.
        for left in (160, 96, 48, 24, 8, 0):
            resource.prlimit(process, resource.RLIMIT_AS, (size + left * 2**20, before[1]))
            bodies = [(f"large-{left}-{i}", large.replace(b'"large"', f'"large-{left}-{i}"'.encode())) for i in range(4)]
            bodies += [(f"small-{left}-{i}", self.rows(1, f"small-{left}-{i}")) for i in range(4)]
            threads = [threading.Thread(target=post, args=one) for one in bodies]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertIsNone(daemon.process.poll(), daemon.text()[-2000:])
        self.assertGreater(len([status for status in statuses if status != 200]), 4, "the limit bit nobody")
        self.assertEqual([status for status in statuses if status not in (0, 200, 503)], [])
        resource.prlimit(process, resource.RLIMIT_AS, before)
        self.assertEqual(daemon.ask(path, self.rows(1, "last"))[0], 200)
        acknowledged.append("last")
        self.assertEqual(daemon.ask("/readyz")[0], 200)
        self.assertEqual(daemon.end(), 0)
        database = sqlite3.connect(os.path.join(self.folder, "data", "kasetsu.db"))
        stored = {run for run, in database.execute("SELECT DISTINCT run FROM runs")}
        database.close()
        self.assertEqual(set(acknowledged) - stored, set())

    def test_tls(self):
        if not shutil.which("openssl"):
            self.skipTest("no openssl program to make a certificate with")
        certificate, key = (os.path.join(self.folder, name) for name in ("cert.pem", "key.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out",
                        certificate, "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                        "subjectAltName=IP:127.0.0.1,DNS:localhost"], check=True, capture_output=True)
        tokens, secrets = self.make_tokens()
        config = (f"[tls]\ncertificate_file = \"{certificate}\"\nkey_file = \"{key}\"\n"
                  f"[tokens]\nfile = \"{tokens}\"\n")
        daemon = self.start("--listen", "0.0.0.0:0", config=config)
        context = ssl.create_default_context(cafile=certificate)
        self.assertEqual(daemon.ask("/healthz", scheme="https", context=context)[0], 200)
        status, body = daemon.ask("/v1/campaigns", token=secrets["reader"], scheme="https", context=context)
        self.assertEqual((status, json.loads(body)["campaigns"]), (200, []))
        # Answers above 16 KiB did not arrive.
        for version in ("--tlsv1.2", "--tlsv1.3"):
            answer = subprocess.run(["curl", "-sS", "--max-time", "60", version, "--tls-max", version[6:], "--cacert",
                                     certificate, f"https://127.0.0.1:{daemon.port}/openapi.json"],
                                    check=True, capture_output=True).stdout
            self.assertGreater(len(answer), 50_000)
            self.assertEqual(json.loads(answer)["openapi"][:2], "3.")
        old = ssl.create_default_context(cafile=certificate)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        with self.assertRaises(urllib.error.URLError):
            daemon.ask("/healthz", scheme="https", context=old)
        with self.assertRaises((urllib.error.URLError, ConnectionError, OSError)):
            daemon.ask("/healthz")
        self.assertEqual(daemon.end(), 0)
        self.fails(65, "tls", config=config.replace(key, certificate))

    def test_client_certificates(self):
        if not shutil.which("openssl"):
            self.skipTest("no openssl program to make a certificate with")

        def name(file):
            return os.path.join(self.folder, file)

        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], check=True, capture_output=True)

        for who in ("server", "ca", "stranger"):
            openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", name(who + ".key"), "-out",
                    name(who + ".pem"), "-days", "2", "-subj", f"/CN={who}", "-addext",
                    "subjectAltName=IP:127.0.0.1,DNS:localhost")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", name("robot.key"), "-out", name("robot.csr"), "-subj",
                "/CN=robot")
        openssl("x509", "-req", "-in", name("robot.csr"), "-CA", name("ca.pem"), "-CAkey", name("ca.key"), "-CAcreateserial",
                "-out", name("robot.pem"), "-days", "2")
        tokens, secrets = self.make_tokens()
        daemon = self.start(config=f"[tls]\ncertificate_file = \"{name('server.pem')}\"\nkey_file = "
                                   f"\"{name('server.key')}\"\nclient_ca_file = \"{name('ca.pem')}\"\n"
                                   f"[tokens]\nfile = \"{tokens}\"\n")

        def ask(certificate, token):
            context = ssl.create_default_context(cafile=name("server.pem"))
            if certificate:
                context.load_cert_chain(name(certificate + ".pem"), name(certificate + ".key"))
            return daemon.ask("/v1/campaigns", token=token, scheme="https", context=context)[0]

        self.assertEqual(ask("robot", secrets["reader"]), 200)
        self.assertEqual(ask("robot", None), 401, "a certificate is no token")
        for certificate in (None, "stranger"):
            with self.assertRaises((urllib.error.URLError, ConnectionError, OSError)):
                ask(certificate, secrets["reader"])
        self.assertEqual(daemon.end(), 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
