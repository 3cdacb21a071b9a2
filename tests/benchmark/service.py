"""What the service sustains: durable results a second over HTTP, over TLS beside it, with slow clients beside them, while a model
is trained, as whole tables, and with a million results.

    python3 tests/benchmark/service.py --bin build/release/bin [--seconds 10] [--only-tls]

--only-tls: plain HTTP and TLS in turn, and nothing else.

The loader runs on the same processors as the daemon. CPU time of the daemon is given for each result, since wall time depends
on what else the machine does.
"""
import argparse
import collections
import http.client
import json
import os
import resource
import shutil
import signal
import ssl
import statistics
import subprocess
import tempfile
import threading
import time

CAMPAIGN = """format = 1
name = "load"
[[targets]]
name = "C2_yield"
unit = "%"
goal = "maximize"
[[space]]
kind = "slots"
slots = 3
elements = ["Li", "K", "Mn", "Na", "W", "Ba", "Ca", "Ce", "Co", "Cs"]
none = true
repetition = true
supports = ["MgO"]
[model]
hypotheses = 20
order = 1
[planner]
batch = 8
[retrain]
when = "by_hand"
"""


class Service:
    def __init__(self, bin_folder, tls=False):
        self.bin = bin_folder
        self.rows = 0  # delivered so far
        self.folder = tempfile.mkdtemp(prefix="kasetsu-service-")
        self.tls = self.certificate() if tls else None
        self.start()

    def certificate(self):
        """Of this run's own; the daemon's configuration names it. Returns the client's context."""
        certificate, key, config = (os.path.join(self.folder, name) for name in ("cert.pem", "key.pem", "tls.toml"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                        "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                       check=True, capture_output=True)
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"[tls]\ncertificate_file = \"{certificate}\"\nkey_file = \"{key}\"\n")
        return ssl.create_default_context(cafile=certificate)

    def start(self):
        port_file = os.path.join(self.folder, "port")
        if os.path.exists(port_file):
            os.unlink(port_file)
        begin = time.monotonic()
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(self.bin, "kasetsud"), "--data-dir", os.path.join(self.folder, "data"), "--listen",
                 "127.0.0.1:0", "--port-file", port_file, "--threads", "1",
                 *(["--config", os.path.join(self.folder, "tls.toml")] if self.tls else [])], stdout=log, stderr=log)
        while not (os.path.exists(port_file) and os.path.getsize(port_file)):
            if self.process.poll() is not None:
                raise SystemExit("the daemon ended at its start")
            time.sleep(0.002)
        with open(port_file, encoding="utf-8") as file:
            self.port = int(file.read())
        return time.monotonic() - begin

    def stop(self):
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=120)

    def ask(self, method, path, body=None, content_type="application/json"):
        if self.tls:
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=600, context=self.tls)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        connection.request(method, path, body=body, headers={"Content-Type": content_type} if body else {})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status >= 300:
            raise SystemExit(f"{path}: {answer.status}: {text[:300]!r}")
        return json.loads(text)

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def load(self, *arguments):
        before = self.cpu_seconds()
        done = subprocess.run([os.path.join(self.bin, "http_load"), "--port", str(self.port), "--campaign", "load",
                               "--tls", "1" if self.tls else "0", *arguments],
                              stdout=subprocess.PIPE, check=True)
        found = json.loads(done.stdout)
        count = found.get("acknowledged") or found["csv_rows"]
        found["cpu_us"] = 1e6 * (self.cpu_seconds() - before) / count
        self.rows += count
        return found


def say(what, found, wanted):
    if "csv_rows" in found:
        figures = f"{found['rows_per_second']:.0f} rows/s"
    else:
        figures = f"{found['per_second']:.0f} results/s, p50 {found['p50_ms']:.1f} ms, p99 {found['p99_ms']:.1f} ms"
    print(f"{what:32} {figures}; {found['cpu_us']:.1f} us of the daemon's CPU each (wanted: {wanted})", flush=True)


