"""The table of docs/sdks.md, from what the checks have shown.

    SDK_FACTS=DIRECTORY python table.py           says where the page differs from what was shown
    SDK_FACTS=DIRECTORY python table.py --write   puts it there
"""

import difflib
import json
import os
import pathlib
import sys

PAGE = pathlib.Path(__file__).parents[3] / "docs" / "sdks.md"
START, END = "<!-- what scripts/real-clients/run.sh sdks shows -->", "<!-- end -->"


class Facts(dict):
    """What has been shown of one SDK."""

    def __init__(self, face):
        super().__init__()
        name, _, rest = face.name.partition(" ")
        self.version, _, variant = rest.partition(" ")
        self.name = f"{name} {variant}".strip() if not self.version.endswith(",") else f"{name}, {variant}"
        self.version = self.version.rstrip(",")

    def keep(self):
        if directory := os.environ.get("SDK_FACTS"):
            file = pathlib.Path(directory) / f"{self.name} {self.version}.json".replace("/", "-")
            file.write_text(json.dumps({"sdk": self.name, "version": self.version, "facts": self}))


def number(version):
    return [int(part) for part in version.split(".")]


def table(directory):
    """One row for all versions of an SDK of which the same was shown."""
    rows = {}
    for file in pathlib.Path(directory).glob("*.json"):
        fact = json.loads(file.read_text())
        key = (fact["sdk"], json.dumps(fact["facts"]))
        rows.setdefault(key, []).append(fact["version"])
    columns = list(json.loads(next(iter(rows))[1]))
    lines = [["SDK", "versions", *columns], ["---"] * (len(columns) + 2)]
    for (sdk, facts), versions in sorted(rows.items(), key=lambda row: (row[0][0], [-part for part in number(row[1][0])])):
        lines.append([sdk, ", ".join(sorted(versions, key=number, reverse=True)), *json.loads(facts).values()])
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def main():
    page = PAGE.read_text()
    before, _, rest = page.partition(START + "\n")
    shown, _, after = rest.partition(END)
    found = "\n" + table(os.environ["SDK_FACTS"]) + "\n"
    if "--write" in sys.argv:
        PAGE.write_text(before + START + "\n" + found + END + after)
    elif found != shown:
        print(*difflib.unified_diff(shown.splitlines(), found.splitlines(), "docs/sdks.md", "shown", lineterm=""), sep="\n")
        print("not ok - docs/sdks.md says what the checks show")
        sys.exit(1)
    else:
        print("ok - docs/sdks.md says what the checks show")


if __name__ == "__main__":
    main()
