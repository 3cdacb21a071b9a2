"""The main job, end to end: a daemon on a temporary folder, a campaign, and a simulated laboratory.

Run by ./dev demo. Applies a campaign, measures batch after batch of what the daemon proposes, and prints what was found
and what the model thinks. With --data the laboratory answers from a measured table, whose rows are the candidates.
"""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import virtual_lab
from kasetsu_client import Client

ROOT = os.path.dirname(os.path.dirname(virtual_lab.HERE))


class Daemon:
    """kasetsud on a temporary folder and a free port of the loopback interface."""

    def __init__(self, program, folder, threads):
        self.folder = folder
        port_file = os.path.join(folder, "port")
        self.log = open(os.path.join(folder, "kasetsud.log"), "w", encoding="utf-8")
        self.process = subprocess.Popen(
            [program, "--data-dir", os.path.join(folder, "data"), "--listen", "127.0.0.1:0", "--port-file", port_file,
             "--threads", str(threads)],
            stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True)
        for _ in range(600):
            if self.process.poll() is not None:
                raise SystemExit("the daemon did not start:\n" + self.tail())
            if os.path.exists(port_file) and os.path.getsize(port_file):
                with open(port_file, encoding="utf-8") as file:
                    self.url = f"http://127.0.0.1:{int(file.read())}"
                return
            time.sleep(0.05)
        self.stop()
        raise SystemExit("the daemon did not listen within 30 s:\n" + self.tail())

    def tail(self):
        self.log.flush()
        with open(self.log.name, encoding="utf-8") as file:
            return "".join(file.readlines()[-20:])

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


class Progress:
    """One line on the terminal that is overwritten; nothing where stderr is no terminal."""

    def __init__(self):
        self.shown = False
        self.live = sys.stderr.isatty()

    def show(self, text):
        if self.live:
            sys.stderr.write("\r\x1b[K" + text[:100])
            sys.stderr.flush()
            self.shown = True

    def clear(self):
        if self.shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self.shown = False


def with_batch_size(text, size):
    """The campaign with another batch size; the numbers of its mix become shares."""
    usual = int(re.search(r"^batch = (\d+)$", text, re.M).group(1))
    if size == usual:
        return text
    before, heading, mix = text.partition("[planner.mix]")
    lines, blank, rest = mix.partition("\n\n")
    lines = re.sub(r"= (\d+)$", lambda m: f"= {int(m.group(1)) / usual:.6g}", lines, flags=re.M)
    return re.sub(r"^batch = \d+$", f"batch = {size}", before, flags=re.M) + heading + lines + blank + rest


def unit_of(table):
    return "%" if "%" in table.column else ""


def campaign_of_table(table, file, goal, threshold, batch_size):
    """A campaign file whose candidates are the table's rows."""
    keys = ",\n  ".join(f'"{key}"' for key in table.values)
    hit = f"hit_threshold = {threshold:g}\n" if threshold is not None else ""
    return f"""# The rows of {os.path.basename(file)} as candidates, made by the demonstration.
format = 1
name = "demo-table"

[[targets]]
name = "{table.property}"
unit = "{unit_of(table)}"
goal = "{goal}"
{hit}
[[space]]
kind = "list"
catalysts = [
  {keys}
]

[planner]
batch = {batch_size}

[planner.mix]
exploit = 0.5
explore = 0.3
challenge = 0.2

[retrain]
when = "every_batch"
"""


def wait_for_batch(client, campaign, since, progress):
    """Waits until the daemon has learnt and planned on its own; returns (model summary, proposals)."""
    started = time.monotonic()
    while True:
        proposals = client.proposals(campaign)
        models = client.models(campaign)
        version = max((m["version"] for m in models), default=0)
        if proposals and version > since:
            progress.clear()
            return max(models, key=lambda m: m["version"]), proposals, time.monotonic() - started
        jobs = [j for j in client.jobs() if j["state"] in ("SCHEDULED", "RUNNING")]
        failed = [j for j in client.jobs() if j["state"] == "FAILED"]
        if failed and not jobs:
            raise SystemExit(f"a job failed: {failed[-1].get('error')}")
        for job in jobs[:1]:
            progress.show(f"  {job['kind']}: {100 * job.get('progress', 0):3.0f} % {job.get('stage', '')}")
        time.sleep(0.1)


def number(value, digits=2):
    return "-" if value is None else f"{value:.{digits}f}"