def beside_tls(bin_folder, seconds):
    """Plain HTTP and TLS in turn, so that what else the machine does meets both."""
    services = {"plain HTTP": Service(bin_folder), "TLS": Service(bin_folder, tls=True)}
    found = {name: [] for name in services}
    try:
        for service in services.values():
            service.ask("POST", "/v1/campaigns", CAMPAIGN.encode(), "application/toml")
        for _ in range(3):
            for name, service in services.items():
                found[name].append(service.load("--seconds", seconds))
                say(f"32 clients over {name}", found[name][-1], "-")
    finally:
        for service in services.values():
            service.stop()
            shutil.rmtree(service.folder, ignore_errors=True)
    share = {what: [statistics.median(run[what] for run in found[name]) for name in ("TLS", "plain HTTP")]
             for what in ("per_second", "cpu_us")}
    print(f"TLS beside plain HTTP (medians): {share['per_second'][0] / share['per_second'][1]:.2f} of the durable results a second "
          f"(wanted: at least 0.5), {share['cpu_us'][0] / share['cpu_us'][1]:.2f} times the daemon's CPU each", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--bin", required=True)
    parser.add_argument("--data", help="not used")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--only-tls", action="store_true")
    args = parser.parse_args()
    if args.only_tls:
        beside_tls(args.bin, str(args.seconds))
        return
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit[1], 8192), limit[1]))
    seconds = str(args.seconds)
    service = Service(args.bin)
    try:
        service.ask("POST", "/v1/campaigns", CAMPAIGN.encode(), "application/toml")
        say("32 clients, single rows", service.load("--seconds", seconds), "20,000/s, p99 < 25 ms")
        say("beside 1,000 slow clients", service.load("--seconds", seconds, "--slow", "1000"), "p99 < 100 ms")
        say("8 clients, single rows", service.load("--seconds", seconds, "--clients", "8"), "-")

        # Something to learn: single rows are all of one catalyst.
        service.load("--seconds", "0.1", "--csv", "5000")
        job = service.ask("POST", "/v1/campaigns/load:retrain", b"{}")["job"]["id"]
        looks, stages = 0, collections.Counter()

        def train_on():
            nonlocal job, looks
            while not ended.is_set():
                found = service.ask("GET", f"/v1/jobs/{job}")
                looks += 1
                if found["state"] == "RUNNING":
                    stages[found["stage"] or "reading"] += 1
                elif found["state"] == "COMPLETED":
                    job = service.ask("POST", "/v1/campaigns/load:retrain", b"{}")["job"]["id"]
                elif found["state"] != "SCHEDULED":
                    wrong.append(found)
                    return
                time.sleep(0.05)

        ended, wrong = threading.Event(), []
        thread = threading.Thread(target=train_on)
        thread.start()
        found = service.load("--seconds", seconds, "--clients", "8")
        ended.set()
        thread.join()
        if wrong or not stages:
            raise SystemExit(f"no training: {wrong or job}")
        say("while training", found, "p99 < 50 ms")
        print(f"  it ran at {sum(stages.values())} of {looks} looks: " + ", ".join(f"{s} {n}" for s, n in stages.most_common()),
              flush=True)
        service.ask("POST", f"/v1/jobs/{job}:cancel", b"{}")
        while service.ask("GET", f"/v1/jobs/{job}")["state"] in ("SCHEDULED", "RUNNING"):
            time.sleep(0.01)

        say("tables of 50,000 rows", service.load("--seconds", seconds, "--csv", "50000"), "200,000 rows/s")
        while service.rows < 1_000_000:
            service.load("--seconds", "1", "--csv", "50000")
        pages = {}
        for where, after in (("first", 0), ("near the end", service.rows - 2000)):
            times = []
            for _ in range(5):
                begin = time.monotonic()
                page = service.ask("GET", f"/v1/campaigns/load/measurements?limit=1000&page_token={after}")
                times.append(time.monotonic() - begin)
                if len(page["measurements"]) != 1000:
                    raise SystemExit(f"{len(page['measurements'])} measurements on a page of 1,000")
            pages[where] = statistics.median(times)
        counted = service.ask("GET", "/v1/campaigns/load")["measurements"]
        if counted != service.rows:
            raise SystemExit(f"{service.rows} rows were acknowledged, {counted} counted")
        print(f"{service.rows} results: a page of 1,000: " +
              ", ".join(f"{where} {1e3 * took:.1f} ms" for where, took in pages.items()), flush=True)
        say("  single rows then", service.load("--seconds", seconds), "as before")
        say("  tables then", service.load("--seconds", seconds, "--csv", "50000"), "as before")
        service.stop()
        print(f"  start-up {service.start():.3f} s (wanted: < 1 s)", flush=True)
        service.stop()
        beside_tls(args.bin, seconds)
    finally:
        service.stop()
        shutil.rmtree(service.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
