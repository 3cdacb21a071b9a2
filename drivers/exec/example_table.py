"""An example of a program for the exec driver: sends the tables of a folder, one delivery a channel, and keeps each until
the daemon has answered. In place of read_table, a script would ask yadg, a SiLA 2 or OPC UA server, EPICS or pyvisa.

    [drivers.gas-analyser]
    kind = "exec"
    campaign = "ocm"
    command = ["/usr/bin/python3", "/opt/lab/example_table.py", "/srv/lab/tables"]

A table has columns M1, M2, M3, Support, channel, sequence, replicate, then temperature_C and other columns that begin with
"condition " and "value ". Python 3.9 or newer, standard library only.

The rules of such a program: one JSON object a line on standard output, flushed; a "key" that is the same when the delivery
comes again; an answer with that key on standard input says "ok" (it is on the daemon's disk) or "refused" (for good, with
the reason). Whatever has no answer when the program starts again is sent again: the same delivery twice has one effect.
"""
import csv
import json
import os
import sys


def read_table(path):
    """One delivery a channel."""
    channels = {}
    with open(path, newline="", encoding="utf-8") as file:
        for record in csv.DictReader(file):
            row = {
                "catalyst": {"slots": [record[m] for m in ("M1", "M2", "M3")], "support": record["Support"]},
                "channel": record["channel"],
                "sequence": int(record["sequence"]),
                "replicate": int(record["replicate"]),
                "conditions": {}, "values": {},
            }
            if record.get("sample"):
                row["sample"] = record["sample"]
            for name, cell in record.items():
                if cell == "":
                    continue
                for kind, member in (("condition ", "conditions"), ("value ", "values")):
                    if name.startswith(kind):
                        # What is no number goes out as it is: the daemon says what is wrong with it.
                        try:
                            row[member][name[len(kind):]] = float(cell)
                        except ValueError:
                            row[member][name[len(kind):]] = cell
            channels.setdefault(record["channel"], []).append(row)
    run = os.path.splitext(os.path.basename(path))[0]
    for channel, rows in channels.items():
        yield {"key": f"rig-1/{run}/{channel}", "source": "rig-1", "run": run, "rows": rows}


def main():
    folder = sys.argv[1]
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".csv"):
            continue
        path = os.path.join(folder, name)
        refused = []
        for delivery in read_table(path):
            print(json.dumps(delivery), flush=True)
            if os.environ.get("KASETSU_DRY_RUN"):
                continue  # a dry run answers nothing
            answer = json.loads(sys.stdin.readline())
            if answer["key"] != delivery["key"]:
                raise SystemExit(f"an answer to {answer['key']} where {delivery['key']} was sent")
            if answer["status"] != "ok":
                refused.append(answer["reason"])
                print(f"{name}: refused: {answer['reason']}", file=sys.stderr)
        # Every delivery is answered: the table is done with.
        if not os.environ.get("KASETSU_DRY_RUN"):
            os.rename(path, path + (".refused" if refused else ".sent"))


if __name__ == "__main__":
    main()
