"""Builds the kustomizations and holds every object against its schema and against the others."""

import re
import shutil
import subprocess

import kubernetes_validate
import yaml

# Native sidecars are on since 1.29, a preStop that sleeps since 1.30. The newest is what the package knows.
OLDEST = "1.30"
# Kinds of the Prometheus Operator, whose schemas no package brings. promtool reads the rules, ``references`` the
# PodMonitor.
WITHOUT_SCHEMA = {"monitoring.coreos.com/v1"}


def build(report, root):
    """By the folder's name: all objects of each kustomization that stands for itself."""
    folders = sorted(
        path.parent for path in root.rglob("kustomization.yaml") if "kind: Kustomization" in path.read_text())
    command = builder()
    if command is None:
        # What is in the files can still be validated; generators, patches and images can't.
        report.skip("kustomize build, and names that refer to others",
                    "neither kubectl nor kustomize is installed; plain files are validated alone")
        return {str(path.relative_to(root)): list(yaml.safe_load_all(path.read_text())) for path in plain_files(root)}
    built = {}
    for folder in folders:
        result = subprocess.run([*command, folder], capture_output=True, text=True)
        name = str(folder.relative_to(root))
        report.outcome(f"{name}: kustomize build", result.returncode == 0, result.stderr)
        if result.returncode == 0:
            built[name] = list(yaml.safe_load_all(result.stdout))
    return built


def builder():
    if shutil.which("kustomize"): return ["kustomize", "build"]
    if shutil.which("kubectl"): return ["kubectl", "kustomize"]
    return None


def plain_files(root):
    return [path for path in sorted(root.rglob("*.yaml"))
            if path.name != "kustomization.yaml" and re.search(r"^apiVersion:", path.read_text(), re.MULTILINE)]


def check(report, name, objects):
    versions = [OLDEST, kubernetes_validate.latest_version()]
    mistakes = [mistake for item in objects for version in versions for mistake in schema_mistakes(item, version)]
    report.all_hold(f"{name}: schemas of Kubernetes {' and '.join(versions)}", mistakes)
    for kind in sorted({item["kind"] for item in objects if item["apiVersion"] in WITHOUT_SCHEMA}):
        report.skip(f"{name}: schema of {kind}", "no package brings it")
    if builder(): report.all_hold(f"{name}: names that refer to others", references(objects))
    report.all_hold(f"{name}: containers are locked down", open_containers(objects))


def schema_mistakes(item, version):
    if item["apiVersion"] in WITHOUT_SCHEMA: return []
    try:
        kubernetes_validate.validate(item, version, strict=True)
        return []
    except kubernetes_validate.ValidationError as error:
        place = "/".join(str(part) for part in error.path)
        return [f"{version} {item['kind']} {item['metadata']['name']}: {place}: {error.message}"]


def pods(objects):
    return [item for item in objects if item["kind"] == "Deployment"]


def containers(item):
    spec = item["spec"]["template"]["spec"]
    return spec.get("initContainers", []) + spec["containers"]


def ports(item):
    return {port.get("name"): port["containerPort"] for container in containers(item)
            for port in container.get("ports", [])}


def references(objects):
    """What names something that is not there. Secrets come from the operator, so they may be missing."""
    names = {(item["kind"], item["metadata"]["name"]) for item in objects}
    for item in objects:
        name = f"{item['kind']} {item['metadata']['name']}"
        spec = item.get("spec", {})
        if item["kind"] == "Service":
            chosen = selected(objects, spec["selector"])
            if not chosen: yield f"{name}: selects no pod"
            for port in spec["ports"]:
                if any(port["targetPort"] not in ports(pod) for pod in chosen): yield f"{name}: no port {port}"
        elif item["kind"] == "NetworkPolicy":
            chosen = selected(objects, spec["podSelector"].get("matchLabels", {}))
            if not chosen: yield f"{name}: selects no pod"
            for rule in spec.get("ingress", []):
                for port in rule["ports"]:
                    if not any(port["port"] in ports(pod).values() for pod in chosen): yield f"{name}: no port {port}"
        elif item["kind"] == "PodMonitor":
            for endpoint in spec["podMetricsEndpoints"]:
                if not any(endpoint["port"] in ports(pod) for pod in pods(objects)):
                    yield f"{name}: no port {endpoint['port']}"
        elif item["kind"] == "HorizontalPodAutoscaler":
            target = spec["scaleTargetRef"]
            if (target["kind"], target["name"]) not in names: yield f"{name}: no {target}"
        elif item["kind"] == "Deployment":
            if not selected([item], spec["selector"]["matchLabels"]): yield f"{name}: its selector misses its pods"
            yield from (f"{name}: {mistake}" for mistake in missing_parts(item, names))


def selected(objects, labels):
    return [pod for pod in pods(objects)
            if labels.items() <= pod["spec"]["template"]["metadata"]["labels"].items()]


def missing_parts(item, names):
    volumes = {volume["name"]: volume for volume in item["spec"]["template"]["spec"].get("volumes", [])}
    for volume in volumes.values():
        if "configMap" in volume and ("ConfigMap", volume["configMap"]["name"]) not in names:
            yield f"no ConfigMap {volume['configMap']['name']}"
    for container in containers(item):
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes: yield f"no volume {mount['name']}"
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            for action in ("httpGet", "tcpSocket"):
                port = container.get(probe, {}).get(action, {}).get("port")
                if port and port not in {one.get("name") for one in container.get("ports", [])}:
                    yield f"{container['name']}: its {probe} asks at no port of its own"


def open_containers(objects):
    """The `restricted` Pod Security Standard, a read-only root and bounds on memory."""
    for item in pods(objects):
        pod = item["spec"]["template"]["spec"].get("securityContext", {})
        if not pod.get("runAsNonRoot"): yield f"{item['metadata']['name']}: may run as root"
        profile = pod.get("seccompProfile", {}).get("type")
        if profile != "RuntimeDefault": yield f"{item['metadata']['name']}: its system calls are not filtered"
        for container in containers(item):
            own = container.get("securityContext", {})
            if own.get("allowPrivilegeEscalation") is not False: yield f"{container['name']}: may gain privileges"
            if own.get("capabilities", {}).get("drop") != ["ALL"]: yield f"{container['name']}: keeps capabilities"
            if not own.get("readOnlyRootFilesystem"): yield f"{container['name']}: may write to its root"
            if "memory" not in container.get("resources", {}).get("limits", {}): yield f"{container['name']}: no bound"
