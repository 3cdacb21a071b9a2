"""Backs the daemon up while results are posted, restores each backup, and counts what is missing.

    python3 tests/crash/backup_loop.py --bin build/release/bin --cycles 100

Every backup must hold each result that was acknowledged before it was asked for, once, and none that was not sent before it
was there; it must pass the integrity check. `kasetsu restore` puts it into a folder of its own, and every tenth time a daemon
is started there and asked for its results.
"""
import argparse
import http.client
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

from kill_loop import BY_HAND, Daemon, Failed, Poster, Robot, campaign, check_whole


def results(path):
    """Values by source, channel and sequence; the file must be whole and hold each once."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        check_whole(connection)
        found = {}
        for source, channel, sequence, value in connection.execute(
                "SELECT r.source, r.channel, r.sequence, m.value FROM measurements m JOIN runs r ON r.seq = m.run"):
            if (source, channel, sequence) in found:
                raise Failed(f"{path} holds {source}, {channel}, {sequence} twice")
            found[(source, channel, sequence)] = value
        rows = sum(row[0] for row in connection.execute("SELECT row_count FROM ingests"))
        if rows != len(found):
            raise Failed(f"{path}: deliveries say {rows} rows, {len(found)} are there")
        return found
    finally:
        connection.close()


def ask(daemon):
    """Results of a running daemon."""
    found, token = {}, ""
    while True:
        page = get(daemon.port, "/v1/campaigns/crash/measurements?limit=10000" + token)
        for m in page["measurements"]:
            found[(m["source"], m["channel"], m["sequence"])] = m["value"]
        if not page["next_page_token"]:
            return found
        token = f"&page_token={page['next_page_token']}"


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def restored_to(args, folder, backup):
    data = os.path.join(folder, "restored")
    shutil.rmtree(data, ignore_errors=True)
    os.mkdir(data)
    subprocess.run([os.path.join(args.bin, "kasetsu"), "restore", backup, "--data-dir", data, "--quiet"], check=True,
                   stdout=subprocess.DEVNULL, timeout=120)
    return os.path.join(data, "kasetsu.db")


def run(args, folder):
    daemon = Daemon(os.path.join(args.bin, "kasetsud"), folder)
    daemon.start()
    posters = []
    try:
        daemon.wait_ready()
        asker = Robot("asker", daemon.port, 0)
        asker.send("/v1/campaigns", campaign("crash", BY_HAND).encode(), "application/toml")
        posters = [Poster(f"poster-{i}", daemon.port, i) for i in range(args.robots)]
        for poster in posters:
            poster.start()
        chance = random.Random(args.seed)
        least = {}
        total = 0
        for cycle in range(args.cycles):
            time.sleep(chance.uniform(0.0, 0.1))
            for poster in posters:
                least.update(dict(poster.acknowledged))
            backup = asker.send("/v1/admin:backup", b"{}")["path"]
            restored = results(restored_to(args, folder, backup))
            lost = [name for name, value in least.items() if restored.get(name) != value]
            if lost:
                raise Failed(f"backup {cycle} lacks {len(lost)} acknowledged results, such as {lost[0]}")
            for poster in posters:
                if poster.trouble:
                    raise Failed(poster.trouble)
            if cycle % 10 == 9 or cycle == args.cycles - 1:
                os.mkdir(os.path.join(folder, "second"))
                shutil.copytree(os.path.join(folder, "restored"), os.path.join(folder, "second", "data"))
                second = Daemon(os.path.join(args.bin, "kasetsud"), os.path.join(folder, "second"))
                second.start()
                try:
                    second.wait_ready()
                    if ask(second) != restored:
                        raise Failed(f"backup {cycle}: a daemon tells other results than the file holds")
                finally:
                    second.stop()
                shutil.rmtree(os.path.join(folder, "second"))
            total = len(restored)
            if not args.quiet and cycle % 10 == 9:
                print(f"  {cycle + 1} cycles, {total} results", flush=True)
        for poster in posters:
            poster.stopping = True
        for poster in posters:
            poster.join(timeout=30)
        daemon.stop()
        kept = len([name for name in os.listdir(os.path.join(folder, "data", "backups")) if name.endswith(".db")])
        print(f"{args.cycles} backups restored under load, the last with {total} results; 0 results missing, 0 doubled, every "
              f"file whole; {kept} backups kept")
        if total == 0 or kept > 14:
            raise Failed(f"{total} results, {kept} backups kept")
    finally:
        for poster in posters:
            poster.stopping = True
        if daemon.process.poll() is None:
            daemon.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--bin", required=True)
    parser.add_argument("--cycles", type=int, default=100)
    parser.add_argument("--robots", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quiet", action="store_true")
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="kasetsu-backup-")
    try:
        run(args, folder)
    except Failed as failure:
        print(f"FAILED: {failure}\nkept for a look: {folder}", file=sys.stderr)
        raise SystemExit(1) from failure
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
