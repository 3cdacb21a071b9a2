"""What the tests of the doors share: one run of a rig as rows and as files, a daemon that can be killed, a broker, a
publisher with the patience of a real one. Standard library only."""
import csv
import io
import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

SOURCE, BIN = (os.path.abspath(path) for path in sys.argv[1:3])
sys.path.insert(0, os.path.join(SOURCE, "drivers", "client"))
CAMPAIGN = """
format = 1
name = "doors"

[[targets]]
name = "C2_yield"
unit = "%"
goal = "maximize"
plausible = [0, 40]

[[properties]]
name = "CH4_conversion"
unit = "%"

[[space]]
kind = "slots"
slots = 3
none = true
repetition = true
elements = ["Li", "Na", "K", "Mg", "Mn", "W", "La", "Ce", "Sr", "Ba"]
supports = ["MgO", "SiO2", "Al2O3"]

[planner]
batch = 20
mix = { explore = 20 }

[retrain]
when = "by_hand"
"""
ELEMENTS = ["Li", "Na", "K", "Mg", "Mn", "W", "La", "Ce", "Sr", "Ba"]
SUPPORTS = ["MgO", "SiO2", "Al2O3"]
TEMPERATURES = [900, 850, 800, 775, 750, 700]
FLOWS = [10, 15, 20]
RATIOS = [2, 3, 4, 6]
ARGON = [0.15, 0.4, 0.7]


def run_rows(channels=20, conditions=216, replicates=2, seed=7):
    """One automatic run: rows as the API takes them, channel by channel. A few are as wrong as real ones are: an element
    that does not exist, a property that nobody measures under that name (only as JSON; in a table it is a text where a
    number belongs), a value outside of the plausible range."""
    draw = random.Random(seed)
    grid = [(t, f, r, a) for t in TEMPERATURES for f in FLOWS for r in RATIOS for a in ARGON][:conditions]
    rows = []
    for channel in range(1, channels + 1):
        slots = [draw.choice(ELEMENTS) for _ in range(3)]
        support = draw.choice(SUPPORTS)
        best = draw.uniform(2.0, 20.0)
        for sequence, (temperature, flow, ratio, argon) in enumerate(grid, 1):
            for replicate in range(1, replicates + 1):
                truth = best * (1.0 - abs(temperature - 800) / 400.0) * (1.0 - 0.05 * (ratio - 2))
                value = round(max(0.0, draw.gauss(truth, 0.3)), 2)
                row = {
                    "catalyst": {"slots": list(slots), "support": support},
                    "sample": f"S{channel:02d}",
                    "channel": str(channel),
                    "sequence": sequence,
                    "replicate": replicate,
                    "conditions": {"temperature_C": temperature, "flow_mL_min": flow, "CH4_O2_ratio": ratio,
                                   "p_Ar_atm": argon},
                    "values": {"C2_yield": value, "CH4_conversion": round(value * 2.5 + 3.0, 2)},
                }
                chance = draw.random()
                if chance < 0.004:
                    row["catalyst"]["slots"][1] = "Xx"
                elif chance < 0.008:
                    row["values"]["C2_yield"] = "n.d."
                elif chance < 0.016:
                    row["values"]["C2_yield"] = 55.5
                rows.append(row)
    return rows


PROFILE = """
encoding = "cp932"
delimiter = ";"
decimal = ","
unit_row = true
null = ["", "n.a."]
[[columns]]
header = "M1"
as = "slot"
[[columns]]
header = "M2"
as = "slot"
[[columns]]
header = "M3"
as = "slot"
[[columns]]
header = "Support"
as = "support"
[[columns]]
header = "Sample"
as = "sample"
[[columns]]
header = "Channel"
as = "channel"
[[columns]]
header = "Seq"
as = "sequence"
[[columns]]
header = "Rep"
as = "replicate"
[[columns]]
header = "Temp"
as = "condition"
name = "temperature_C"
unit = "°C"
[[columns]]
header = "Flow"
as = "condition"
name = "flow_mL_min"
unit = "mL/min"
[[columns]]
header = "CH4/O2"
as = "condition"
name = "CH4_O2_ratio"
[[columns]]
header = "PAr"
as = "condition"
name = "p_Ar_atm"
unit = "atm"
[[columns]]
header = "C2y"
as = "value"
name = "C2_yield"
unit = "%"
required = true
[[columns]]
header = "Xch4"
as = "value"
name = "CH4_conversion"
unit = "%"
"""


def run_table(rows):
    """The same rows as a Japanese instrument writes them: code page 932, semicolons, decimal commas, a line of units."""
    header = ["M1", "M2", "M3", "Support ", "Sample", "Channel", "Seq", "Rep", "Temp", "Flow", "CH4/O2", "PAr", "C2y", "Xch4"]
    units = ["", "", "", "", "", "", "", "", "℃", "mL/min", "", "atm", "％", "％"]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(header)
    writer.writerow(units)
    number = lambda v: v if isinstance(v, str) else repr(v).replace(".", ",")  # noqa: E731
    for row in rows:
        c, v = row["conditions"], row["values"]
        writer.writerow(row["catalyst"]["slots"] + [row["catalyst"]["support"], row["sample"], row["channel"],
                        row["sequence"], row["replicate"], number(c["temperature_C"]), number(c["flow_mL_min"]),
                        number(c["CH4_O2_ratio"]), number(c["p_Ar_atm"]), number(v["C2_yield"]),
                        number(v["CH4_conversion"])])
    return out.getvalue().encode("cp932")


