"""Every policy that a manifest carries passes `penstock check`."""

import os
import subprocess

import yaml


def check(report, root, built, scratch):
    policies = {str(path.relative_to(root)): path.read_text() for path in (root / "k8s").rglob("penstock.yaml")}
    for name, objects in built.items():
        for item in objects:
            if item["kind"] == "ConfigMap" and "penstock.yaml" in item["data"]:
                policies[f"{name}: the ConfigMap's policy"] = item["data"]["penstock.yaml"]
    compose = yaml.safe_load((root / "compose.yaml").read_text())
    policies["compose.yaml: its policy"] = compose["configs"]["policy"]["content"]
    for load in sorted((root / "scripts/load").glob("*.yaml")):
        policies[str(load.relative_to(root))] = load.read_text()
    for name, text in sorted(policies.items()):
        file = scratch / "policy.yaml"
        file.write_text(text)
        result = subprocess.run([os.environ["PENSTOCK"], "check", "--config", file], capture_output=True, text=True)
        report.outcome(f"{name}: penstock check", result.returncode == 0, result.stderr)
        for line in result.stderr.splitlines():
            if "not enforced" in line: print(f"         note:{line.split('policy.yaml', 1)[-1]}")
    report.all_hold("compose.yaml: what its services name is there", compose_mistakes(root, compose))
    report.skip("compose.yaml: its schema", "Docker Compose is not used here; it is read as YAML only")


def compose_mistakes(root, compose):
    stages = [line.split()[-1] for line in (root / "Dockerfile").read_text().splitlines()
              if line.startswith("FROM") and " AS " in line]
    for name, service in compose["services"].items():
        for source in service.get("configs", []):
            if source["source"] not in compose["configs"]: yield f"{name}: no config {source['source']}"
        for other in service.get("depends_on", []):
            if other not in compose["services"]: yield f"{name}: no service {other}"
        if service.get("build", {}).get("target", stages[0]) not in stages: yield f"{name}: no such stage"
    if "healthcheck" not in compose["services"]["penstock"]: yield "penstock: no health check"
