"""Alerts: their syntax, their unit tests, their metrics, and a place in the runbook for each."""

import re
import shutil
import subprocess

import expressions
import yaml


def check(report, root, exposed, scratch):
    headings = re.findall(r"^#+ (.*)$", (root / "docs/operations.md").read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
    for file in sorted((root / "k8s").rglob("alerts.yaml")):
        name = str(file.relative_to(root))
        rule = yaml.safe_load(file.read_text())
        folder = scratch / name.replace("/", "-")
        folder.mkdir()
        (folder / "rules.yaml").write_text(yaml.safe_dump(rule["spec"]))
        shutil.copy(file.with_name("alerts.test.yaml"), folder / "test.yaml")
        promtool(report, f"{name}: promtool check rules", "check", "rules", folder / "rules.yaml")
        promtool(report, f"{name}: promtool test rules", "test", "rules", folder / "test.yaml")
        rules = [one for group in rule["spec"]["groups"] for one in group["rules"]]
        report.all_hold(f"{name}: metrics of the program", [
            mistake for one in rules for mistake in expressions.mistakes(one["alert"], one["expr"], exposed)])
        report.all_hold(f"{name}: each alert is tested and has its place in the runbook", [
            *(f"{one['alert']}: no test" for one in rules if one["alert"] not in (folder / "test.yaml").read_text()),
            *(f"{one['alert']}: no {one['annotations']['runbook']}" for one in rules
              if one["annotations"]["runbook"] != f"docs/operations.md#{one['alert'].lower()}"
              or one["alert"].lower() not in anchors)])


def promtool(report, what, *arguments):
    if not shutil.which("promtool"):
        return report.skip(what, "promtool is not installed")
    result = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True)
    report.outcome(what, result.returncode == 0, result.stdout + result.stderr)
