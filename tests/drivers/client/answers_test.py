"""What the client for robots does with answers, values, tokens and spool files: it never deletes what was not taken, and never
trusts a stranger. A server of this test plays the daemon, a proxy, a captive portal."""
import decimal
import http.server
import json
import os
import pathlib
import random
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import traceback
import unittest
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "drivers" / "client"))
from kasetsu_client import Client, NotUnderstood, Refused, Unreachable, Untrusted  # noqa: E402

ROW = {"catalyst": "Mn/SiO2", "values": {"y": 1.5}}


def receipt(body):
    rows = json.loads(body)["rows"]
    return {"ingest": "01J", "accepted": len(rows), "rows": [{"row": i, "verdict": "accepted"} for i in range(len(rows))]}


class Stranger(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append((self.path, self.headers.get("Authorization"), body))
        self.server.keys.append(self.headers.get("Idempotency-Key"))
        status, headers, text = self.server.answer(len(self.server.seen), body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST

    def log_message(self, *_):
        pass


class Raw:
    """Answers every request with the same bytes and closes the connection."""

    def __init__(self):
        self.answer = b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer, peer.makefile("rb") as file:
                length = 0
                while (line := file.readline()).strip():
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                file.read(length)
                try:
                    peer.sendall(self.answer)
                except OSError:
                    pass  # it has read enough


class Answers(unittest.TestCase):
    def setUp(self):
        self.spool = tempfile.mkdtemp(prefix="kasetsu_spool_")
        self.addCleanup(shutil.rmtree, self.spool, True)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
        self.server.seen, self.server.keys = [], []
        self.answer_with(lambda n, body: (200, {}, json.dumps(receipt(body)).encode()))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer_with(self, answer):
        self.server.answer = answer

    def client(self, **options):
        return Client(self.url, spool=self.spool, patience_s=options.pop("patience_s", 0.3), **options)

    def waiting(self):
        return [name for name in os.listdir(self.spool) if name.endswith(".json")]

    def post(self, client=None, rows=(ROW,)):
        return (client or self.client()).post_measurements("ocm", "rig", "1", list(rows))

    def test_only_a_receipt_of_all_rows_settles_a_delivery(self):
        two = json.dumps(receipt(json.dumps({"rows": [ROW, ROW]}))).encode()
        for status, text in [(200, b"{}"), (200, b""), (204, b""), (202, b'{"queued":true}'), (200, b"[1]"), (200, b"null"),
                             (200, b"<html>login</html>"), (200, two), (200, b'{"ingest":"","rows":[{}]}'), (200, b'"ok"'),
                             (200, b"[" * 100000), (200, b'{"ingest":"x","rows":[1]}'), (418, b"teapot"), (405, b""),
                             (413, b"<html>too large</html>"), (400, b"{}")]:
            with self.subTest(status=status, text=text[:40]):
                self.answer_with(lambda n, body: (status, {}, text))
                with self.assertRaises(NotUnderstood):
                    self.post()
                self.assertEqual(len(self.waiting()), 1)
                self.assertEqual([n for n in os.listdir(self.spool) if n.endswith(".refused")], [])
                os.unlink(os.path.join(self.spool, self.waiting()[0]))

    def test_a_campaign_file_that_held_before_is_applied_again(self):
        # The daemon answers a key that it knows with what it did then.
        self.answer_with(lambda n, body: (200, {}, b'{"version": 1}') if n != 2 else (503, {}, b"{}"))
        client = self.client(patience_s=10.0)
        for text in ("a = 1", "a = 2", "a = 1"):
            client.apply_campaign(text)
        keys = self.server.keys
        self.assertEqual([body for _, _, body in self.server.seen], [b"a = 1", b"a = 2", b"a = 2", b"a = 1"])
        self.assertEqual(keys[1], keys[2], "the same request, repeated")
        self.assertEqual(len(set(keys)), 3, "three requests")

    def test_a_list_that_is_none_or_never_ends(self):
        for text in (b"{}", b"[]", b'{"proposals": 3, "models": {}, "jobs": null}', b'"x"'):
            self.answer_with(lambda n, body: (200, {}, text))
            for read in (self.client().jobs, lambda: self.client().models("ocm"), lambda: self.client().proposals("ocm")):
                with self.assertRaises(NotUnderstood):
                    read()
        self.answer_with(lambda n, body: (200, {}, b'{"proposals": [], "next_page_token": "x"}'))
        with self.assertRaises(NotUnderstood):
            self.client().proposals("ocm")

    def test_answers_of_any_bytes_end_in_the_clients_own_words(self):
        whole = json.dumps(receipt(json.dumps({"rows": [ROW]}))).encode()
        problem = b'{"type":"about:blank","title":"no","status":422,"detail":"no such property"}'
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        seeds = [head + b"Content-Length: %d\r\n\r\n" % len(whole) + whole,
                 head + b"Transfer-Encoding: chunked\r\n\r\n" + b"%x\r\n" % len(whole) + whole + b"\r\n0\r\n\r\n",
                 b"HTTP/1.1 422 No\r\nContent-Length: %d\r\n\r\n" % len(problem) + problem,
                 b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
                 b"HTTP/1.1 100 Continue\r\n\r\n" + head + b"\r\n" + whole,
                 head + b"X: y\r\n" * 300 + b"\r\n", head + b"X: " + b"y" * 70000 + b"\r\n\r\n"]
        choice = random.Random(5)
        settled = 0
        with Raw() as raw:
            client = Client(raw.url, spool=self.spool, patience_s=0.0, timeout_s=10.0)
            for number in range(400):
                raw.answer = bytearray(choice.choice(seeds))
                for _ in range(choice.randrange(4) if number >= len(seeds) else 0):
                    place = choice.randrange(len(raw.answer))
                    raw.answer[place:place + choice.randrange(12)] = bytes(choice.choices(b"\r\n 0123456789abf:{}[]\"\x00\xff",
                                                                                         k=choice.randrange(6)))
                    if not raw.answer:
                        break
                before = len(self.waiting())
                try:
                    self.assertEqual(len(self.post(client)["rows"]), 1)
                    settled += 1
                    self.assertEqual(len(self.waiting()), before)
                except Refused as error:
                    self.assertGreaterEqual(error.status, 300)
                except Unreachable:
                    self.assertEqual(len(self.waiting()), before + 1)
        self.assertGreater(settled, 20)

    def test_a_redirect_is_not_followed(self):
        elsewhere = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
        elsewhere.seen, elsewhere.answer = [], lambda n, body: (200, {}, b"{}")
        threading.Thread(target=elsewhere.serve_forever, daemon=True).start()
        self.addCleanup(elsewhere.server_close)
        self.addCleanup(elsewhere.shutdown)
        for status in (301, 302, 303, 307, 308):
            self.answer_with(lambda n, body: (status, {"Location": f"http://127.0.0.1:{elsewhere.server_port}/"}, b""))
            with self.assertRaises(NotUnderstood):
                self.post(self.client(token="secret-token"))
        self.assertEqual(elsewhere.seen, [])
        self.assertEqual(len(self.waiting()), 5)

    def test_what_passes_is_tried_again(self):
        for status in (308, 408, 425, 429, 503):
            start = len(self.server.seen)
            self.answer_with(lambda n, body: (status, {}, b"") if n == start + 1
                             else (200, {}, json.dumps(receipt(body)).encode()))
            self.assertEqual(self.post(self.client(patience_s=5))["accepted"], 1, status)
        self.assertEqual(self.waiting(), [])

    def test_a_refusal_of_the_daemon_is_kept_beside_the_spool(self):
        self.answer_with(lambda n, body: (422, {}, b'{"title":"wrong","detail":"no such property","status":422}'))
        with self.assertRaises(Refused):
            self.post()
        self.assertEqual(self.waiting(), [])
        self.assertEqual(len([n for n in os.listdir(self.spool) if n.endswith(".refused")]), 1)

    def test_bad_spool_files_hold_nothing_up(self):
        for number, content in enumerate([b"[]", b"null", b"\xff\xfe", b"1", b'{"path": 1, "key": 2, "body": 3}', b"[" * 100000,
                                          b'{"path": "@evil.example/", "key": "k", "body": "{}"}', b'{"path"']):
            pathlib.Path(self.spool, f"{number:020d}-bad.json").write_bytes(content)
        os.mkdir(os.path.join(self.spool, "00000000000000000099-folder.json"))
        self.answer_with(lambda n, body: (503, {}, b""))
        with self.assertRaises(Unreachable):
            self.post()
        self.answer_with(lambda n, body: (200, {}, json.dumps(receipt(body)).encode()))
        with warnings.catch_warnings(record=True):
            warnings.simplefilter("always")
            self.assertEqual(self.client().flush(), 1)
        self.assertEqual(len([n for n in os.listdir(self.spool) if n.endswith(".unreadable")]), 8)
        self.assertTrue(all("evil" not in path for path, _, _ in self.server.seen))

    def test_an_answer_that_is_not_understood_does_not_hold_up_the_next_delivery(self):
        self.answer_with(lambda n, body: (503, {}, b""))
        for run in ("1", "2"):
            with self.assertRaises(Unreachable):
                self.client().post_measurements("ocm", "rig", run, [ROW])
        self.answer_with(lambda n, body: (200, {}, b"{}" if b'"run": "1"' in body else json.dumps(receipt(body)).encode()))
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            self.assertEqual(self.client().flush(), 1)
        self.assertIn("goes on waiting", str(told[0].message))
        self.assertEqual(len(self.waiting()), 1)

    def test_values_of_every_kind_and_the_other_rows_go_on(self):
        class Whole:  # as numpy's numbers are
            def item(self):
                return 7

        rows = [{"catalyst": "Mn/SiO2", "values": {"y": value}, "measured_at": None} for value in
                (1.5, float("nan"), decimal.Decimal("2.25"), decimal.Decimal("NaN"), None, Whole(), float("inf"), "\udcff")]
        answer = self.post(rows=rows)
        self.assertEqual([row["verdict"] for row in answer["rows"]],
                         ["accepted", "not measured", "accepted", "not measured", "not measured"] + ["accepted"] * 3)
        self.assertEqual([row["row"] for row in answer["rows"]], list(range(8)))
        sent = json.loads(self.server.seen[-1][2], parse_constant=self.fail)["rows"]
        self.assertEqual([row["values"]["y"] for row in sent], [1.5, 2.25, 7, "inf", "?"])
        self.assertEqual(self.post(rows=[rows[1]])["rows"][0]["verdict"], "not measured")
        both = self.post(rows=[{"catalyst": "Mn/SiO2", "values": {"y": 1.0, "z": float("nan")}}])
        self.assertEqual(both["accepted"], 1)

    def test_a_token_is_stripped_and_never_shown(self):
        self.post(self.client(token=" my-secret-token\r\n"))
        self.assertEqual(self.server.seen[-1][1], "Bearer my-secret-token")
        for token in ("my-secret token", "my-secret\ntoken", "my-secret-t\u00f6ken"):
            try:
                self.client(token=token)
                self.fail("taken")
            except ValueError:
                self.assertNotIn("my-secret", traceback.format_exc().split("ValueError")[-1])
        self.assertNotIn("secret", repr(self.client(token="secret")))

    def test_a_proxy_of_the_environment_does_not_catch_this_machine(self):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            os.environ[name] = "http://127.0.0.1:9"
            self.addCleanup(os.environ.pop, name)
        self.assertEqual(self.post()["accepted"], 1)

    def test_certificates(self):
        folder = pathlib.Path(self.spool, "tls")
        folder.mkdir()
        made = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "key", "-out",
                               folder / "cert", "-days", "2", "-subj", "/CN=localhost", "-addext",
                               "subjectAltName=IP:127.0.0.1"], capture_output=True)
        if made.returncode != 0:
            self.skipTest("no openssl program")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "cert", folder / "key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = self.url.replace("http:", "https:")
        self.assertEqual(self.post(self.client(ca_file=str(folder / "cert")))["accepted"], 1)
        os.environ["KASETSU_CA_FILE"] = str(folder / "cert")
        self.addCleanup(os.environ.pop, "KASETSU_CA_FILE", None)
        self.assertEqual(self.post()["accepted"], 1)
        os.environ.pop("KASETSU_CA_FILE")
        with self.assertRaisesRegex(Untrusted, "ca_file"):  # at once, whatever the patience
            self.post(self.client(patience_s=1e6))
        self.assertEqual(len(self.waiting()), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
