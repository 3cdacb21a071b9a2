"""The doors through which a case goes, and what is there afterwards. Standard library only."""
import json
import os
import pathlib
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

SOURCE = pathlib.Path(os.environ["KASETSU_SOURCE"])
sys.path.insert(0, str(SOURCE / "tests" / "daemon" / "cli"))
sys.path.insert(0, str(SOURCE / "drivers" / "client"))
from kasetsu_client import Client, Refused  # noqa: E402
from program import DaemonTest, PATIENCE  # noqa: E402

sys.path.insert(0, str(SOURCE / "tests" / "drivers" / "doors"))
_words = sys.argv[1:]
sys.argv[1:] = [str(SOURCE), str(pathlib.Path(os.environ["KASETSUD"]).parent)]
import lab  # noqa: E402
sys.argv[1:] = _words

CAMPAIGN = """
format = 1
name = "NAME"

[[targets]]
name = "C2_yield"
unit = "%"
goal = "maximize"

[[space]]
kind = "slots"
slots = 3
none = true
repetition = true
elements = ["Ba", "Ca", "Ce", "Co", "Cs", "Cu", "Fe", "K", "La", "Li", "Mg", "Mn", "Mo", "Na", "Ni", "Pd", "Sr", "V", "W",
            "Y", "Zn", "Zr"]
supports = ["Al2O3", "MgO", "SiO2", "TiO2"]
CONDITIONS
[planner]
batch = 4

[retrain]
when = "by_hand"
"""
TEMPERATURES = '\n[conditions]\ntemperature_C = [700, 800]\n'

# Prints the deliveries of a folder and waits for the answer to each, as the exec door wants it.
PROGRAM = """
import json, os, sys
folder = sys.argv[1]
for name in sorted(os.listdir(folder)):
    if not name.endswith(".json"):
        continue
    path = os.path.join(folder, name)
    with open(path, encoding="utf-8") as file:
        print(json.dumps(json.load(file)), flush=True)
    answer = sys.stdin.readline()
    with open(path[:-5] + ".answer", "w", encoding="utf-8") as file:
        file.write(answer)
    os.unlink(path)
"""


def wait_for(condition, what, seconds=30):
    deadline = time.monotonic() + seconds * PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("waited in vain for " + what)
        time.sleep(0.05)


