"""Promise 12 through the doors: tables that grow, are corrected, sorted anew, split and sent again by HTTP, folder, command
line, MQTT and the exec door leave the measurements of their last state. The same at 10,000 tables through the intake alone:
tests/daemon/campaign/ingest/table_histories_test.cc."""
import json
import random
import unittest

from doors import CAMPAIGN, Laboratory, wait_for

HISTORIES = 60
SLOTS = ["Li", "Na", "K", "Cs", "none"]


class Row:
    def __init__(self, name, slots, support, temperature, value):
        self.name, self.slots, self.support, self.temperature, self.value = name, slots, support, temperature, value

    def key(self):
        counts = {slot: self.slots.count(slot) for slot in self.slots if slot != "none"}
        return (";".join(f"{symbol}:{counts[symbol]}" for symbol in sorted(counts)) or "-") + "/" + self.support

    def live(self):
        return self.key(), self.value, (("T", self.temperature),)


class Histories(Laboratory):
    def make_rows(self, kind):
        rows = []
        for number in range(self.draw.randint(1, 6)):
            if rows and self.draw.random() < 0.25:  # a replicate that gave the same number
                last = rows[-1]
                rows.append(Row(f"r{number}", last.slots, last.support, last.temperature, last.value))
                continue
            rows.append(Row(str(number + 1) if kind == "sequence" else f"r{number}", [self.draw.choice(SLOTS) for _ in range(2)],
                            self.draw.choice(["MgO", "SiO2"]), self.draw.choice([700.0, 750.5]), self.draw.randint(0, 400) / 10))
        if kind == "sequence":
            for number, row in enumerate(rows):
                row.name = str(number + 1)
        return rows

    def table(self, rows, kind):
        """As laboratories write it: columns, delimiter, decimal sign, order and form of the composition differ each time."""
        delimiter = self.draw.choice([",", ";", "\t"])
        comma = delimiter == ";" and self.draw.random() < 0.5
        header = ["catalyst"] if self.draw.random() < 0.3 else ["M1", "M2", "Support"]
        header += ["T", "C2_yield"] + ([kind] if kind else []) + (["remark"] if self.draw.random() < 0.3 else [])
        self.draw.shuffle(header)

        def cell(row, column):
            if column in ("T", "C2_yield"):
                number = row.temperature if column == "T" else row.value
                text = f"{number:.2f}" if self.draw.random() < 0.3 else f"{number:g}"
                return text.replace(".", ",") if comma else text
            return {"catalyst": row.key(), "M1": row.slots[0], "M2": row.slots[1], "Support": row.support,
                    "remark": "seen"}.get(column, row.name)
        lines = ["Results of the rig" + 2 * delimiter] if self.draw.random() < 0.25 else []
        lines.append(delimiter.join(header))
        for row in rows:
            lines.append(delimiter.join(f'"{text}"' if delimiter in text else text
                                        for text in (cell(row, column) for column in header)))
        return ("\n".join(lines) + "\n").encode()

    def send_json(self, name, rows, revise):
        members = {"source": "lab", "run": name, "revise": revise}
        door = self.draw.choice(["http", "mqtt", "exec"])
        if door == "http":
            delivery = json.dumps({**members, "rows": rows}).encode()
            answer = self.ask("POST", f"/v1/campaigns/{name}/measurements", delivery)[1]
        elif door == "mqtt":
            answer = json.loads(self.rows_mqtt(name, rows, **members))
        else:
            answer = json.loads(self.rows_exec(name, rows, key=f"{name}-{self.draw.random()}", **members))
        self.assertEqual(answer.get("quarantined"), 0, answer)
        self.assertEqual(answer["accepted"] + answer["flagged"] + answer["duplicate"], len(rows), answer)

    def send(self, name, rows, kind, revise=False):
        rows = list(rows)
        self.draw.shuffle(rows)
        options = {"source": "lab", "run": name}
        if revise:
            options["revise"] = "true"
        if not kind:
            options["repeats"] = "skip"
        door = self.draw.choice(["http", "cli"] if revise else ["http", "cli", "folder"])
        if kind == "sequence" and self.draw.random() < 0.4:
            self.send_json(name, [
                {"catalyst": {"slots": row.slots, "support": row.support}, "conditions": {"T": row.temperature},
                 "sequence": int(row.name), "values": {"C2_yield": row.value}} for row in rows], revise)
            return
        text = self.table(rows, kind)
        if door == "folder":
            self.assertEqual(self.table_folder(name, text), "", text)
            return
        told = (self.table_http if door == "http" else self.table_cli)(name, text, **options)
        self.assertNotIn("reason", told.replace('"reason": null', ""), text)
        self.assertNotIn("kasetsu:", told, text)

    def history(self, name, kind):
        rows = self.make_rows(kind)

        def send_part():
            # Without names only whole tables that grew tell which rows are replicates.
            part = (rows[:self.draw.randint(1, len(rows))] if not kind else [row for row in rows if self.draw.random() < 0.5])
            if part:
                self.send(name, part, kind)
        for _ in range(self.draw.randint(0, 2)):
            send_part()
        self.send(name, rows, kind)
        if kind and self.draw.random() < 0.5:
            for row in rows:
                if self.draw.random() < 0.5:
                    row.value = self.draw.randint(0, 400) / 10
            self.send(name, rows, kind, revise=True)
        for _ in range(self.draw.randint(0, 2)):
            send_part()
        self.assertEqual(self.live(name), sorted(row.live() for row in rows))

    def test_sixty_histories_through_the_doors(self):
        self.draw = random.Random(20261130)
        names = [f"history-{number}" for number in range(HISTORIES)]
        kinds = {name: ("sample", "sequence", "")[number % 3] for number, name in enumerate(names)}
        self.open("".join(self.folder_driver(self.folder, name, {"source": "lab", "run": name,
                                                                 "repeats": "ask" if kinds[name] else "skip"}) for name in names),
                  broker=True)
        wait_for(lambda: len(self.ask("GET", "/v1/drivers")[1]["drivers"]) > HISTORIES, "the drivers")
        for name in names:
            text = CAMPAIGN.replace("NAME", name).replace("CONDITIONS", "\n[conditions]\nT = [700, 750.5]\n")
            self.assertEqual(self.ask("POST", "/v1/campaigns", text.encode(), "application/toml")[0], 201)
            with self.subTest(history=name, identity=kinds[name] or "none"):
                self.history(name, kinds[name])


if __name__ == "__main__":
    unittest.main(verbosity=2)
