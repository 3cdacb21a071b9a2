"""Kinds 1 to 22: what a cell, a column and a row mean, at every door at which they can come in. The first input of each kind
is the smallest that went wrong at a laboratory; the others are of the same kind."""
import json
import unittest

from doors import CAMPAIGN, Laboratory, TEMPERATURES

ANY = ()

# kind, name, table, options, what is live afterwards (key, value, conditions), what is told.
TABLES = [
    (1, "sodium_is_no_missing_value", "M1,M2,M3,Support,C2_yield\nNa,Mn,W,SiO2,14.8\n", {},
     [("Mn:1;Na:1;W:1/SiO2", 14.8, ANY)], []),
    (1, "sodium_alone_and_as_a_name", "catalyst,C2_yield\nNa/MgO,3\nNa-Na/SiO2,4\n", {},
     [("Na:1/MgO", 3.0, ANY), ("Na:2/SiO2", 4.0, ANY)], []),
    (1, "a_small_symbol_is_asked_about", "M1,M2,Support,C2_yield\nLi,na,MgO,3\nK,none,MgO,2\n", {},
     [("K:1/MgO", 2.0, ANY)], ["did you mean Na?"]),
    (1, "none_and_dashes_are_no_elements", "M1,M2,M3,Support,C2_yield\nLi,-,none,MgO,3\nK,n/a,,SiO2,2\n", {},
     [("K:1/SiO2", 2.0, ANY), ("Li:1/MgO", 3.0, ANY)], []),
    (6, "minus_zero_is_zero", "M1,Support,temperature_C,C2_yield\nLi,MgO,-0,3\nK,MgO,0,2\n", {},
     [("K:1/MgO", 2.0, (("temperature_C", 0.0),)), ("Li:1/MgO", 3.0, (("temperature_C", 0.0),))], []),
    (6, "800_is_800", "M1,Support,temperature_C,C2_yield\nLi,MgO,800.0000000000001,3\nK,MgO,8e2,2\n", {},
     [("K:1/MgO", 2.0, (("temperature_C", 800.0),)), ("Li:1/MgO", 3.0, (("temperature_C", 800.0),))], []),
    (7, "a_near_condition_is_asked_about", "M1,Support,temperature_c,C2_yield\nLi,MgO,800,3\n", {}, [],
     ["temperature_c", "temperature_C"]),
    (7, "a_near_property_is_asked_about", "M1,Support,C2 yield,C2_yield_2\nLi,MgO,8,3\n", {}, [], ["C2 yield", "C2_yield"]),
    (7, "a_near_own_column_is_asked_about", "M1,Support,Replicate,C2_yield\nLi,MgO,first,3\n", {}, [], ["--ignore"]),
    (7, "own_columns_in_capitals",
     "M1,Support,Run,Source,Kind,Sample,Replicate,CHANNEL,Measured at,C2_yield\n"
     "Li,MgO,r1,GC,Catalyst,S1,1,4,2026-01-01T08:00:00Z,3\nLi,MgO,r1,GC,reference,S1,2,5,,4\n", {},
     [("Li:1/MgO", 3.0, ANY), ("Li:1/MgO", 4.0, ANY)], []),
    (7, "an_unused_column_is_named", "M1,Support,remark,C2_yield\nLi,MgO,leaky,3\n", {},
     [("Li:1/MgO", 3.0, ANY)], ["not used: remark"]),
    (7, "what_is_asked_about_can_be_left_out", "M1,Support,temperature_c,C2_yield\nLi,MgO,800,3\n",
     {"ignore": ["temperature_c"]}, [("Li:1/MgO", 3.0, ANY)], []),
    (8, "a_noble_gas_is_no_catalyst", "Ni,Fe,He,C2_yield\n5,1,88,3\n", {}, [], ["He", "--ignore"]),
    (8, "an_element_column_that_holds_words", "Ni,Fe,In,C2_yield\n5,1,yes,3\n4,2,no,2\n", {}, [], ["In", "--ignore"]),
    (8, "molecules_are_no_elements", "Ni,Fe,CO2 conversion (%),H2/CO,C2_yield\n1,1,88,2,3\n", {},
     [("Fe:1;Ni:1", 3.0, ANY)], ["CO2 conversion (%)"]),
    (8, "elements_that_the_campaign_lacks", "Ni,Fe,P,N,C2_yield\n1,1,2,1,5\n0,2,1.5,2,6\n", {}, [], ["column \"P\"", "column \"N\"", "--ignore"]),
    (8, "what_is_left_out_of_them", "Ni,Fe,P,C2_yield\n1,2,20,5\n", {"ignore": ["P"]}, [("Fe:2;Ni:1", 5.0, ANY)], []),
    (8, "a_unit_says_that_they_are_amounts", "Ni (at%),Rh (at%),C2_yield\n50,50,5\n", {}, [("Ni:1;Rh:1", 5.0, ANY)], []),
    (8, "columns_of_nothing_are_not_asked_about", "Ni,Fe,P,C2_yield\n1,2,0,5\n1,1,,4\n", {},
     [("Fe:1;Ni:1", 4.0, ANY), ("Fe:2;Ni:1", 5.0, ANY)], []),
    (8, "a_noble_gas_in_a_slot", "M1,M2,Support,C2_yield\nNi,He,MgO,3\nNi,Fe,MgO,2\n", {}, [("Fe:1;Ni:1/MgO", 2.0, ANY)],
     ["noble gas"]),
    (6, "kelvins_in_the_line_of_units", "M1,Support,temperature_C,C2_yield\n,,K,%\nLi,MgO,1073.15,3\n", {},
     [("Li:1/MgO", 3.0, (("temperature_C", 800.0),))], []),
    (6, "kelvins_in_the_header", "M1,Support,temperature (K),C2_yield (%)\nLi,MgO,1073.15,3\n", {},
     [("Li:1/MgO", 3.0, (("temperature_C", 800.0),))], []),
    (6, "a_unit_of_another_kind", "M1,Support,temperature_C,C2_yield\n,,bar,%\nLi,MgO,8,3\n", {}, [], ["another unit", "bar"]),
    (10, "replicates_in_one_table_are_kept", "M1,Support,C2_yield\nLi,MgO,0\nLi,MgO,0\n", {},
     [("Li:1/MgO", 0.0, ANY), ("Li:1/MgO", 0.0, ANY)], []),
    (11, "a_row_without_its_condition", "M1,Support,temperature_C,C2_yield\nLi,MgO,,3\nK,MgO,800,2\n", {},
     [("K:1/MgO", 2.0, (("temperature_C", 800.0),))], ["temperature_C"]),
    (11, "a_value_beyond_any_measurement", "M1,Support,C2_yield\nLi,MgO,1e300\nK,MgO,2\n", {},
     [("K:1/MgO", 2.0, ANY)], ["too large"]),
    (11, "an_infinite_value", "M1,Support,C2_yield\nLi,MgO,inf\nK,MgO,2\n", {},
     [("K:1/MgO", 2.0, ANY)], ["not a finite number"]),
    (15, "a_cell_that_a_spreadsheet_would_run", "M1,Support,sample,C2_yield\nLi,MgO,=1+1,3\n", {},
     [("Li:1/MgO", 3.0, ANY)], []),
    (15, "a_canonical_key", 'catalyst,C2_yield\n"K:1;Li:2/MgO",3\n-/SiO2,1\n', {},
     [("-/SiO2", 1.0, ANY), ("K:1;Li:2/MgO", 3.0, ANY)], []),
    (19, "titles_units_percent_and_limits",
     "Screening of May;;;\n;;;\nKatalysator;C2_yield;Bemerkung;\nLi/MgO;9,1 %;;\nK/MgO;n. b.;Leck;\nNa/SiO2;<0,5;;\nMittel;9,1;;\n",
     {}, [("Li:1/MgO", 9.1, ANY)], ["title"]),
    (19, "uncertainties_and_thousands", "M1;Support;C2_yield\nLi;MgO;12,5 ± 0,3\nK;MgO;1 234,5\n", {},
     [("K:1/MgO", 1234.5, ANY), ("Li:1/MgO", 12.5, ANY)], ["uncertainty"]),
    (19, "two_numbers_in_a_cell_are_none", "M1,Support,C2_yield\nLi,MgO,12 5\nK,MgO,2.5\n", {},
     [("K:1/MgO", 2.5, ANY)], ["not a number"]),
    (19, "groups_are_asked_about", "M1,Support,C2_yield\nLi,MgO,1\nK,,2\nNa,,3\nLi,SiO2,4\nK,,5\n", {}, [],
     ["--fill-down"]),
    (19, "groups_are_filled_when_told", "M1,Support,C2_yield\nLi,MgO,1\nK,,2\nNa,,3\nLi,SiO2,4\nK,,5\n",
     {"fill_down": ["Support"]},
     [("K:1/MgO", 2.0, ANY), ("K:1/SiO2", 5.0, ANY), ("Li:1/MgO", 1.0, ANY), ("Li:1/SiO2", 4.0, ANY), ("Na:1/MgO", 3.0, ANY)],
     []),
    (21, "several_phases_on_a_support", "catalyst,C2_yield\nMn/Na2WO4/SiO2,3\nMnOx/TiO2,2\n", {},
     [("Mn:1/TiO2", 2.0, ANY), ("Mn:1;Na:2;W:1/SiO2", 3.0, ANY)], []),
    (21, "percentages_in_a_name", "catalyst,C2_yield\nLi/MgO,1\n5wt%Ni-2%Mg/Al2O3,3\n", {}, [("Li:1/MgO", 1.0, ANY)],
     ["--name-amounts wt%"]),
    (22, "carbon_monoxide_beside_cobalt", "Co,Ni,CO,C2_yield\n1,1,55,3\n", {}, [("Co:1;Ni:1", 3.0, ANY)], ["not used: CO"]),
    (25, "tiny_and_large_values", "M1,Support,C2_yield\nLi,MgO,1e-150\nK,MgO,-1e6\nNa,MgO,1e149\n", {},
     [("K:1/MgO", -1e6, ANY), ("Li:1/MgO", 1e-150, ANY), ("Na:1/MgO", 1e149, ANY)], []),
]
WITH_CONDITIONS = {"kelvins_in_the_line_of_units", "kelvins_in_the_header", "a_unit_of_another_kind", "minus_zero_is_zero", "800_is_800", "a_near_condition_is_asked_about", "a_row_without_its_condition"}