def deliveries(rows, source="rig-1", run="run-1"):
    """One message a channel, with its key, as robots send them."""
    by_channel = {}
    for row in rows:
        by_channel.setdefault(row["channel"], []).append(row)
    return [{"key": f"{source}/{run}/{channel}", "source": source, "run": run, "rows": part}
            for channel, part in by_channel.items()]


class Daemon:
    """kasetsud in a folder; the same port in every life."""

    def __init__(self, folder, config=""):
        self.folder = folder
        self.port = free_port()
        self.process = None
        self.config(config)
        self.start()
        self.ask("POST", "/v1/campaigns", CAMPAIGN.encode(), "application/toml")

    def config(self, text):
        profiles = os.path.join(self.folder, "profiles")
        os.makedirs(profiles, exist_ok=True)
        with open(os.path.join(profiles, "rig.toml"), "w", encoding="utf-8") as file:
            file.write(PROFILE)
        with open(os.path.join(self.folder, "kasetsud.toml"), "w", encoding="utf-8") as file:
            file.write(f'[profiles]\nfolder = "{profiles}"\n' + text)

    def start(self):
        port_file = os.path.join(self.folder, "port")
        if os.path.exists(port_file):
            os.unlink(port_file)
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(BIN, "kasetsud"), "--config", os.path.join(self.folder, "kasetsud.toml"), "--data-dir",
                 os.path.join(self.folder, "data"), "--listen", f"127.0.0.1:{self.port}", "--port-file", port_file],
                stdout=log, stderr=log)
        wait_for(lambda: os.path.exists(port_file) or self.process.poll() is not None, "the daemon's start")
        if self.process.poll() is not None:
            raise AssertionError("the daemon ended: " + self.log())

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8") as file:
            return file.read()

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                code = self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
            assert code == 0, (code, self.log()[-2000:])

    def ask(self, method, path, body=None, content_type="application/json", key=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=body, method=method)
        if body is not None:
            request.add_header("Content-Type", content_type)
        if key:
            request.add_header("Idempotency-Key", key)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.loads(response.read())
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read()[:500]}") from None

    def pages(self, path, name):
        found, token = [], None
        while True:
            page = self.ask("GET", path + ("&" if "?" in path else "?") + "limit=1000"
                            + (f"&page_token={token}" if token else ""))
            found += page[name]
            token = page["next_page_token"]
            if not token:
                return found

    def content(self):
        """The database without what differs between two lives: identifiers and times of arrival."""
        measurements = self.pages("/v1/campaigns/doors/measurements", "measurements")
        kept = []
        for m in measurements:
            kept.append((m["catalyst"]["key"], m["property"], m["value"], m["unit"], tuple(m["flags"]), m["source"], m["run"],
                         m["channel"], m["sequence"], m["replicate"], m["sample"],
                         json.dumps(m["conditions"], sort_keys=True), m["superseded_by"], m["retracted"]))
        return sorted(kept, key=repr)

    def verdicts(self, rows_a_channel):
        """Verdicts of the rows of each channel in their order, over all deliveries that were kept, channels sorted: they may
        come in any order."""
        found = []
        for ingest in self.pages("/v1/campaigns/doors/ingests", "ingests"):
            receipt = self.ask("GET", "/v1/ingests/" + ingest["id"])
            rows = [row["verdict"] for row in receipt["row_verdicts"]]
            found += [tuple(rows[i:i + rows_a_channel]) for i in range(0, len(rows), rows_a_channel)]
        return sorted(found)

    def driver(self, name):
        return self.ask("GET", f"/v1/drivers/{name}")


class Broker:
    """mosquitto on a port of its own, with what it holds kept on the disk."""

    def __init__(self, folder, extra=""):
        self.folder = folder
        self.port = free_port()
        self.path = os.path.join(folder, "mosquitto.conf")
        data = os.path.join(folder, "broker")
        os.makedirs(data, exist_ok=True)
        with open(self.path, "w", encoding="utf-8") as file:
            # With per_listener_settings, mosquitto 2.0.21 (Debian 13) drops every message that comes for a client
            # which is away: only the test with two listeners needs it.
            file.write(("per_listener_settings true\n" if extra else "")
                       + f"listener {self.port} 127.0.0.1\nallow_anonymous true\n" + extra
                       + f"persistence true\npersistence_location {data}/\nautosave_interval 1\n"
                       + "autosave_on_changes true\nmax_queued_messages 1000000\n"
                       + ("user root\n" if os.getuid() == 0 else ""))
        self.process = None
        self.start()

    def start(self):
        program = "/usr/sbin/mosquitto"
        with open(os.path.join(self.folder, "broker.log"), "ab") as log:
            self.process = subprocess.Popen([program, "-c", self.path], stdout=log, stderr=log)
        wait_for(self.answers, "the broker")

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=20)


