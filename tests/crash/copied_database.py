"""Copies of a database as a kill left it: whether they are whole, by the statements of another language than the daemon's."""
import collections
import os
import shutil
import sqlite3

from old_database import conditions_hash


class Failed(Exception):
    """A promise was broken."""


def snapshot(folder):
    """A copy of the database as a kill left it, opened (which recovers its write-ahead log)."""
    copy = os.path.join(folder, "copy")
    shutil.rmtree(copy, ignore_errors=True)
    os.mkdir(copy)
    for suffix in ("", "-wal"):
        name = os.path.join(folder, "data", "kasetsu.db" + suffix)
        if os.path.exists(name):
            shutil.copyfile(name, os.path.join(copy, "kasetsu.db" + suffix))
    return sqlite3.connect(os.path.join(copy, "kasetsu.db"))


def check_whole(connection):
    problems = [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
    problems += [str(row) for row in connection.execute("PRAGMA foreign_key_check")]
    if problems:
        raise Failed(f"the database is damaged: {problems[:5]}")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version >= 5:
        check_lists(connection, version)


def check_lists(connection, version):
    """Every measurement is once among its replicates and counted by its campaign."""
    there = {seq: tuple(rest) for seq, *rest in connection.execute(
        "SELECT m.seq, m.campaign, m.catalyst, m.property, r.conditions FROM measurements m JOIN runs r ON r.seq = m.run")}
    listed = {}
    for catalyst, name, number, first, more in connection.execute("SELECT * FROM replicates"):
        members, last, shift, step = [first], first, 0, 0
        for byte in more:
            step |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                last += step
                members.append(last)
                shift = step = 0
        for member in members:
            if member in listed:
                raise Failed(f"measurement {member} is among replicates twice")
            listed[member] = (catalyst, name, number)
    expected = {seq: (catalyst, name, conditions_hash(conditions)) for seq, (_, catalyst, name, conditions) in there.items()}
    if listed != expected:
        raise Failed(f"replicates: {len(listed)} listed, {len(expected)} there")
    if version < 6:
        return
    counted = dict(connection.execute("SELECT key, measurements FROM campaigns"))
    found = collections.Counter(rest[0] for rest in there.values())
    if counted != {key: found[key] for key in counted}:
        raise Failed(f"campaigns count {counted} measurements, {dict(found)} are there")