def row(slots, value, **more):
    return {"catalyst": {"slots": slots, "support": "MgO"}, "values": {"C2_yield": value}, **more}


ROWS = [
    (1, "sodium_in_slots", [row(["Na", "none"], 3)], "", [("Na:1/MgO", 3.0, ANY)], []),
    (1, "sodium_as_a_name", [{"catalyst": "Na/MgO", "values": {"C2_yield": 3}}], "", [("Na:1/MgO", 3.0, ANY)], []),
    (6, "minus_zero_and_nine_digits", [row(["Li"], 3, conditions={"temperature_C": -0.0}),
                                       row(["K"], 2, conditions={"temperature_C": 800.0000000000001})], TEMPERATURES,
     [("K:1/MgO", 2.0, (("temperature_C", 800.0),)), ("Li:1/MgO", 3.0, (("temperature_C", 0.0),))], []),
    (7, "an_unknown_condition", [row(["Li"], 3, conditions={"temperature_c": 800})], TEMPERATURES, [], ["temperature_C"]),
    (7, "a_condition_twice_in_two_writings", [row(["Li"], 3, conditions={"temperature_C": 700, "Temperature_c": 800})], TEMPERATURES,
     [], ["another name", "temperature_C"]),
    (8, "noble_gases", [{"catalyst": {"amounts": {"Ni": 5, "He": 88}}, "values": {"C2_yield": 1}},
                        {"catalyst": "Ni-Ar/MgO", "values": {"C2_yield": 1}}, row(["Ni", "Xe"], 1), row(["Ni"], 2)], "",
     [("Ni:1/MgO", 2.0, ANY)], ["noble gas"]),
    (4, "one_preparation_in_every_writing",
     [{"catalyst": {"slots": ["Li"], "support": "MgO", "preparation": p}, "values": {"C2_yield": i}}
      for i, p in enumerate(["co-precipitation", "Co-Precipitation", "coprecipitation", "co\u2010precipitation", "co_precipitation"])],
     'preparations = ["co-precipitation", "sol-gel"]\n',
     [("Li:1/MgO|co-precipitation", float(i), ANY) for i in range(5)], []),
    (4, "a_preparation_that_the_campaign_lacks",
     [{"catalyst": {"slots": ["Li"], "support": "MgO", "preparation": "milling"}, "values": {"C2_yield": 1}}],
     'preparations = ["co-precipitation", "sol-gel"]\n', [("Li:1/MgO|milling", 1.0, ANY)], []),
    (11, "a_row_without_its_condition", [row(["Li"], 3), row(["K"], 2, conditions={"temperature_C": 800})], TEMPERATURES,
     [("K:1/MgO", 2.0, (("temperature_C", 800.0),))], ["temperature_C"]),
    (11, "a_value_beyond_any_measurement", [row(["Li"], 1e300), row(["K"], 2)], "", [("K:1/MgO", 2.0, ANY)], ["too large"]),
    (21, "several_phases_on_a_support", [{"catalyst": "Mn/Na2WO4/SiO2", "values": {"C2_yield": 3}}], "",
     [("Mn:1;Na:2;W:1/SiO2", 3.0, ANY)], []),
    (21, "percentages_in_a_name", [row(["K"], 2), {"catalyst": "5wt%Ni/Al2O3", "values": {"C2_yield": 3}}], "",
     [("K:1/MgO", 2.0, ANY)], ["percent"]),
    (25, "tiny_and_large_values", [row(["Li"], 1e-150), row(["K"], -1e6)], "",
     [("K:1/MgO", -1e6, ANY), ("Li:1/MgO", 1e-150, ANY)], []),
]