class Proxy:
    """A network that can be cut: bytes between a port and another one."""

    def __init__(self, target):
        self.target = target
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        self.open = True
        self.pairs = []
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if not self.open:
                near.close()
                continue
            far = socket.socket()
            if far.connect_ex(("127.0.0.1", self.target)) != 0:
                near.close()
                continue
            with self.lock:
                self.pairs.append((near, far))
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self.copy, args=(a, b), daemon=True).start()

    @staticmethod
    def copy(a, b):
        try:
            while True:
                data = a.recv(65536)
                if not data:
                    break
                b.sendall(data)
        except OSError:
            pass
        for one in (a, b):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        self.open = False
        with self.lock:
            for pair in self.pairs:
                for one in pair:
                    try:
                        one.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass
            self.pairs = []

    def mend(self):
        self.open = True

    def close(self):
        self.cut()
        self.listener.close()


class Publisher:
    """An instrument's MQTT 3.1.1 client: publishes with quality of service 1, listens for the answers, publishes again what
    was not answered. Not a library: just what the test needs, written against the standard's packets."""

    def __init__(self, port, base="lab/v1/site/room", instrument="rig-1", name="publisher"):
        self.port, self.base, self.instrument, self.name = port, base, instrument, name
        self.answers = {}
        self.stream = None
        self.packet = 0

    def close(self):
        if self.stream:
            self.stream.close()
            self.stream = None

    def connect(self):
        self.close()
        stream = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        stream.settimeout(0.2)
        self.stream = stream
        self.buffer = b""
        self.send(0x10, text("MQTT") + bytes([4, 2]) + struct.pack(">H", 60) + text(self.name))
        self.send(0x82, struct.pack(">H", 1) + text(f"{self.base}/ack/{self.instrument}") + b"\x01")

    def send(self, head, body):
        length, size = b"", len(body)
        while True:
            size, digit = divmod(size, 128)
            length += bytes([digit | (0x80 if size else 0)])
            if not size:
                break
        self.stream.sendall(bytes([head]) + length + body)

    def publish(self, delivery):
        self.packet = self.packet % 65535 + 1
        topic = f"{self.base}/{self.instrument}/results"
        self.send(0x32, text(topic) + struct.pack(">H", self.packet) + json.dumps(delivery).encode())

    def listen(self):
        """Reads what is there; keeps answers by key."""
        try:
            data = self.stream.recv(65536)
            if not data:
                raise ConnectionError("closed")
            self.buffer += data
        except TimeoutError:
            pass
        while True:
            packet = self.take_packet()
            if packet is None:
                return
            head, body = packet
            if head >> 4 == 3:
                size = struct.unpack(">H", body[:2])[0]
                rest = body[2 + size:]
                if head & 0x06:
                    self.send(0x40, rest[:2])
                    rest = rest[2:]
                answer = json.loads(rest)
                self.answers[answer["key"]] = answer

    def take_packet(self):
        size = shift = 0
        for i in range(1, 5):
            if len(self.buffer) <= i:
                return None
            size |= (self.buffer[i] & 0x7F) << shift
            shift += 7
            if not self.buffer[i] & 0x80:
                end = i + 1 + size
                if len(self.buffer) < end:
                    return None
                packet = self.buffer[0], self.buffer[i + 1:end]
                self.buffer = self.buffer[end:]
                return packet
        raise ValueError("not a packet")

    def send_all(self, messages, again_s=3.0, patience_s=120.0, on_sent=lambda: None):
        """Until every message has its answer. on_sent is called once, after the first round was published."""
        deadline = time.monotonic() + patience_s
        self.answers = {}
        told = False
        while True:
            try:
                self.connect()
                while True:
                    waiting = [m for m in messages if m["key"] not in self.answers]
                    if not waiting:
                        return self.answers
                    for message in waiting:
                        self.publish(message)
                    if not told:
                        told = True
                        on_sent()
                    until = time.monotonic() + again_s
                    while time.monotonic() < until and any(m["key"] not in self.answers for m in messages):
                        self.listen()
                    if time.monotonic() > deadline:
                        raise AssertionError(f"no answer to {len(waiting)} messages")
            except (ConnectionError, OSError) as error:
                if time.monotonic() > deadline:
                    raise AssertionError(f"the broker does not answer: {error}") from None
                time.sleep(0.2)


def text(value):
    data = value.encode()
    return struct.pack(">H", len(data)) + data


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, what, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("waited in vain for " + what)
        time.sleep(0.02)


def first_difference(found, wanted):
    for i, (a, b) in enumerate(zip(found, wanted)):
        if a != b:
            return f"at {i}: {str(a)[:400]} instead of {str(b)[:400]}"
    return "one is longer"


def count(verdicts, word):
    return sum(channel.count(word) for channel in verdicts)