def show_proposals(proposals, unit, each=2):
    """The first few of each strategy."""
    counts = {}
    for proposal in proposals:
        counts[proposal["strategy"]] = counts.get(proposal["strategy"], 0) + 1
    print(f"  next: {len(proposals)} proposals ({', '.join(f'{n} {s}' for s, n in counts.items())})")
    shown = {}
    for proposal in proposals:
        shown[proposal["strategy"]] = shown.get(proposal["strategy"], 0) + 1
        if shown[proposal["strategy"]] > each:
            continue
        interval = ""
        if proposal.get("mean") is not None:
            interval = f"{proposal['mean']:6.2f} ({number(proposal.get('low'))} to {number(proposal.get('high'))}) {unit}"
        print(f"    {proposal['strategy']:9} {proposal['catalyst']['description']:28} {interval}")


def run(args, folder):
    goal_sign = 1
    threshold = 15.0
    unit = "%"
    if args.data:
        laboratory = virtual_lab.MeasuredTable(args.data, args.target)
        values = sorted(v for values in laboratory.values.values() for v in values)
        if args.goal == "minimize":
            goal_sign = -1
            threshold = values[len(values) // 20]
        elif args.threshold is None:
            threshold = 15.0 if values[-1] > 15.0 and "C2" in laboratory.column else values[-(len(values) // 20) - 1]
        if args.threshold is not None:
            threshold = args.threshold
        text = campaign_of_table(laboratory, args.data, args.goal, threshold, args.batch_size)
        unit = unit_of(laboratory)
        print(f"Laboratory: answers from {args.data}, {len(laboratory.values)} catalysts; {laboratory.column}, {args.goal}.")
    else:
        laboratory = virtual_lab.Twin(args.seed)
        with open(os.path.join(ROOT, "config", "campaigns", "ocm.toml"), encoding="utf-8") as file:
            text = with_batch_size(file.read(), args.batch_size)
        print("Laboratory: the twin of a methane-coupling rig (drivers/virtual_lab/twin_ocm.json), 20 channels.")
    name = re.search(r'^name\s*=\s*"([^"]+)"', text, re.M).group(1)

    daemon = Daemon(os.path.join(args.bin, "kasetsud"), folder, args.threads)
    progress = Progress()
    try:
        client = Client(daemon.url, client="virtual-lab", spool=os.path.join(folder, "spool"))
        client.apply_campaign(text)
        print(f"Daemon: {daemon.url}; campaign \"{name}\" applied; hits are values {'above' if goal_sign > 0 else 'below'} {threshold:g} {unit}.")
        rig = virtual_lab.Rig(client, name, laboratory)
        client.recommend(name, args.batch_size)
        proposals = virtual_lab.wait_for_proposals(client, name, 1, tick=lambda: progress.show("  first batch"))
        progress.clear()
        version, seen, hits, best = 0, 0, 0, None
        for batch in range(1, args.batches + 1):
            results = rig.batch(proposals[:args.batch_size])
            seen += len(results)
            for proposal, value in results:
                hits += goal_sign * value > goal_sign * threshold
                if best is None or goal_sign * value > goal_sign * best[0]:
                    best = (value, proposal["catalyst"]["description"])
            errors = [abs(value - p["mean"]) for p, value in results if p.get("mean") is not None]
            model, proposals, seconds = wait_for_batch(client, name, version, progress)
            version = model["version"]
            blind = f"{sum(errors) / len(errors):.2f}" if errors else "no model yet"
            print(f"\nBatch {batch}: {seen} measured, best {best[0]:g} {unit} ({best[1]}), {hits} hits")
            honest = model["summary"].get("mae_honest")
            honest = f"{honest:.2f}" if honest is not None else "not known yet"
            print(f"  error on this batch before it was learnt: {blind}; on catalysts held out of learning: {honest}"
                  f" (model {version}, learnt and planned in {seconds:.1f} s)")
            print(f"  leave-one-out error now: {model['mae_cv']:.2f}, optimistic: the descriptors were chosen by it")
            print("  best hypothesis:")
            for words in model["summary"]["best_in_words"]:
                print(f"    - {words}")
            show_proposals(proposals, unit)
        print(f"\n{seen} measurements; best {best[0]:g} {unit}: {best[1]}.")
        if not args.data:
            print(f"The twin's truth for it, without noise: {laboratory.truth(best_key(rig, best, client, name)):.1f} %.")
    finally:
        daemon.stop()


def best_key(rig, best, client, name):
    found = [p for p in client.proposals(name, state="SUCCEEDED") if p["catalyst"]["description"] == best[1]]
    return found[0]["catalyst"]["key"]


def main():
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__.split("\n\n")[1])
    parser.add_argument("--bin", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--data", help="a measured table instead of the twin")
    parser.add_argument("--target", help="column that is measured (default: the last)")
    parser.add_argument("--goal", choices=("maximize", "minimize"), default="maximize")
    parser.add_argument("--threshold", type=float, help="what counts as a hit")
    parser.add_argument("--batches", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="keep the daemon's folder and say where it is")
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="kasetsu-demo-")
    try:
        run(args, folder)
        return 0
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    finally:
        if args.keep:
            print(f"kept: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
