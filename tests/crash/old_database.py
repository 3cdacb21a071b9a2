"""Databases as earlier versions of the schema left them."""
import hashlib
import re
import sqlite3
import struct

APPLICATION_ID = 0x4B736574


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def signed(value):
    return value - (2**64 if value >= 2**63 else 0)


# Functions that the scripts call, from what daemon/store/sqlite.h and late_index.h say of them.
def conditions_hash(conditions):
    return 0 if conditions == "{}" else signed(fnv1a(conditions.encode()) or 1)


def content_number(digest):
    return signed(int.from_bytes(digest[:8], "big"))


def run_number(campaign, source, run, channel, sequence, replicate):
    def folded(*parts):
        data = b"".join((part.encode() if isinstance(part, str) else part.to_bytes(8, "little", signed=True)) + b"\xff"
                        for part in parts)
        return (fnv1a(data) >> 32 ^ fnv1a(data)) % 2**32

    if run == "" or (channel == "" and sequence is None):
        return None
    lower = folded(channel) if replicate is None else folded(channel, replicate)
    if sequence is not None:
        lower = (lower & 0xFFF) << 20 | sequence & 0xFFFFF
    return signed(folded(campaign, source, run) << 32 | lower)


CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid_after(identifier, number):
    value = number
    for place, letter in enumerate(reversed(identifier)):
        value += CROCKFORD.index(letter) << 5 * place
    return "".join(CROCKFORD[value >> 5 * place & 31] for place in reversed(range(26)))


def sum_of(*values):
    total = 0

    def add(word):
        nonlocal total
        total = (total ^ word % 2**64) * 0x9E3779B97F4A7C15 % 2**64
        total ^= total >> 32

    for value in values:
        add({int: 1, float: 2, str: 3, bytes: 4, type(None): 5}[type(value)])
        if isinstance(value, int):
            add(value)
        elif isinstance(value, float):
            add(struct.unpack("<Q", struct.pack("<d", value + 0.0))[0])
        elif value is not None:
            data = value.encode() if isinstance(value, str) else value
            add(len(data))
            for begin in range(0, len(data), 8):
                add(int.from_bytes(data[begin:begin + 8], "little"))
    return (total + 2**31) % 2**32 - 2**31


def old_database(path, scripts, version, rows, text, elements):
    """A database of schema `version` with results, filled by the statements of the first schema, which every later one must
    carry over. text: of the campaign. Returns the values by source, channel and sequence."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    for function, arguments in ((conditions_hash, 1), (content_number, 1), (run_number, 6), (ulid_after, 2), (sum_of, -1)):
        connection.create_function(function.__name__, arguments, function, deterministic=True)
    for number in range(1, version + 1):
        name, script = scripts[number - 1]
        # These databases have no snapshots, and only the daemon has the table `members`.
        connection.executescript(re.sub(r"UPDATE snapshots [^;]*members\([^;]*;", "", script.decode()))
        connection.execute("INSERT INTO schema_migrations VALUES (?, ?, ?, 1)",
                           (number, name, hashlib.sha256(script).digest()))
        if number == 1:
            values = fill(connection, rows, text, elements)
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={version}")
    connection.commit()
    connection.close()
    return values


def fill(connection, rows, text, elements):
    def identifier(kind, number):
        return f"{kind}{number:025d}"

    values = {}
    connection.execute("INSERT INTO campaigns VALUES (1, ?, 'crash', 'x', 'ACTIVE', '', 1, 1, 1, 1)", (identifier("0", 1),))
    connection.execute("INSERT INTO campaign_versions VALUES (1, 1, ?, 'application/toml', ?, 'x', 1)",
                       (text, hashlib.sha256(text.encode()).digest()))
    connection.execute("INSERT INTO properties VALUES (1, 1, 'C2_yield', '%', 1, NULL, NULL, 1, 1)")
    for i, element in enumerate(elements):
        # Some keys are those of earlier rules.
        support = "mgo" if i % 3 == 2 else "MgO"
        connection.execute("INSERT INTO catalysts VALUES (?, ?, ?, 1)", (i + 1, f"{element}:1/{support}", element))
    for i in range(1, rows + 1):
        content = str(i).encode()
        connection.execute("INSERT INTO contents VALUES (?, ?, ?, 1)", (i, hashlib.sha256(content).digest(), content))
        connection.execute("INSERT INTO ingests VALUES (?, ?, 1, ?, 'old', 'old', ?, 'application/json', 'x', 1, 1, 0, 0, 0, "
                           "?, ?, 1)", (i, identifier("1", i), i, f"key-{i}" if i % 2 else "", i, i))
        values[("old", "0", i)] = i * 0.001
        connection.execute("INSERT INTO runs VALUES (?, ?, 0, 1, ?, 'catalyst', 'old', 'old', '0', ?, NULL, '', '{}', '', NULL, "
                           "?)", (i, i, i % len(elements) + 1, i, hashlib.sha256(b"run" + content).digest()))
        connection.execute("INSERT INTO measurements VALUES (?, ?, 1, ?, ?, 1, ?, 0, NULL, 1)",
                           (i, identifier("2", i), i, i % len(elements) + 1, i * 0.001))
        connection.execute("INSERT INTO events VALUES (?, 1, 'x', 'crash', 'ingest', ?, 'committed', '{}')",
                           (i, identifier("1", i)))
    return values
