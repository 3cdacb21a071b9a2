"""Kinds 26 to 36: what is planned and told. What needs a model is in C++ (tests/daemon/jobs, tests/core/planning)."""
import json
import struct
import unittest

from doors import CAMPAIGN, Laboratory, lab, wait_for

ONE_CATALYST = """
format = 1
name = "sweep"

[[targets]]
name = "C2_yield"
unit = "%"
goal = "maximize"

[[space]]
kind = "list"
catalysts = ["Li/MgO"]

[conditions]
temperature_C = [700, 750, 800, 850]
CH4_O2 = [2, 3, 4, 6]

[planner]
batch = 6
mix = { explore = 6 }

[retrain]
when = "by_hand"
"""


class Steering(Laboratory):
    def test_kind_26_proposals_that_differ_only_in_conditions(self):
        self.open()
        file = self.file("sweep.toml", ONE_CATALYST)
        self.assertEqual(self.json("campaign", "plan", file, "--url", self.url)["space_size"], 16)
        self.ok("campaign", "apply", file, "--url", self.url)
        wait_for(lambda: self.run_program("proposals", "take", "sweep", "--client", "me", "--batch", "6", "--url",
                                          self.url).returncode == 0, "a planned batch")
        _, page = self.ask("GET", "/v1/campaigns/sweep/proposals?limit=100")
        seen = {(p["catalyst"]["key"], json.dumps(p["conditions"], sort_keys=True)) for p in page["proposals"]}
        self.assertEqual((len(page["proposals"]), len(seen)), (6, 6))
        self.assertEqual(sorted(p["rank"] for p in page["proposals"]), [1, 2, 3, 4, 5, 6])

    def test_kind_28_and_34_amounts_and_preparations_come_by_table(self):
        self.open()
        text = CAMPAIGN.replace("NAME", "made").replace("CONDITIONS", 'preparations = ["impregnated", "sol-gel"]\n')
        status, answer = self.ask("POST", "/v1/campaigns", text.encode(), "application/toml")
        self.assertEqual(status, 201, answer)
        told = self.table_http("made", b"M1,Support,Preparation,C2_yield\nLi,MgO,impregnated,3\nLi,MgO,sol-gel,4\n")
        self.assertEqual(len({key for key, _, _ in self.live("made")}), 2, told)

    def test_kind_31_contradictions_are_found_before_planning(self):
        self.open()
        head, rest = CAMPAIGN.replace("NAME", "none").replace("CONDITIONS", "").split("[planner]")
        rules = '\n[[rules]]\nallow_elements = ["Li"]\n[[rules]]\nforbid_elements = ["Li"]\n'
        file = self.file("none.toml", head + rules + "\n[planner]" + rest)
        done = self.run_program("campaign", "plan", file, "--url", self.url)
        self.assertRegex(done.stdout + done.stderr, r"(?i)no element|leave|contradict|both")
        few = self.file("few.toml", ONE_CATALYST.replace("batch = 6", "batch = 40").replace("explore = 6", "explore = 40"))
        done = self.ok("campaign", "plan", few, "--url", self.url)
        self.assertRegex(done.stdout + done.stderr, r"16 candidates?|fewer")

    def test_kind_35_an_answer_to_what_is_no_json_has_a_key(self):
        self.open(broker=True)
        publisher = self.publisher
        topic = lab.text("lab/v1/site/room/rig-1/results")
        for number, payload in enumerate((b"no json", b'{"rows": [', b"[1]"), 1):
            publisher.send(0x32, topic + struct.pack(">H", number) + payload)

        def answered():
            publisher.listen()
            return len(publisher.answers) >= 3
        wait_for(answered, "three answers")
        for key, answer in publisher.answers.items():
            self.assertEqual(answer["status"], "refused")
            self.assertEqual(len(key), 64, "the SHA-256 of the payload, so that its sender knows which one was meant")

    def test_kind_35_a_repeated_delivery_is_counted_as_duplicate(self):
        self.open()
        self.apply("again")
        rows = [{"catalyst": "Li/MgO", "values": {"C2_yield": 3}}]
        for _ in range(2):
            (self.deliveries / "again.answer").unlink(missing_ok=True)
            self.rows_exec("again", rows)
        _, driver = self.ask("GET", "/v1/drivers/program")
        self.assertEqual((driver["accepted"], driver["duplicate"]), (1, 1))
        self.assertEqual(len(self.live("again")), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
