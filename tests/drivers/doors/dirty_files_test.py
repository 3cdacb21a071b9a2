"""Files as laboratories really leave them, dropped into watched folders: each is taken rightly, or put aside with a reason
that a scientist understands. The table below is the list."""
import json
import os
import shutil
import tempfile
import unittest

import lab

COLUMNS = """
[[columns]]
header = ["M1", "M2", "M3"]
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
header = "Step"
as = "sequence"
[[columns]]
header = "Date"
as = "measured_at"
[[columns]]
header = ["temperature", "Temp."]
as = "condition"
name = "temperature_C"
unit = "°C"
[[columns]]
header = ["C2 yield"]
as = "value"
name = "C2_yield"
unit = "%"
required = true
[[columns]]
header = ["CH4 conversion"]
as = "value"
name = "CH4_conversion"
unit = "%"
"""
FORMATS = 'time_zone = "Europe/Berlin"\ntime_formats = ["%d-%m-%Y %H:%M:%S", "%Y-%m-%d %H:%M", "excel"]\n'
LOADINGS = """
[elements]
unit = "mmol/g"
[[columns]]
header = "Support"
as = "support"
[[columns]]
header = "Sample"
as = "sample"
[[columns]]
header = "C2 yield"
as = "value"
name = "C2_yield"
unit = "%"
"""
LISTS = """
[[columns]]
header = "Elements"
as = "element_list"
[[columns]]
header = "atom_fractions"
as = "fraction_list"
[[columns]]
header = "support"
as = "support"
[[columns]]
header = "lab_id"
as = "sample"
[[columns]]
header = "y C2"
as = "value"
name = "C2_yield"
unit = "%"
"""
DOORS = {
    "plain": FORMATS + COLUMNS,
    "german": 'encoding = "cp1252"\ndelimiter = ";"\ndecimal = ","\nthousands = "."\nunit_row = true\n' + FORMATS + COLUMNS,
    "japanese": 'encoding = "cp932"\n' + FORMATS + COLUMNS,
    "loadings": LOADINGS,
    "lists": LISTS,
}

HEAD = "M1,M2,M3,Support,Sample,temperature (°C),C2 yield (%)\n"


def one(sample, cells="Li,K,none,MgO,{},800,8.2\n", head=HEAD):
    return (head + cells.format(sample)).encode()


def many_columns(count):
    extra = count - 7
    return (HEAD.strip() + "".join(f",x{i}" for i in range(extra)) + "\n" + "Li,K,none,MgO,WIDE,800,8.2"
            + ",1" * extra + "\n").encode()


# door, name, bytes or what makes the file, expectation. An expectation is what the sample's yield must be in the database
# (with more facts about the measurement, where they matter), or words of the reason.
class Taken(dict):
    def __init__(self, sample, value, **facts):
        super().__init__(facts, sample=sample, value=value)


def Aside(*words):
    return words


