"""Writes docs/daemon-file.md from config/kasetsud.toml, whose comments say what every key means: python3 docs/daemon_file.py

tests/daemon/cli/docs_test.py fails when the page is not what this makes."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent

HEAD = """# The daemon's configuration file

`kasetsud --config FILE`; the package uses `/etc/kasetsu/kasetsud.toml`. Every key may be left out; an unknown one is an error with its line.
Flags of `kasetsud` go before the file. `kasetsud --config FILE --check-config` says whether it is right. SIGHUP (`systemctl reload
kasetsud`) reads it again: log level, tokens (also those of another `tokens.file`) and certificates change at once, the rest at the next start.
`config/kasetsud.toml`, from which this page is made (`docs/daemon_file.py`), is the same as a file.
"""


def cell(text):
    return text.replace("|", "\\|")


def page():
    out, rows, comment = [HEAD], [], []
    section = None

    def finish():
        if section is not None:
            out.append(f"## `[{section}]`\n")
            out.extend(["| key | default | meaning |", "|---|---|---|"])
            out.extend(f"| `{key}` | `{cell(value)}` | {cell(text)} |" for key, value, text in rows)
            out.append("")

    for line in (ROOT / "config" / "kasetsud.toml").read_text(encoding="utf-8").split("\n"):
        header = re.fullmatch(r"#? ?\[+([\w.]+)\]+.*", line)
        entry = re.fullmatch(r"(?:# )?(\w+) = (\"[^\"]*\"|\[[^\]]*\]|[^#]*?)\s*(?:#\s*(.*))?", line)
        more = re.fullmatch(r"\s+#\s*(.*)", line)
        if header:
            finish()
            section, rows, comment = header.group(1), [], []
        elif entry and section is not None:
            text = " ".join([*comment, entry.group(3) or ""]).strip()
            rows.append([entry.group(1), entry.group(2), text])
            comment = []
        elif more and rows:
            rows[-1][2] += " " + more.group(1)
        elif line.startswith("# ") and section is not None:
            comment.append(line[2:])
    finish()
    return "\n".join(out).rstrip("\n") + "\n"


if __name__ == "__main__":
    (ROOT / "docs" / "daemon-file.md").write_text(page(), encoding="utf-8")
