"""kasetsu retrain --all --if-new, the program, as cron starts it against the real daemon, both under a clock that the test turns
(libfaketime): sixty nights at a place with two changes of the offset. What should have been retrained is known from what was
posted, and when cron starts from the time zone database as Python reads it."""
import datetime
import json
import os
import pathlib
import random
import re
import subprocess
import time
import unittest
import urllib.request
import zoneinfo

from program import KASETSU, DaemonTest

CAMPAIGN = """format = 1
name = "{name}"
[[targets]]
name = "Y"
unit = "%"
goal = "maximize"
[[space]]
kind = "slots"
slots = 2
none = true
repetition = true
elements = ["Li", "Na", "K", "Mg", "Ca", "Mn", "Fe", "Co", "Ni", "Zn"]
supports = ["MgO", "SiO2"]
[model]
size = 2
order = 0
hypotheses = {hypotheses}
work = 1000000
[planner]
batch = 2
[planner.mix]
random = 2
[retrain]
when = "by_hand"
"""
ELEMENTS = ["Li", "Na", "K", "Mg", "Ca", "Mn", "Fe", "Co", "Ni", "Zn"]
NAMES = ["blue", "green", "red"]
# Morocco leaves its time for the month of fasting: 15 February and 22 March 2026.
ZONE = zoneinfo.ZoneInfo("Africa/Casablanca")
BEGIN = datetime.datetime(2026, 2, 1, 12, tzinfo=datetime.timezone.utc)
NIGHTS = 60


def library():
    found = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        raise AssertionError("libfaketime is missing: apt-get install faketime")
    return str(found[0])


def cron_starts():
    """Every minute at which the clock on the wall shows 02:30: not at all in the night in which that time is jumped over, twice
    where it comes twice (as simple crons do)."""
    moment, end = BEGIN, BEGIN + datetime.timedelta(days=NIGHTS)
    while moment < end:
        local = moment.astimezone(ZONE)
        if (local.hour, local.minute) == (2, 30):
            yield moment
        moment += datetime.timedelta(minutes=1)