CASES = [
    ("plain", "clean.csv", one("A1"), Taken("A1", 8.2, catalyst="K:1;Li:1/MgO", temperature_C=800)),
    ("plain", "bom.csv", b"\xef\xbb\xbf" + one("A2"), Taken("A2", 8.2)),
    ("plain", "utf16le_mark.csv", b"\xff\xfe" + one("A3").decode().encode("utf-16-le"), Taken("A3", 8.2, temperature_C=800)),
    ("plain", "utf16be_mark.csv", b"\xfe\xff" + one("A4").decode().encode("utf-16-be"), Taken("A4", 8.2)),
    ("plain", "utf16le_no_mark.csv", one("A5").decode().encode("utf-16-le"), Taken("A5", 8.2)),
    ("plain", "crlf.csv", one("A6").replace(b"\n", b"\r\n"), Taken("A6", 8.2)),
    ("plain", "semicolons.csv", one("A7").replace(b",", b";"), Taken("A7", 8.2)),
    ("plain", "tabs.txt", one("A8").replace(b",", b"\t"), Taken("A8", 8.2)),
    ("plain", "no_last_newline.csv", one("A9").rstrip(b"\n"), Taken("A9", 8.2)),
    ("plain", "header_spaces.csv", one("B1").replace(b"Support,", b"Support ,").replace(b"M1,", b" M1  ,"), Taken("B1", 8.2)),
    ("plain", "header_no_break_spaces.csv", one("B2").replace(b"Support,", "Support\u00a0,".encode()), Taken("B2", 8.2)),
    ("plain", "header_copyright.csv", one("B3").replace("(°C)".encode(), "©".encode()), Taken("B3", 8.2, temperature_C=800)),
    ("plain", "header_remark.csv", one("B4").replace(b"C2 yield (%)", b"C2 yield (%)  # reactant based"), Taken("B4", 8.2)),
    ("plain", "header_full_width.csv", one("B5").replace(b"C2 yield (%)", "Ｃ２ yield（％）".encode()), Taken("B5", 8.2)),
    ("plain", "header_one_degree_sign.csv", one("B6").replace("°C".encode(), "℃".encode()), Taken("B6", 8.2, temperature_C=800)),
    ("plain", "header_capitals.csv", one("B7").replace(b"C2 yield (%)", b"C2 YIELD [%]"), Taken("B7", 8.2)),
    ("plain", "cells_full_width.csv", one("B8").replace(b"8.2", "８．２".encode()), Taken("B8", 8.2)),
    ("plain", "real_minus.csv", one("B9").replace(b"800,8.2", "\u221220,8.2".encode()), Taken("B9", 8.2, temperature_C=-20)),
    ("plain", "kelvin.csv", one("C1").replace("(°C)".encode(), b"(K)").replace(b",800,", b",1073.15,"),
     Taken("C1", 8.2, temperature_C=800)),
    ("plain", "not_measured.csv", one("C2", "Li,K,none,MgO,{},800,8.2,n.a.\n", HEAD.strip() + ",CH4 conversion (%)\n"),
     Taken("C2", 8.2)),
    ("plain", "nothing_measured.csv", one("C3").replace(b"8.2", b"n.a."), Aside("no row of the table holds a value")),
    ("plain", "excel_dates.csv", one("C4", "Li,K,none,MgO,{},800,8.2,45292.75\n", HEAD.strip() + ",Date\n"),
     Taken("C4", 8.2, measured_at="2024-01-01T17:00:00.000000Z")),
    ("plain", "german_dates.csv", one("C5", "Li,K,none,MgO,{},800,8.2,\"01-07-2020 20:11:45,85\"\n", HEAD.strip() + ",Date\n"),
     Taken("C5", 8.2, measured_at="2020-07-01T18:11:45.850000Z")),
    ("plain", "hour_that_came_twice.csv", one("C6", "Li,K,none,MgO,{},800,8.2,2023-10-29 02:30\n", HEAD.strip() + ",Date\n"),
     Aside("this hour came twice")),
    ("plain", "unknown_date.csv", one("C7", "Li,K,none,MgO,{},800,8.2,July 1st\n", HEAD.strip() + ",Date\n"),
     Aside("not a time", "July 1st")),
    ("plain", "unknown_unit.csv", one("C8").replace("(°C)".encode(), b"(bananas)"), Aside("unknown unit", "bananas")),
    ("plain", "wrong_kind_of_unit.csv", one("C9").replace("(°C)".encode(), b"(bar)"),
     Aside("a unit of pressure where one of temperature is expected")),
    ("plain", "no_unit.csv", one("D1").replace(" (°C)".encode(), b""), Aside("the column tells no unit", "temperature")),
    ("plain", "unknown_element.csv", one("D2").replace(b"Li,K", b"Li,Xx"), Aside("unknown element", "Xx", "line 2|:2:")),
    ("plain", "carbon_monoxide_is_no_cobalt.csv", one("D3").replace(b"Li,K", b"Li,CO"), Aside("unknown element", "CO")),
    ("plain", "unknown_support.csv", one("D4").replace(b"MgO", b"Mgx0"), Aside("Mgx0")),
    ("plain", "unknown_sample.csv", b"Sample,temperature (K),C2 yield (%)\nNEVER-SEEN,1073,8.2\n",
     Aside("no such sample", "NEVER-SEEN")),
    ("plain", "known_sample.csv", b"Sample,Step,temperature (K),C2 yield (%)\nA1,2,1123.15,9.9\n",
     Taken("A1", 9.9, catalyst="K:1;Li:1/MgO", temperature_C=850)),
    ("plain", "twice_the_same_row.csv",
     (HEAD.strip() + ",Channel,Step\n" + "Li,K,none,MgO,D5,800,8.2,1,1\n" * 2).encode(), Taken("D5", 8.2, count=1)),
    ("plain", "one_name_two_values.csv",
     (HEAD.strip() + ",Channel,Step\nLi,K,none,MgO,D6,800,8.2,1,1\nLi,K,none,MgO,D6,800,9.9,1,1\n").encode(),
     Aside("other content before", "revise")),
    ("plain", "one_sample_two_catalysts.csv", (one("D7") + b"Na,K,none,MgO,D7,800,8.2\n"),
     Aside("sample D7 was another catalyst before")),
    ("plain", "short_row.csv", one("D8") + b"Li,K\n", Aside("1 of 2 rows", "the row has 2 cells", "cut off")),
    ("plain", "half_written.csv", one("D9") + b"Na,K,none,Mg", Aside("cut off while it was written")),
    ("plain", "long_row.csv", one("E1").rstrip(b"\n") + b",7,8\n", Aside("the row has 9 cells")),
    ("plain", "trailing_commas.csv", one("E2").replace(b"\n", b",,\n"), Taken("E2", 8.2)),
    ("plain", "blank_lines.csv", one("E3").replace(b"\n", b"\n\n") + b",,,,,,\n", Taken("E3", 8.2, count=1)),
    ("plain", "empty.csv", b"", Aside("empty", "0 bytes")),
    ("plain", "only_a_mark.csv", b"\xef\xbb\xbf", Aside("the file is empty")),
    ("plain", "only_a_header.csv", HEAD.encode(), Aside("no rows")),
    ("plain", "two_gigabytes.csv", lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_WRONLY), 2 << 30),
     Aside("2048 MiB", "at most 64 MiB")),
    ("plain", "symbolic_link.csv", lambda path: os.symlink("/etc/passwd", path), Aside("symbolic link", "never followed")),
    ("plain", "hard_link.csv", "hard link", Aside("hard link")),
    ("plain", "ten_thousand_columns.csv", many_columns(10_000), Taken("WIDE", 8.2)),
    ("plain", "more_columns.csv", many_columns(10_001), Aside("10000|10,000")),
    ("plain", "workbook.xlsx", b"PK\x03\x04" + b"\x00" * 400, Aside("workbook cannot be unpacked", ".xlsx file")),
    ("plain", "old_workbook.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 400, Aside("workbook")),
    ("plain", "noise.csv", bytes(range(256)) * 4, Aside("not in UTF-8|quote|NUL")),
    ("plain", "western_code_page.csv", one("E4").decode().encode("cp1252"), Aside("not in UTF-8", "cp1252")),
    ("plain", "japanese_code_page.csv", one("E5").replace(b"C2 yield (%)", "C2 yield（％）".encode()).decode().replace("°C", "℃").encode("cp932"), Aside("not in UTF-8", "cp932")),
    ("plain", "missing_column.csv", one("E6").replace(b"C2 yield (%)", b"something"), Aside("a column is missing", "C2 yield")),
    ("plain", "misspelt_column.csv", one("E7").replace(b"temperature", b"temprature"), Aside("did you mean", "temperature")),
    ("plain", "column_twice.csv", one("E8", "Li,K,none,MgO,{},800,8.2,9.9\n", HEAD.strip() + ",C2 yield\n"),
     Aside("the column tells no unit", "C2 yield")),
    ("plain", "decimal_comma.csv", one("E9").replace(b"8.2", b"\"8,2\""), Aside("a comma in a number", "decimal")),
    ("plain", "infinite.csv", one("F1").replace(b"8.2", b"inf"), Aside("not a finite number")),
    ("plain", "words_for_numbers.csv", one("F2").replace(b"8.2", b"good"), Aside("not a number", "good")),
    ("plain", "open_quote.csv", one("F3").replace(b"Li,", b"\"Li,"), Aside("quote")),
    ("plain", "no_header.csv", b"Li,K,none,MgO,F4,800,8.2\n", Aside("missing|no rows")),
    ("plain", "unexpected_units.csv", one("F5").replace(b"\n", b"\n,,,,,K,%\n", 1), Aside("line below the header holds units")),
    ("plain", "quoted_newline.csv", one("\"F6\nx\""), Aside("not a name|printable|F6")),
    ("plain", "out_of_range.csv", one("F7").replace(b"8.2", b"82"), Taken("F7", 82, flags=["out_of_range"])),
    ("plain", "r\u00e9sum\u00e9 (2) #1.csv", one("F8"), Taken("F8", 8.2)),
    ("plain", "line\nbreak.csv", one("F9"), Taken("F9", 8.2)),
    ("plain", "delivery.json", json.dumps({"source": "robot", "run": "r", "rows": [
        {"catalyst": "Li-K/MgO", "sample": "G1", "channel": 1, "values": {"C2_yield": 8.2}}]}).encode(), Taken("G1", 8.2)),
    ("plain", "rows.ndjson", b'{"catalyst": "Li-K/MgO", "sample": "G2", "channel": 1, "values": {"C2_yield": 8.2}}\n',
     Taken("G2", 8.2)),
    ("plain", "broken.json", b'{"rows": [', Aside("JSON|syntax|end")),
    ("plain", "deep.json", b"[" * 5000, Aside("deep|nest|JSON")),
    ("plain", "unit_in_row.json", json.dumps({"rows": [
        {"catalyst": "Li-K/MgO", "sample": "G3", "values": {"C2_yield": {"value": 0.082, "unit": "1"}}}]}).encode(),
     Aside("another unit")),
    ("german", "umlaut.csv", "M1;M2;M3;Support;Sample;Temp.;C2 yield\n;;;;;°C;%\nLi;K;none;MgO;Pr\u00fcfung;1.073,5;8,2\n".encode("cp1252"),
     Taken("Pr\u00fcfung", 8.2, temperature_C=1073.5)),
    ("german", "point_for_comma.csv", "M1;M2;M3;Support;Sample;Temp.;C2 yield\n;;;;;°C;%\nLi;K;none;MgO;G4;800;8.2\n".encode("cp1252"),
     Aside("does not stand between thousands|decimal point")),
    ("german", "units_missing.csv", "M1;M2;M3;Support;Sample;Temp.;C2 yield\nLi;K;none;MgO;G5;800;8,2\n".encode("cp1252"),
     Aside("no rows")),
    ("japanese", "celsius.csv", "M1,M2,M3,Support,Sample,Temp.（℃）,C2 yield（％）\nLi,K,none,MgO,試料１,800,8.2\n".encode("cp932"),
     Taken("試料１", 8.2, temperature_C=800)),
    ("japanese", "cut_in_a_character.csv", "M1,M2,M3,Support,Sample,Temp.（℃）,C2 yield（％）\nLi,K,none,MgO,試料".encode("cp932")[:-1],
     Aside("not in cp932")),
    ("loadings", "millimoles.csv", b"Mn (mmol/g),Na (mmol/g),Support,Sample,C2 yield (%)\n0.37,0.74,SiO2,G6,20.1\n",
     Taken("G6", 20.1, catalyst="Mn:0.37;Na:0.74/SiO2")),
    ("loadings", "moles_converted.csv", b"Mn (mol/g),Na (umol/g),Support,Sample,C2 yield (%)\n0.00037,740,SiO2,G7,20.1\n",
     Taken("G7", 20.1, catalyst="Mn:0.37;Na:0.74/SiO2")),
    ("loadings", "mol_for_mmol.csv", b"Mn (mol/g),Na (mol/g),Support,Sample,C2 yield (%)\n0.37,0.74,SiO2,G8,20.1\n",
     Aside("mol or mmol?")),
    ("loadings", "mol_weighed_in.csv", b"Mn (mol),Na (mol),Support,Sample,C2 yield (%)\n0.37,0.74,SiO2,G9,20.1\n",
     Aside("mol or mmol?")),
    ("loadings", "mmol_for_mol.csv", b"Mn (mmol/g),Support,Sample,C2 yield (%)\n0.00037,SiO2,H1,20.1\n",
     Aside("another unit, such as mol for mmol?")),
    ("loadings", "loading_without_unit.csv", b"Mn,Support,Sample,C2 yield (%)\n0.37,SiO2,H2,20.1\n",
     Aside("the column tells no unit")),
    ("loadings", "weight_percent.csv", b"Mn (wt%),Support,Sample,C2 yield (%)\n2,SiO2,H3,20.1\n",
     Taken("H3", 20.1, catalyst="Mn:0.371476/SiO2")),
    ("lists", "three_elements_seven_fractions.csv",
     b'Elements,atom_fractions,support,lab_id,y C2 (%)\n"Mn,Na,W","0.1,0.1,0.2,0.2,0.2,0.1,0.1",SiO2,H4,20\n',
     Aside("3 elements and 7 fractions")),
    ("lists", "zero_fraction.csv",
     b'Elements,atom_fractions,support,lab_id,y C2 (%)\n"Mn,Na,W","0.4,0.6,0",SiO2,H5,20\n',
     Taken("H5", 20, catalyst="Mn:2;Na:3/SiO2")),
    ("plain", "clean_again.csv", one("A1"), Taken("A1", 8.2, count=1)),
]


