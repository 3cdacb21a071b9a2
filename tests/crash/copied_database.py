"""Copies of a database as a kill left it: whether they are whole, by the statements of another language than the daemon's."""
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
    if connection.execute("PRAGMA user_version").fetchone()[0] >= 5:
        check_lists(connection)


def check_lists(connection):
    """Every measurement is once among its replicates and once in a span of its campaign."""
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
    spans, totals = {}, {}
    for owner, first, last, total in connection.execute("SELECT * FROM campaign_spans ORDER BY campaign, first"):
        spans.update(dict.fromkeys(range(first, last + 1), owner))
        totals[owner] = totals.get(owner, 0) + last - first + 1
        if totals[owner] != total:
            raise Failed(f"campaign {owner} has {totals[owner]} measurements up to {last}, not {total}")
    if spans != {seq: rest[0] for seq, rest in there.items()} or sum(totals.values()) != len(there):
        raise Failed(f"spans: {sum(totals.values())} measurements, {len(there)} there")
