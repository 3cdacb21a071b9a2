"""Every door ends in the one ingest path: the same run through each gives the same database, twice gives no change, and a
kill in the middle loses and doubles nothing.

One run: 20 channels x 216 conditions x 2 replicates, 8,640 rows; where something is killed, 24 of the conditions."""
import csv
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

import lab
from kasetsu_client import Client

ROWS = lab.run_rows()
MESSAGES = lab.deliveries(ROWS)
SHORT = lab.run_rows(conditions=24)
SHORT_MESSAGES = lab.deliveries(SHORT)


def folder_config(path, extra=""):
    return (f'[drivers.door]\nkind = "folder"\ncampaign = "doors"\npath = "{path}"\nprofile = "rig"\nsource = "rig-1"\n'
            f'run = "run-1"\nsettle_s = 0.3\nscan_s = 0.3\n{extra}')


def mqtt_config(port, extra=""):
    return (f'[drivers.door]\nkind = "mqtt"\ncampaign = "doors"\nhost = "127.0.0.1"\nport = {port}\n'
            f'base = "lab/v1/site/room"\n{extra}')


def exec_config(folder):
    script = os.path.join(lab.SOURCE, "drivers", "exec", "example_table.py")
    return (f'[drivers.door]\nkind = "exec"\ncampaign = "doors"\nevery_s = 0.3\n'
            f'command = ["/usr/bin/python3", "{script}", "{folder}"]\n')


def drop(path, content):
    with open(path + ".part", "wb") as file:
        file.write(content)
    os.rename(path + ".part", path)


def program_table(path, rows):
    """The run in the shape that the example program reads."""
    conditions = list(rows[0]["conditions"])
    values = list(rows[0]["values"])
    with open(path + ".part", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["M1", "M2", "M3", "Support", "sample", "channel", "sequence", "replicate"]
                        + ["condition " + c for c in conditions] + ["value " + v for v in values])
        for row in rows:
            writer.writerow(row["catalyst"]["slots"] + [row["catalyst"]["support"], row["sample"], row["channel"],
                            row["sequence"], row["replicate"]] + [row["conditions"][c] for c in conditions]
                            + [row["values"][v] for v in values])
    os.rename(path + ".part", path)