class Laboratory(DaemonTest):
    """One daemon with the doors of `drivers`; campaigns are applied as they are wanted."""

    def open(self, drivers="", broker=False):
        """broker: with the door of an MQTT broker of its own."""
        if broker:
            self.broker = lab.Broker(str(self.folder))
            self.addCleanup(self.broker.end)
            drivers += (f'\n[drivers.broker]\nkind = "mqtt"\nhost = "127.0.0.1"\nport = {self.broker.port}\n'
                        'base = "lab/v1/site/room"\n')
        program = self.file("program.py", PROGRAM)
        self.deliveries = self.folder / "deliveries"
        self.deliveries.mkdir()
        config = self.folder / "kasetsud.toml"
        config.write_text(f'[drivers.program]\nkind = "exec"\nevery_s = 0.2\n'
                          f'command = ["{sys.executable}", "{program}", "{self.deliveries}"]\n' + drivers, encoding="utf-8")
        _, self.url = self.start("--config", str(config))
        self.client = Client(self.url, patience_s=5)
        if broker:
            wait_for(lambda: self.ask("GET", "/v1/drivers/broker")[1].get("state") == "RUNNING", "the driver to be connected")
            self.publisher = lab.Publisher(self.broker.port)
            self.addCleanup(self.publisher.close)
            self.publisher.connect()

    def apply(self, name, conditions=""):
        text = CAMPAIGN.replace("NAME", name).replace("CONDITIONS", conditions)
        self.ask("POST", "/v1/campaigns", text.encode(), "application/toml")

    def ask(self, method, path, body=None, content_type="application/json"):
        """Status and JSON of any answer."""
        request = urllib.request.Request(self.url + path, data=body, method=method)
        if body is not None:
            request.add_header("Content-Type", content_type)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def live(self, campaign):
        """(key, value, conditions) of every measurement that is learnt from."""
        _, page = self.ask("GET", f"/v1/campaigns/{campaign}/measurements?live=true&limit=1000")
        return sorted((m["catalyst"]["key"], m["value"], tuple(sorted(m["conditions"].items())))
                      for m in page["measurements"] if not m["excluded"])

    def reasons(self, campaign):
        _, page = self.ask("GET", f"/v1/campaigns/{campaign}/quarantine?state=waiting&limit=100")
        return [row["reason"] for row in page["quarantine"]]

    # Tables: each door returns what it told its sender.

    def table_http(self, campaign, text, **options):
        query = urllib.parse.urlencode({**options, **{name: ",".join(f'"{v}"' for v in value)
                                                      for name, value in options.items() if isinstance(value, list)}})
        _, answer = self.ask("POST", f"/v1/campaigns/{campaign}/measurements?{query}", text, "text/csv")
        return json.dumps(answer, ensure_ascii=False)

    def table_cli(self, campaign, text, **options):
        file = self.file("case.csv", text)
        words = []
        for name, value in options.items():
            if value == "true":
                words.append("--" + name)
                continue
            for one in value if isinstance(value, list) else [value]:
                words += ["--" + name.replace("_", "-"), one]
        done = self.run_program("results", "import", campaign, file, "--url", self.url, *words)
        return done.stdout + done.stderr

    def table_folder(self, campaign, text, **_):
        """The options stand in the driver's part of the daemon's file."""
        place = self.folder / campaign
        file = place / "inbox" / "case.csv"
        partial = place / "inbox" / "case.csv.part"
        partial.write_bytes(text)
        partial.rename(file)
        wait_for(lambda: not file.exists() and not list((place / "work").iterdir()), "the folder")
        return "\n".join(path.read_text(encoding="utf-8") for path in sorted((place / "quarantine").glob("*.json")))

    @staticmethod
    def folder_driver(folder, campaign, options):
        told = "".join(f"{name} = {json.dumps(True if value == 'true' else value)}\n" for name, value in options.items())
        return (f'\n[drivers.{campaign}]\nkind = "folder"\ncampaign = "{campaign}"\npath = "{folder / campaign}"\n'
                f'settle_s = 0.1\nscan_s = 0.2\n{told}')

    # Rows.

    def rows_http(self, campaign, rows):
        _, answer = self.ask("POST", f"/v1/campaigns/{campaign}/measurements", json.dumps({"rows": rows}).encode())
        return json.dumps(answer, ensure_ascii=False)

    def rows_ndjson(self, campaign, rows):
        text = "".join(json.dumps(row) + "\n" for row in rows).encode()
        _, answer = self.ask("POST", f"/v1/campaigns/{campaign}/measurements", text, "application/x-ndjson")
        return json.dumps(answer, ensure_ascii=False)

    def rows_cli(self, campaign, rows):
        done = self.run_program("results", "import", campaign, self.file("case.json", json.dumps({"rows": rows})),
                                "--url", self.url)
        return done.stdout + done.stderr

    def rows_client(self, campaign, rows):
        try:
            return json.dumps(self.client.post_measurements(campaign, "", "", rows), ensure_ascii=False)
        except Refused as error:
            return str(error)

    def rows_mqtt(self, campaign, rows, **members):
        """json.dumps writes what robots write, NaN too."""
        key = f"{campaign}-{self.publisher.packet}"
        delivery = {"campaign": campaign, "key": key, "rows": rows, **members}

        def answered():
            self.publisher.publish(delivery)
            for _ in range(5):
                self.publisher.listen()
                if key in self.publisher.answers:
                    return True
            return False
        wait_for(answered, "the broker's answer")
        return json.dumps(self.publisher.answers[key], ensure_ascii=False)

    def rows_exec(self, campaign, rows, **members):
        """key: of the delivery, where it is not the campaign's only one."""
        key = members.pop("key", campaign)
        partial = self.deliveries / f"{key}.part"
        partial.write_text(json.dumps({"campaign": campaign, "key": key, "rows": rows, **members}), encoding="utf-8")
        partial.rename(self.deliveries / f"{key}.json")
        answer = self.deliveries / f"{key}.answer"
        wait_for(answer.exists, "the program's answer")
        return answer.read_text(encoding="utf-8")