class Nights(DaemonTest):
    def setUp(self):
        super().setUp()
        self.clock = self.folder / "clock"
        self.set_clock(BEGIN)
        self.changed = {"LD_PRELOAD": library(), "FAKETIME_TIMESTAMP_FILE": str(self.clock), "FAKETIME_NO_CACHE": "1",
                        "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1", "TZ": "UTC",
                        "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        before = {name: os.environ.get(name) for name in [*self.changed, "KASETSU_URL"]}
        self.addCleanup(self.restore, before)
        self.random = random.Random(11)
        self.rows = {name: 0 for name in NAMES}

    @staticmethod
    def restore(before):
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value

    def set_clock(self, moment):
        temporary = self.folder / "clock.new"
        temporary.write_text(f"{moment.timestamp() - time.time():+.6f}\n")
        temporary.rename(self.clock)

    def start(self, *extra):
        os.environ.update(self.changed)
        process, os.environ["KASETSU_URL"] = super().start(*extra)
        return process

    def stop(self, process):
        self.end(process)
        self.assertEqual(process.returncode, 0, (self.folder / "log").read_text())

    def post(self, name, count, file="new.csv"):
        """Results that were not there before; the text of the file."""
        text = "M1,M2,Support,Y,run,channel\n"
        for i in range(self.rows[name], self.rows[name] + count):
            a, b, silica = i % 10, (i * 7 + 3) % 10, i % 3 == 1
            value = 3 + 0.8 * a + 0.5 * b + 2 * silica + self.random.random()
            text += f"{ELEMENTS[a]},{ELEMENTS[b]},{'SiO2' if silica else 'MgO'},{value:.6f},r{i},1\n"
        self.rows[name] += count
        self.ok("results", "import", name, self.file(file, text))
        return text

    def cron(self, *extra):
        return subprocess.Popen([KASETSU, "retrain", "--all", "--if-new", "--wait", *extra], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, cwd=self.folder)

    def end_of(self, process):
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def models(self, name):
        """Number of models, and of the rows that the newest was made of."""
        known = json.load(urllib.request.urlopen(f"{os.environ['KASETSU_URL']}/v1/campaigns/{name}/models", timeout=30))["models"]
        return len(known), max((model["rows"] for model in known), default=0)

    def test_sixty_nights(self):
        process = self.start()
        for name in NAMES:
            self.ok("campaign", "apply", self.file(f"{name}.toml", CAMPAIGN.format(name=name, hypotheses=3)))
        self.ok("campaign", "apply", self.file("empty.toml", CAMPAIGN.format(name="empty", hypotheses=3)))
        news = {name: False for name in NAMES}
        made = {name: 0 for name in NAMES}
        paused = set()
        seen = {what: 0 for what in ("missed", "wrong clock", "two at once", "too short", "again", "undone", "edited", "paused",
                                     "nothing new", "retrained", "twice in a night")}
        kept = []  # files that were delivered
        hypotheses = 3
        starts = list(cron_starts())
        dates = [moment.astimezone(ZONE).date() for moment in starts]
        self.assertEqual((len(starts), len(set(dates))), (NIGHTS, NIGHTS - 1))  # one night without, one with two
        self.assertEqual(len({moment.astimezone(ZONE).utcoffset() for moment in starts}), 2)
        for night, moment in enumerate(starts):
            with self.subTest(night=night, moment=str(moment)):
                seen["twice in a night"] += night > 0 and dates[night] == dates[night - 1]
                if self.random.random() < 0.15:  # the machine was off
                    seen["missed"] += 1
                    self.stop(process)
                    process = self.start()
                    continue
                # In the day before; now and then the clock is wrong by years, as after a flat battery, and stays so over night.
                day = moment - datetime.timedelta(hours=self.random.uniform(0.1, 14))
                wrong = self.random.random() < 0.15
                if wrong:
                    off = datetime.timedelta(days=self.random.choice([-7000, -400, -1.2, 900]))
                    day, moment = day + off, moment + off
                    seen["wrong clock"] += 1
                self.set_clock(day)
                for name in NAMES:
                    if self.random.random() < 0.3 or self.rows[name] == 0:
                        kept.append((name, self.post(name, 8 if self.rows[name] == 0 else self.random.randint(1, 3))))
                        news[name] = True
                if self.random.random() < 0.2:  # a file that is known already
                    name, text = self.random.choice(kept)
                    self.ok("results", "import", name, self.file("again.csv", text))
                    seen["again"] += 1
                if self.random.random() < 0.2:  # taken out and put back: what is learnt from stays the same
                    name = self.random.choice(NAMES)
                    first = self.json("results", "export", name)["measurements"][0]["id"]
                    self.ok("results", "exclude", first, "--reason", "to be looked at")
                    self.ok("results", "include", first, "--reason", "was fine")
                    seen["undone"] += 1
                if self.random.random() < 0.1:  # another version of the campaign's file asks for another model
                    name = self.random.choice(sorted(set(NAMES) - paused))
                    hypotheses = 7 - hypotheses
                    text = CAMPAIGN.format(name=name, hypotheses=hypotheses)
                    answer = self.ok("campaign", "apply", self.file(f"{name}.toml", text)).stdout
                    news[name] |= "unchanged" not in answer
                    seen["edited"] += 1
                if self.random.random() < 0.15:
                    name = self.random.choice(NAMES)
                    if name in paused:
                        self.ok("campaign", "resume", name)
                        paused.remove(name)
                    elif len(paused) < 2:
                        self.ok("campaign", "pause", name, "--reason", "furnace is being mended")
                        paused.add(name)
                        seen["paused"] += 1
                self.set_clock(moment)
                active = [name for name in NAMES if name not in paused]
                due = [name for name in active if news[name]]
                two = self.random.random() < 0.2
                short = not two and bool(due) and self.random.random() < 0.1
                quiet = self.random.random() < 0.3
                options = ["--quiet"] * quiet + ["--timeout", "0.000001"] * short
                running = [self.cron(*options)]
                if two:  # a second line of the crontab, or somebody at a terminal
                    running.append(self.cron(*options))
                    seen["two at once"] += 1
                ended = [self.end_of(one) for one in running]
                if short:
                    seen["too short"] += 1
                    self.assertEqual(ended[0][0], 75, ended)
                    self.ok("retrain", "--all", "--wait", "--if-new")  # until the jobs are done
                else:
                    for code, out, err in ended:
                        self.assertEqual((code, err if quiet else ""), (0, ""), (out, err))
                        self.assertEqual(len(out.splitlines()), 0 if quiet else len(active) + 1, out)
                if not quiet and not two and not short:
                    expected = sorted([f"{name}: {'retrained' if name in due else 'nothing new'}" for name in active] +
                                      ["empty: nothing new"])
                    self.assertEqual(sorted(ended[0][1].splitlines()), expected)
                for name in NAMES:
                    if name in due:
                        made[name] += 1
                        news[name] = False
                        seen["retrained"] += 1
                    else:
                        seen["nothing new"] += name in active
                    count, rows = self.models(name)
                    self.assertEqual(count, made[name], name)
                    if name in due:
                        self.assertEqual(rows, self.rows[name], name)
        self.assertTrue(all(count > 0 for count in seen.values()), seen)
        self.stop(process)
        log = (self.folder / "log").read_text()
        self.assertIsNone(re.search(r'"level":"(error|critical)"', log), log[-2000:])


if __name__ == "__main__":
    unittest.main()