class Doors(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="kasetsu_doors_")
        self.addCleanup(shutil.rmtree, self.folder, True)

    def daemon(self, name, config):
        folder = os.path.join(self.folder, name)
        os.makedirs(folder)
        daemon = lab.Daemon(folder, config)
        self.addCleanup(daemon.kill)
        return daemon

    def broker(self):
        broker = lab.Broker(self.folder)
        self.addCleanup(broker.end)
        return broker

    def post(self, daemon, messages=MESSAGES, **options):
        client = Client(f"http://127.0.0.1:{daemon.port}", spool=os.path.join(self.folder, "client-spool"), **options)
        for message in messages:
            client.post_measurements("doors", message["source"], message["run"], message["rows"])
            time.sleep(0.02)

    def wait_rows(self, daemon, count):
        def arrived():
            driver = daemon.driver("door")
            return sum(driver[v] for v in ("accepted", "flagged", "duplicate", "quarantined")) >= count
        lab.wait_for(arrived, f"{count} rows", 90)

    def wait_done(self, daemon, path):
        name = os.path.basename(path)
        lab.wait_for(lambda: not os.path.exists(path) and not os.listdir(os.path.join(os.path.dirname(path), "..", "work")),
                     f"{name} to be taken", 90)

    # One test for each door makes the same content; the reference is what a plain post makes.

    references = {}

    def reference_content(self, rows):
        self.reference(rows)
        return Doors.references[len(rows)][0]

    def reference(self, rows):
        if len(rows) not in Doors.references:
            folder = tempfile.mkdtemp(prefix="kasetsu_reference_")
            self.addCleanup(shutil.rmtree, folder, True)
            plain = lab.Daemon(folder)
            plain.ask("POST", "/v1/campaigns/doors/measurements?source=rig-1&run=run-1",
                      json.dumps({"rows": rows}).encode())
            a_channel = len(rows) // 20
            content, verdicts = plain.content(), plain.verdicts(a_channel)
            plain.end()
            # What the run holds: every value of every row but the few wrong ones, some flagged.
            quarantined = lab.count(verdicts, "quarantined")
            self.assertEqual([len(channel) for channel in verdicts], [a_channel] * 20)
            self.assertGreater(quarantined, 1)
            self.assertGreater(lab.count(verdicts, "flagged"), 1)
            self.assertEqual(len(content), 2 * (len(rows) - quarantined))
            Doors.references[len(rows)] = content, verdicts, a_channel

    def same_as_reference(self, daemon, rows=ROWS):
        self.reference(rows)
        content, verdicts, a_channel = Doors.references[len(rows)]
        # No assertEqual: its report of a difference of thousands of rows takes minutes.
        found = daemon.verdicts(a_channel)
        self.assertTrue(found == verdicts, f"verdicts: {len(found)} channels, " + lab.first_difference(found, verdicts))
        found = daemon.content()
        self.assertTrue(found == content, f"{len(found)} of {len(content)} measurements, "
                        + lab.first_difference(found, content))

    def test_http(self):
        daemon = self.daemon("http", "")
        self.post(daemon)
        self.same_as_reference(daemon)
        self.post(daemon)
        self.same_as_reference(daemon)

    def test_folder(self):
        path = os.path.join(self.folder, "watched")
        daemon = self.daemon("folder", folder_config(path))
        file = os.path.join(path, "inbox", "run-1.csv")
        drop(file, lab.run_table(ROWS))
        self.wait_done(daemon, file)
        self.same_as_reference(daemon)
        drop(file, lab.run_table(ROWS))
        self.wait_done(daemon, file)
        self.same_as_reference(daemon)
        self.assertEqual(daemon.driver("door")["deliveries"], 2)

    def test_mqtt(self):
        broker = self.broker()
        daemon = self.daemon("mqtt", mqtt_config(broker.port))
        publisher = lab.Publisher(broker.port)
        self.addCleanup(publisher.close)
        for _ in range(2):
            answers = publisher.send_all(MESSAGES)
            self.assertEqual({a["status"] for a in answers.values()}, {"ok"})
            self.assertEqual(sum(a["quarantined"] for a in answers.values()), lab.count(daemon.verdicts(432), "quarantined"))
            self.same_as_reference(daemon)

    def test_exec(self):
        tables = os.path.join(self.folder, "tables")
        os.makedirs(tables)
        daemon = self.daemon("exec", exec_config(tables))
        for turn in (1, 2):
            program_table(os.path.join(tables, "run-1.csv"), ROWS)
            lab.wait_for(lambda: not os.path.exists(os.path.join(tables, "run-1.csv")), "the program", 90)
            self.assertEqual(daemon.driver("door")["deliveries"], 20 * turn)
            self.same_as_reference(daemon)

    # Killed in the middle. The sender goes on as it always does.

    def killed(self, daemon, send, in_the_middle):
        """Starts sending, kills the daemon when a part has arrived, starts it again, waits for the sender."""
        sender = threading.Thread(target=send)
        sender.start()
        lab.wait_for(lambda: in_the_middle() or not sender.is_alive(), "the middle", 60)
        self.assertTrue(sender.is_alive(), "the sender was through before the kill")
        daemon.kill()
        daemon.start()
        sender.join(120)
        self.assertFalse(sender.is_alive())

    def part_arrived(self, daemon):
        def look():
            try:
                ingests = daemon.ask("GET", "/v1/campaigns/doors/ingests?limit=1000")["ingests"]
                return 2 <= len(ingests) < 20
            except (AssertionError, OSError):
                return False
        return look

    def test_killed_while_posting(self):
        daemon = self.daemon("http", "")
        self.killed(daemon, lambda: self.post(daemon, SHORT_MESSAGES), self.part_arrived(daemon))
        self.same_as_reference(daemon, SHORT)

    def test_killed_while_a_file_is_read(self):
        path = os.path.join(self.folder, "watched")
        daemon = self.daemon("folder", folder_config(path))
        file = os.path.join(path, "inbox", "run-1.csv")
        work = os.path.join(path, "work")
        # The table in pieces by channel, so that there is a middle; and killed three times.
        lines = lab.run_table(SHORT).split(b"\r\n")
        per_channel = len(SHORT) // 20
        for channel in range(20):
            part = lines[:2] + lines[2 + channel * per_channel:2 + (channel + 1) * per_channel] + [b""]
            drop(file.replace("run-1", f"run-1-{channel:02d}"), b"\r\n".join(part))
        for _ in range(3):
            lab.wait_for(lambda: os.listdir(work) or not os.listdir(os.path.join(path, "inbox")), "a claim", 60)
            daemon.kill()
            daemon.start()
        lab.wait_for(lambda: not os.listdir(os.path.join(path, "inbox")) and not os.listdir(work), "the rest", 90)
        self.same_as_reference(daemon, SHORT)

    def test_killed_while_messages_come(self):
        broker = self.broker()
        daemon = self.daemon("mqtt", mqtt_config(broker.port))
        publisher = lab.Publisher(broker.port)
        self.addCleanup(publisher.close)
        self.killed(daemon, lambda: publisher.send_all(SHORT_MESSAGES), self.part_arrived(daemon))
        self.same_as_reference(daemon, SHORT)

    def test_killed_while_a_program_prints(self):
        tables = os.path.join(self.folder, "tables")
        os.makedirs(tables)
        daemon = self.daemon("exec", exec_config(tables))
        table = os.path.join(tables, "run-1.csv")

        def send():
            program_table(table, SHORT)
            lab.wait_for(lambda: not os.path.exists(table), "the program", 110)

        self.killed(daemon, send, self.part_arrived(daemon))
        self.same_as_reference(daemon, SHORT)

    def test_broker_killed_and_started_again(self):
        broker = self.broker()
        daemon = self.daemon("mqtt", mqtt_config(broker.port))
        publisher = lab.Publisher(broker.port)
        self.addCleanup(publisher.close)

        def restart():
            broker.end(signal.SIGKILL)
            time.sleep(0.3)
            broker.start()

        publisher.send_all(SHORT_MESSAGES, on_sent=restart)
        self.same_as_reference(daemon, SHORT)
        self.assertEqual(daemon.driver("door")["state"], "RUNNING")

    def test_network_cut(self):
        broker = self.broker()
        proxy = lab.Proxy(broker.port)
        self.addCleanup(proxy.close)
        daemon = self.daemon("mqtt", mqtt_config(proxy.port))
        http = lab.Proxy(daemon.port)
        self.addCleanup(http.close)
        publisher = lab.Publisher(broker.port)
        self.addCleanup(publisher.close)
        half = len(SHORT_MESSAGES) // 2

        def cut():
            proxy.cut()
            time.sleep(0.5)
            proxy.mend()

        publisher.send_all(SHORT_MESSAGES[:half], on_sent=cut)
        # The other half over HTTP, through a line that is cut while it is in use.
        client = Client(f"http://127.0.0.1:{http.port}", patience_s=60)
        stop = threading.Event()

        def cut_now_and_then():
            while not stop.wait(0.15):
                http.cut()
                time.sleep(0.02)
                http.mend()

        cutter = threading.Thread(target=cut_now_and_then)
        cutter.start()
        for message in SHORT_MESSAGES[half:]:
            client.post_measurements("doors", message["source"], message["run"], message["rows"], key=message["key"])
        stop.set()
        cutter.join()
        self.same_as_reference(daemon, SHORT)

    def test_broker_with_password_and_tls(self):
        certificate, key = os.path.join(self.folder, "cert.pem"), os.path.join(self.folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=127.0.0.1",
                        "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        passwords = os.path.join(self.folder, "passwords")
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "kasetsu", "right"], check=True, capture_output=True)
        os.chmod(passwords, 0o600)
        port = lab.free_port()
        broker = lab.Broker(self.folder, f"listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\n"
                                         f"certfile {certificate}\nkeyfile {key}\n")
        self.addCleanup(broker.end)
        secret = os.path.join(self.folder, "secret")
        with open(secret, "w", encoding="utf-8") as file:
            file.write("wrong\n")
        daemon = self.daemon("tls", mqtt_config(port, f'version = "3.1.1"\nuser = "kasetsu"\npassword_file = "{secret}"\n'
                                                      f'ca_file = "{certificate}"\n'))
        lab.wait_for(lambda: daemon.driver("door")["restarts"] > 0, "the refusal")
        self.assertIn("refused", daemon.driver("door")["last_error"])
        self.assertNotIn("wrong", daemon.log())
        with open(secret, "w", encoding="utf-8") as file:
            file.write("right\n")
        publisher = lab.Publisher(broker.port)
        self.addCleanup(publisher.close)
        publisher.send_all(SHORT_MESSAGES)
        self.same_as_reference(daemon, SHORT)
        self.assertNotIn("right", daemon.log())

    def test_what_a_dry_run_says_is_what_happens(self):
        path = os.path.join(self.folder, "watched")
        tables = os.path.join(self.folder, "tables")
        os.makedirs(tables)
        broker = self.broker()
        config = (folder_config(path, "enabled = false\n") + mqtt_config(broker.port).replace("door", "broker", 1)
                  + exec_config(tables).replace("door", "program", 1) + "enabled = false\n")
        daemon = self.daemon("dry", config)
        os.makedirs(os.path.join(path, "inbox"))
        for name in ("work", "done", "quarantine"):
            os.makedirs(os.path.join(path, name))
        drop(os.path.join(path, "inbox", "run-1.csv"), lab.run_table(SHORT))
        program_table(os.path.join(tables, "run-1.csv"), SHORT)
        check = daemon.ask("POST", "/v1/drivers/door:check", b"{}")
        told = check["would_take"][0]["verdicts"]
        asked = daemon.ask("POST", "/v1/drivers/program:check", b"{}")["would_take"]
        self.assertEqual(len(asked), 20)
        for verdict in ("accepted", "flagged", "duplicate", "quarantined"):
            self.assertEqual(sum(a["verdicts"][verdict] for a in asked), told[verdict])
        self.assertIn("lab/v1/site/room/+/results", daemon.ask("POST", "/v1/drivers/broker:check", b"{}")["notes"][0])
        # Nothing happened.
        self.assertEqual(daemon.content(), [])
        self.assertEqual(os.listdir(os.path.join(path, "inbox")), ["run-1.csv"])
        self.assertEqual(os.listdir(tables), ["run-1.csv"])
        # Then it happens.
        self.assertEqual(daemon.ask("POST", "/v1/drivers/door:start", b"{}")["state"], "RUNNING")
        self.wait_done(daemon, os.path.join(path, "inbox", "run-1.csv"))
        driver = daemon.driver("door")
        for verdict in ("accepted", "flagged", "duplicate", "quarantined"):
            self.assertEqual(driver[verdict], told[verdict])
        self.same_as_reference(daemon, SHORT)
        with urllib.request.urlopen(f"http://127.0.0.1:{daemon.port}/metrics", timeout=30) as answer:
            self.assertIn(f'kasetsu_driver_rows_total{{driver="door",verdict="accepted"}} {told["accepted"]}',
                          answer.read().decode())

    def test_a_file_that_grows_is_read_line_by_line(self):
        path = os.path.join(self.folder, "watched")
        daemon = self.daemon("tail", folder_config(path, 'tail = ["*.log"]\n'))
        lines = lab.run_table(SHORT).split(b"\r\n")
        log = os.path.join(path, "inbox", "rig.log")
        written = 0
        with open(log, "wb", buffering=0) as file:
            for step in (1, 2, 50, 300, 301, 700, len(lines) - 1):
                text = b"\r\n".join(lines[written:step]) + b"\r\n"
                # A line is written in two parts; the first alone is no line yet.
                file.write(text[:-9])
                time.sleep(0.4)
                file.write(text[-9:])
                written = step
                if step == 300:
                    daemon.kill()
                    daemon.start()
        lab.wait_for(lambda: len(daemon.content()) >= len(self.reference_content(SHORT)), "the last line", 60)
        # In stretches, so that verdicts come in other portions; the database is the same.
        self.assertTrue(daemon.content() == self.reference_content(SHORT))
        self.assertTrue(os.path.exists(log))
        before = daemon.driver("door")["deliveries"]
        os.rename(log, log + ".1.part")
        with open(log, "wb") as file:
            file.write(b"\r\n".join(lines[:5]) + b"\r\n")
        lab.wait_for(lambda: daemon.driver("door")["deliveries"] > before, "the rotated file")
        self.assertTrue(daemon.content() == self.reference_content(SHORT))

    def test_messages_wait_for_an_absent_daemon(self):
        broker = self.broker()
        daemon = self.daemon("mqtt", mqtt_config(broker.port))
        daemon.end()
        publisher = lab.Publisher(broker.port)
        self.addCleanup(publisher.close)
        publisher.connect()
        for message in SHORT_MESSAGES:
            publisher.publish(message)
        time.sleep(0.5)
        daemon.start()
        self.wait_rows(daemon, len(SHORT))
        self.same_as_reference(daemon, SHORT)


if __name__ == "__main__":
    unittest.main(argv=["doors_test.py"] + lab.sys.argv[3:], verbosity=2)
