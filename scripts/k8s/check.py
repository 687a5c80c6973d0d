"""All checks of what operators get; ends with 1 where one failed."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

import alerts
import board
import manifests
import policies
import program
from report import Report

ROOT = pathlib.Path(__file__).parents[2]


def dockerfile(report):
    if not shutil.which("hadolint"):
        return report.skip("Dockerfile", "hadolint is not installed")
    result = subprocess.run(["hadolint", ROOT / "Dockerfile"], capture_output=True, text=True)
    report.outcome("Dockerfile: hadolint", result.returncode == 0, result.stdout + result.stderr)


def main():
    report = Report()
    with tempfile.TemporaryDirectory(prefix="penstock-k8s-") as directory:
        scratch = pathlib.Path(directory)
        built = manifests.build(report, ROOT / "k8s")
        for name, objects in built.items():
            manifests.check(report, name, objects)
        policies.check(report, ROOT, built, scratch)
        dockerfile(report)
        exposed = program.exposed_metrics(report, scratch)
        alerts.check(report, ROOT, exposed, scratch)
        board.check(report, ROOT, exposed, scratch)
    return report.summary()


if __name__ == "__main__":
    sys.exit(main())