class DirtyFiles(unittest.TestCase):
    def test_each_is_taken_rightly_or_put_aside_with_a_reason(self):
        self.assertGreaterEqual(len(CASES), 40)
        folder = tempfile.mkdtemp(prefix="kasetsu_dirty_")
        self.addCleanup(shutil.rmtree, folder)
        config = ""
        for door in DOORS:
            config += (f'[drivers.{door}]\nkind = "folder"\ncampaign = "doors"\npath = "{folder}/{door}"\n'
                       f'profile = "{door}"\nsettle_s = 0.3\nscan_s = 0.3\nstale_s = 0.6\n')
            os.makedirs(os.path.join(folder, "profiles"), exist_ok=True)
            with open(os.path.join(folder, "profiles", door + ".toml"), "w", encoding="utf-8") as file:
                file.write(DOORS[door])
        daemon = lab.Daemon(folder, config)
        self.addCleanup(daemon.end)
        # In three waves: what relies on earlier files comes after them.
        late = {"known_sample.csv", "clean_again.csv"}
        for wave in (lambda n: n not in late, lambda n: n == "known_sample.csv", lambda n: n == "clean_again.csv"):
            names = []
            for door, name, content, _ in CASES:
                if wave(name):
                    self.drop(os.path.join(folder, door, "inbox", name), content, folder)
                    names.append((door, name))
            lab.wait_for(lambda: not any(os.path.lexists(os.path.join(folder, d, "inbox", n)) for d, n in names),
                         "the folders to be emptied", 120)
            lab.wait_for(lambda: not any(os.listdir(os.path.join(folder, d, "work")) for d in DOORS), "the work", 120)

        measurements = {}
        for m in daemon.pages("/v1/campaigns/doors/measurements?property=C2_yield", "measurements"):
            measurements.setdefault(m["sample"], []).append(m)
        for door, name, _, expected in CASES:
            with self.subTest(file=name):
                self.look(os.path.join(folder, door), name, expected, measurements)
        for door in DOORS:
            self.assertEqual(daemon.driver(door)["state"], "RUNNING", daemon.driver(door))
            self.assertEqual(os.listdir(os.path.join(folder, door, "work")), [])
        self.assertEqual(daemon.ask("GET", "/readyz")["ready"], True)

    @staticmethod
    def drop(path, content, folder):
        if content == "hard link":
            source = os.path.join(folder, "elsewhere")
            with open(source, "wb") as file:
                file.write(one("X"))
            os.link(source, path)
        elif callable(content):
            content(path)
        else:
            with open(path + ".part", "wb") as file:
                file.write(content)
            os.rename(path + ".part", path)

    def look(self, door, name, expected, measurements):
        kept = "".join("_" if ord(c) < 32 else c for c in name)
        done = [os.path.join(where, f) for where, _, files in os.walk(os.path.join(door, "done")) for f in files]
        aside = os.path.join(door, "quarantine", kept)
        if isinstance(expected, Taken):
            if not any(os.path.basename(path) == kept for path in done):
                with open(aside + ".reason.json", encoding="utf-8") as file:
                    self.fail(f"put aside: {file.read()}")
            found = [m for m in measurements.get(expected["sample"], []) if m["value"] == expected["value"]]
            self.assertEqual(len(found), expected.get("count", 1), measurements.get(expected["sample"]))
            m = found[0]
            self.assertEqual(m["flags"], expected.get("flags", []))
            for fact in ("temperature_C",):
                if fact in expected:
                    self.assertAlmostEqual(m["conditions"][fact], expected[fact], places=9)
            if "catalyst" in expected:
                self.assertEqual(self.rounded(m["catalyst"]["key"]), expected["catalyst"])
            if "measured_at" in expected:
                self.assertEqual(m["measured_at"], expected["measured_at"])
        else:
            self.assertTrue(os.path.lexists(aside), (name, done))
            with open(aside + ".reason.json", encoding="utf-8") as file:
                reason = json.load(file)["reason"]
            for words in expected:
                self.assertTrue(any(w in reason for w in words.split("|")), f"{words!r} not in {reason!r}")

    @staticmethod
    def rounded(key):
        actives, slash, support = key.partition("/")
        parts = []
        for part in actives.split(";"):
            symbol, _, amount = part.partition(":")
            parts.append(f"{symbol}:{float(amount):.6g}")
        return ";".join(parts) + slash + support


if __name__ == "__main__":
    unittest.main(argv=["dirty_files_test.py"], verbosity=2)