ALLOYS = """
format = 1
name = "alloys"

[composition]
basis = "mole_fraction"
tolerance = 0.01

[[targets]]
name = "C2_yield"
unit = "%"
goal = "maximize"

[[space]]
kind = "simplex"
elements = ["Ag", "Pd", "Cu"]
step_at_percent = 10
max_elements = 3

[planner]
batch = 4

[retrain]
when = "by_hand"
"""


class Cases(Laboratory):
    def check(self, campaign, told, live, parts):
        self.assertEqual(self.live(campaign), sorted(live), told)
        heard = told + json.dumps(self.reasons(campaign), ensure_ascii=False)
        for part in parts:
            self.assertIn(part, heard.replace('\\"', '"'))

    def test_tables(self):
        doors = {"http": self.table_http, "cli": self.table_cli, "folder": self.table_folder}
        self.open("".join(self.folder_driver(self.folder, f"t{i}-folder", case[3]) for i, case in enumerate(TABLES)))
        for i, (kind, name, text, options, live, parts) in enumerate(TABLES):
            for door, deliver in doors.items():
                with self.subTest(kind=kind, name=name, door=door):
                    campaign = f"t{i}-{door}"
                    self.apply(campaign, TEMPERATURES if name in WITH_CONDITIONS else "")
                    told = deliver(campaign, text.encode(), **options)
                    # What a folder takes as a whole tells nobody anything: its notes are in the log.
                    quiet = door == "folder" and not self.reasons(campaign) and not told
                    self.check(campaign, told, live, [] if quiet and live else parts)

    def test_rows(self):
        self.open(broker=True)
        doors = {"http": self.rows_http, "ndjson": self.rows_ndjson, "cli": self.rows_cli, "client": self.rows_client,
                 "exec": self.rows_exec, "mqtt": self.rows_mqtt}
        for i, (kind, name, rows, conditions, live, parts) in enumerate(ROWS):
            for door, deliver in doors.items():
                with self.subTest(kind=kind, name=name, door=door):
                    campaign = f"r{i}-{door}"
                    self.apply(campaign, conditions)
                    self.check(campaign, deliver(campaign, rows), live, parts)

    def test_kind_9_replicates_repetitions_and_what_was_retracted(self):
        self.open()
        text = b"M1,Support,C2_yield\nLi,MgO,0\nK,MgO,0\n"
        for door, deliver in {"http": self.table_http, "cli": self.table_cli}.items():
            with self.subTest(door=door):
                campaign = f"nine-{door}"
                self.apply(campaign)
                deliver(campaign, text, run="monday")
                deliver(campaign, text, run="tuesday")
                self.assertEqual(len(self.live(campaign)), 4)
                deliver(campaign, text, run="tuesday")
                self.assertEqual(len(self.live(campaign)), 4)
                _, page = self.ask("GET", f"/v1/campaigns/{campaign}/measurements?limit=10")
                one = page["measurements"][0]["id"]
                self.ok("results", "retract", one, "--reason", "leak", "--url", self.url)
                self.assertEqual(len(self.live(campaign)), 3)
                self.assertIn("restore", deliver(campaign, text, run="monday"))
                self.ok("results", "restore", one, "--reason", "no leak", "--url", self.url)
                self.assertEqual(len(self.live(campaign)), 4)

    def test_kind_10_a_table_that_grew(self):
        self.open()
        first = "name,M1,Support,C2_yield\n" + "".join(f"s{i},Li,MgO,{i}\n" for i in range(36))
        grown = first + "s36,K,MgO,36\ns37,K,MgO,37\n"
        corrected = grown.replace("s3,Li,MgO,3\n", "s3,Li,MgO,3.5\n")
        for door, deliver in {"http": self.table_http, "cli": self.table_cli}.items():
            with self.subTest(door=door, identity="names"):
                campaign = f"ten-{door}"
                self.apply(campaign)
                for text in (first, grown, grown):
                    deliver(campaign, text.encode(), id="name")
                self.assertEqual(len(self.live(campaign)), 38)
                self.assertIn("other content", deliver(campaign, corrected.encode(), id="name"))
                deliver(campaign, corrected.encode(), id="name", revise="true")
                values = [value for _, value, _ in self.live(campaign)]
                self.assertEqual((len(values), 3.5 in values, 3.0 in values), (38, True, False))
            with self.subTest(door=door, identity="none"):
                campaign = f"tenbare-{door}"
                self.apply(campaign)
                bare = [text.replace("name,", "").replace("s", "") for text in (first, grown)]
                bare = ["\n".join(line.split(",", 1)[1] for line in text.strip().split("\n")[1:]) for text in (first, grown)]
                bare = ["M1,Support,C2_yield\n" + text + "\n" for text in bare]
                deliver(campaign, bare[0].encode())
                self.assertIn("36 of 38 rows are stored already", deliver(campaign, bare[1].encode()))
                self.assertEqual(len(self.live(campaign)), 36)
                deliver(campaign, bare[1].encode(), repeats="skip")
                self.assertEqual(len(self.live(campaign)), 38)

    def test_kind_10_a_name_that_stands_twice_is_asked_about(self):
        self.open()
        text = b"name,M1,Support,C2_yield\nB1,Li,MgO,3\nB1,Li,MgO,3\nB1,Li,MgO,4\nB2,Li,MgO,4\n"
        for door, deliver in {"http": self.table_http, "cli": self.table_cli}.items():
            with self.subTest(door=door):
                self.apply(f"twice-{door}")
                self.assertIn("name B1 stands in several rows", deliver(f"twice-{door}", text, id="name"))
                self.assertEqual(self.live(f"twice-{door}"), [])

    def test_kind_10_a_cell_that_was_emptied(self):
        self.open()
        first = "name,M1,Support,C2_yield\nA1,Li,MgO,7\nA2,K,MgO,8\nA3,Na,MgO,9\n"
        for door, deliver in {"http": self.table_http, "cli": self.table_cli}.items():
            for cell in ("", "n.d."):
                with self.subTest(door=door, cell=cell):
                    campaign = f"emptied-{door}{len(cell)}"
                    self.apply(campaign)
                    deliver(campaign, first.encode(), id="name")
                    now = first.replace("K,MgO,8", f"K,MgO,{cell}").encode()
                    self.assertIn("now says nothing", deliver(campaign, now, id="name"))
                    self.assertEqual(len(self.live(campaign)), 3)
                    deliver(campaign, now, id="name", revise="true")
                    self.assertEqual([value for _, value, _ in self.live(campaign)], [7.0, 9.0])

    def test_kind_10_a_table_of_nothing_but_emptied_cells(self):
        self.open()
        first = b"name,M1,Support,C2_yield\nA1,Li,MgO,7\nA2,K,MgO,8\n"
        now = b"name,M1,Support,C2_yield\nA2,K,MgO,n.d.\n"
        for door, deliver in {"http": self.table_http, "cli": self.table_cli}.items():
            with self.subTest(door=door):
                campaign = f"nothing-{door}"
                self.apply(campaign)
                self.assertIn("no row of the table holds a value", deliver(campaign, now, id="name"))
                deliver(campaign, first, id="name")
                self.assertIn("C2_yield is 8, the table now says nothing", deliver(campaign, now, id="name"))
                self.assertIn("1 value was taken back: A2 C2_yield = 8", deliver(campaign, now, id="name", revise="true"))
                self.assertEqual([value for _, value, _ in self.live(campaign)], [7.0])
                # The first table once more: what was taken back is asked about, and comes back.
                self.assertIn("was taken back, the table now says 8", deliver(campaign, first, id="name"))
                deliver(campaign, first, id="name", revise="true")
                self.assertEqual(sorted(value for _, value, _ in self.live(campaign)), [7.0, 8.0])
                self.assertIn("C2_yield is 8, the table now says nothing", deliver(campaign, now, id="name"))

    def test_kind_10_a_composition_that_was_a_slip(self):
        self.open()
        first = b"name,M1,Support,C2_yield\nA1,Li,MgO,7\nA2,K,MgO,8\n"
        now = first.replace(b"A1,Li,MgO", b"A1,Li,SiO2")
        for door, deliver in {"http": self.table_http, "cli": self.table_cli}.items():
            with self.subTest(door=door):
                campaign = f"slip-{door}"
                self.apply(campaign)
                deliver(campaign, first, id="name")
                # Beside another change both are named, so that --revise does no more than was asked about.
                both = now.replace(b"MgO,8", b"MgO,9")
                for text, places in ((now, "line 2"), (both, "line 2, line 3")):
                    told = deliver(campaign, text, id="name")
                    self.assertIn("sample A1: the catalyst is Li:1/MgO, the table now says Li:1/SiO2", told)
                    self.assertIn(f"({places})", told)
                    self.assertEqual(self.reasons(campaign), [])
                self.assertEqual([key for key, _, _ in self.live(campaign)], ["K:1/MgO", "Li:1/MgO"])
                deliver(campaign, now, id="name", revise="true")
                self.assertEqual([key for key, _, _ in self.live(campaign)], ["K:1/MgO", "Li:1/SiO2"])
                deliver(campaign, now, id="name")
                self.assertEqual(len(self.live(campaign)), 2)
                # There and back, with the same bytes and with others.
                for text, key in ((first, "Li:1/MgO"), (now, "Li:1/SiO2"), (first + b"A3,Na,MgO,9\n", "Li:1/MgO")):
                    self.assertIn("--revise", deliver(campaign, text, id="name"))
                    deliver(campaign, text, id="name", revise="true")
                    self.assertEqual([k for k, value, _ in self.live(campaign) if value == 7.0], [key])

    def test_kind_28_another_basis_over_stored_data_is_refused(self):
        self.open()
        self.apply("based")
        self.table_http("based", b"M1,Support,C2_yield\nLi,MgO,7\n")
        text = CAMPAIGN.replace("NAME", "based").replace("CONDITIONS", "") + '\n[composition]\noxygen = "counted"\n'
        status, answer = self.ask("POST", "/v1/campaigns", text.encode(), "application/toml")
        self.assertEqual(status, 409, answer)
        self.assertIn("1 measurement is kept", answer["detail"])

    def test_kind_9_a_table_is_read_anew_when_the_campaign_reads_more_of_it(self):
        self.open()
        text = b"M1,Support,T_C,C2_yield,CO_sel\nLi,MgO,700,7,50\nK,MgO,800,8,60\n"
        more = '[[properties]]\nname = "CO_sel"\nunit = "%"\n'
        for door, deliver in {"http": self.table_http, "cli": self.table_cli}.items():
            with self.subTest(door=door):
                campaign = f"amended-{door}"
                self.apply(campaign)
                deliver(campaign, text)
                self.assertEqual(len(self.live(campaign)), 2)
                self.apply(campaign, more)
                deliver(campaign, text)
                self.assertEqual(sorted(value for _, value, _ in self.live(campaign)), [7.0, 8.0, 50.0, 60.0])
                deliver(campaign, text)
                self.assertEqual(len(self.live(campaign)), 4)
                self.apply(campaign, more + "\n[conditions]\nT_C = [700, 800]\n")
                self.assertIn("--revise", deliver(campaign, text))
                deliver(campaign, text, revise="true")
                self.assertEqual(self.live(campaign), [("K:1/MgO", 8.0, (("T_C", 800.0),)), ("K:1/MgO", 60.0, (("T_C", 800.0),)),
                                                       ("Li:1/MgO", 7.0, (("T_C", 700.0),)), ("Li:1/MgO", 50.0, (("T_C", 700.0),))])

    def test_kind_5_what_was_told_stands_beside_what_it_became(self):
        self.open()
        self.ask("POST", "/v1/campaigns", ALLOYS.encode(), "application/toml")
        self.table_http("alloys", b"Ag,Pd,C2_yield\n0.205,0.795,1\n20,80,2\n0.2,0.8,3\n")
        self.rows_http("alloys", [{"catalyst": {"amounts": {"Ag": 50.34, "Pd": 49.66}, "unit": "wt%"}, "values": {"C2_yield": 4}}])
        _, page = self.ask("GET", "/v1/campaigns/alloys/measurements")
        self.assertEqual([(m["catalyst"]["key"], m["told"]) for m in page["measurements"]],
                         [("Ag:0.2;Pd:0.8", "0.205 Ag + 0.795 Pd"), ("Ag:0.2;Pd:0.8", "20 Ag + 80 Pd"), ("Ag:0.2;Pd:0.8", None),
                          ("Ag:0.5;Pd:0.5", "50.34 wt% Ag + 49.66 wt% Pd")])
        done = self.ok("results", "export", "alloys", "--url", self.url)
        self.assertIn("0.205 Ag + 0.795 Pd", done.stdout)

    def test_kind_15_exports_come_back(self):
        self.open()
        self.apply("out", TEMPERATURES)
        more = "".join(f"{m},none,SiO2,{700 + 50 * (i % 3)},s{i},{i}\n" for i, m in enumerate(("Mn", "Fe", "Co", "Ni", "Ca")))
        self.table_http("out", ('M1,M2,Support,temperature_C,sample,C2_yield\nLi,K,MgO,800,"=cmd",3\nNa,none,SiO2,700,-x,4\n'
                                + more).encode())
        file = self.folder / "export.csv"
        self.ok("results", "export", "out", "--out", str(file), "--url", self.url)
        for line in file.read_text(encoding="utf-8").splitlines():
            for cell in line.split(","):
                self.assertFalse(cell.strip('"').startswith(("=", "+", "@")), line)
        for door, deliver in {"http": self.table_http, "cli": self.table_cli}.items():
            self.apply(f"in-{door}", TEMPERATURES)
            deliver(f"in-{door}", file.read_bytes())
            self.assertEqual(self.live(f"in-{door}"), self.live("out"))
        self.json("fit", str(file), "--target", "C2_yield", "--conditions", "temperature_C", "--size", "1", "--order", "0",
                  "--time-limit", "1")

    def test_kind_19_a_profile_is_sent_with_its_table(self):
        self.open()
        table = b"Metall;Traeger;Ausbeute (%)\nLi;MgO;7,5\n"
        profile = ('delimiter = ";"\ndecimal = ","\n'
                   + "".join(f'[[columns]]\nheader = ["{header}"]\nas = "{use}"\n{more}'
                             for header, use, more in (("Metall", "slot", ""), ("Traeger", "support", ""),
                                                       ("Ausbeute", "value", 'name = "C2_yield"\nunit = "%"\n'))))
        self.apply("sent-http")
        for _ in range(2):
            status, answer = self.ask("POST", f"/v1/campaigns/sent-http/measurements?profile_bytes={len(profile)}",
                                      profile.encode() + table, "text/csv")
            self.assertEqual(status, 200, answer)
            self.assertEqual(self.live("sent-http"), [("Li:1/MgO", 7.5, ANY)])
        for length in ("0", "-1", "1.5", "x", str(len(profile) + len(table) + 1), "1e9"):
            status, answer = self.ask("POST", f"/v1/campaigns/sent-http/measurements?profile_bytes={length}",
                                      profile.encode() + table, "text/csv")
            self.assertEqual(status, 400, answer)
        self.apply("sent-cli")
        told = self.table_cli("sent-cli", table, profile=str(self.file("lab.toml", profile)))
        self.assertEqual(self.live("sent-cli"), [("Li:1/MgO", 7.5, ANY)], told)

    def test_kind_25_a_constant_target_is_said(self):
        rows = "".join(f"{m},MgO,5\n" for m in ("Li", "Na", "K", "Cs", "Ca", "Ba", "Mn", "Fe", "Co", "Ni"))
        done = self.run_program("fit", self.file("constant.csv", "M1,Support,y\n" + rows), "--target", "y", "--size", "1",
                                "--order", "0", "--time-limit", "1")
        self.assertIn("constant", done.stderr + done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
