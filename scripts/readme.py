#!/usr/bin/env python3
"""Runs every command of README.md as it stands and in order, and checks the paths that both READMEs name.

    scripts/readme.py                              all, with the release build that the README makes
    scripts/readme.py --quick --bin .build/debug   without what builds or takes minutes, against another build

The commands run in a network and a mount namespace of their own (root, or a kernel that allows user namespaces): their
ports are free there, and api.openai.com is `penstock simulate` behind TLS, by an authority that everything trusts. What
serves stays until its ports are needed again. An `export` holds for the rest, and the OpenAI SDK has to go by it.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
README, TRANSLATION = ROOT / "README.md", ROOT / "README.zh-CN.md"
PROVIDER = "203.0.113.10"  # for documentation (RFC 5737), so no program takes it for a private address
PORTS = {"run": (8080, 9090), "simulate": (9999,)}
SDK = pathlib.Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "penstock/venv/openai/bin/python"
# Commands that are a step of .ci/run by themselves.
STEPS = {"scripts/test.sh": "step unit_tests"}
# Where something else than 0 is right: the exit code, what the output must say, and why.
EXITS = {"swift run -c release rehearse figures": (1, "of the targets are not reached", "the README says which")}
# Where curl gets something else than 200: the simulator was asked for that.
STATUSES = {"x-simulate: status=503": 503, "x-simulate: overloaded": 529}

parser = argparse.ArgumentParser()
parser.add_argument("--quick", action="store_true", help="leave out what builds or takes minutes: all of `swift`")
parser.add_argument("--bin", default=".build/release", help="the folder with the programs (%(default)s)")
parser.add_argument("--in-namespace", action="store_true", help=argparse.SUPPRESS)
chosen = parser.parse_args()
os.chdir(ROOT)
if not chosen.in_namespace:
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    os.execvp("unshare", ["unshare", *as_root, "--net", "--mount", __file__, "--in-namespace", *sys.argv[1:]])

# No setting of the caller's is to change what is tested.
for name in [name for name in os.environ if re.match(r"(?i)(https?|all|no)_proxy$|OPENAI_|PENSTOCK_", name)]:
    del os.environ[name]
os.environ["PENSTOCK"] = f"{chosen.bin}/penstock"
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "scripts/real-clients"))
from harness import PENSTOCK, Certificate, Process, accepts, directory, eventually, run
servers, failures = {}, []


def make_world():
    """Loopback with the provider's address and name, an authority for it, and a curl that says which status it got."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "address", "add", f"{PROVIDER}/32", "dev", "lo")
    certificate = Certificate("provider", host="api.openai.com")
    for path, more in (("/etc/hosts", f"{PROVIDER} api.openai.com\n"),
                       ("/etc/ssl/certs/ca-certificates.crt", certificate.authority.read_text())):
        copy = directory / pathlib.Path(path).name
        copy.write_text(pathlib.Path(path).read_text().rstrip("\n") + "\n" + more)
        run("mount", "--bind", copy, path)
    (directory / ".curlrc").write_text('no-progress-meter\nwrite-out = "%{stderr}\\nhttp_code=%{http_code}\\n"\n')
    os.environ.update(OPENAI_API_KEY="sk-test", CURL_HOME=str(directory))
    return certificate


def blocks(document):
    """The fenced blocks: the line where each begins, its language and its text."""
    for found in re.finditer(r"^```(.*)\n((?:.*\n)*?)```$", document, re.MULTILINE):
        yield document.count("\n", 0, found.start()) + 2, found[1], found[2]


def commands(document):
    for line, language, text in blocks(document):
        for found in re.finditer(r"(?:.*\\\n)*.+\n", text if language == "sh" else ""):
            yield line + text.count("\n", 0, found.start()), found[0].strip()


def perform(command):
    """Runs one command of the README; an AssertionError says what is wrong with it."""
    here = re.sub(r"\.build/release(?=/)", chosen.bin, command)
    if serving := re.match(r"\S*penstock (run|simulate)\b", here):
        return serve(serving[1], here.removesuffix("&"))
    expected, words, _ = EXITS.get(command, (0, "", ""))
    bound = "3600" if here.startswith("swift ") else "120"
    shell = f"{here}\nstatus=$?; env -0 >{directory}/environment; exit $status"
    ended = subprocess.run(["timeout", "--kill-after=10", bound, "bash", "-c", shell], errors="replace",
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = ended.stdout
    assert ended.returncode == expected and words in output, f"exit code {ended.returncode}\n{output}"
    if here.startswith("curl "):
        status = next((STATUSES[fault] for fault in STATUSES if fault in here), 200)
        assert output.endswith(f"\nhttp_code={status}\n"), f"not HTTP {status}\n{output}"
    if here.startswith("wrk "):
        assert not re.search(r"Non-2xx|connect [1-9]|^ +0 requests in", output, re.MULTILINE), output
    if here.startswith("export "):
        os.environ.update(re.findall(r"(?<!\w)(OPENAI_\w+)=([^\0]*)", (directory / "environment").read_text()))
        ask_by_sdk()


def serve(kind, command):
    """Starts a server and waits until it answers; it takes the place of the one before."""
    end(kind)
    servers[kind] = Process(kind, ["bash", "-c", f"exec {command}"])

    def answers():
        assert servers[kind].child.poll() is None, f"it ended\n{servers[kind].output}"
        return all(accepts(port) for port in PORTS[kind])
    eventually(answers, f"ports {PORTS[kind]}", 30)


def end(kind):
    if server := servers.pop(kind, None):
        server.stop()
        assert server.child.returncode == 0, f"the former ended with {server.child.returncode}\n{server.output}"


def ask_by_sdk():
    """The OpenAI SDK goes by the exports: its request comes to Penstock, for the tenant if one is said."""
    before = len(servers["run"].output)
    run(SDK, "-c", "import openai; assert openai.OpenAI(max_retries=0).models.list().data")
    words = '"tenant":"acme"' if "OPENAI_CUSTOM_HEADERS" in os.environ else '"tenant":'
    eventually(lambda: words in servers["run"].output[before:], "its line in the log")


def attempt(label, action, *arguments):
    began = time.monotonic()
    try:
        action(*arguments)
        print(f"ok     {time.monotonic() - began:6.1f} s  {label}", flush=True)
    except Exception as error:
        failures.append(label)
        print(f"not ok {time.monotonic() - began:6.1f} s  {label}: {str(error)[-1000:]}", flush=True)


def check_documents():
    """Links and paths lead somewhere, and both READMEs have the same commands and policies, and no other blocks."""
    checked = []
    for document in (README, TRANSLATION):
        text = document.read_text()
        for target in re.findall(r"\]\((?!\w+:)([^)]+)\)", text):
            path, _, anchor = target.partition("#")
            assert (ROOT / path).exists(), f"{document.name} links to {target}"
            headings = re.findall(r"^#+ (.*)", (ROOT / path).read_text(), re.MULTILINE) if anchor else []
            assert not anchor or anchor in [heading.lower().replace(" ", "-") for heading in headings], target
        for path in re.findall(r"(?<![\w/.])(?:\.ci|config|docs|k8s|scripts|Sources|Tests)/[\w./-]*\w", text):
            assert (ROOT / path).exists(), f"{document.name} names {path}"
        for line, language, block in blocks(text):
            assert language in ("sh", "yaml", "text"), f"{document.name}:{line} is a block of {language or 'nothing'}"
            assert language != "yaml" or block in (ROOT / "config/smallest.yaml").read_text(), f"{line}: not that file"
        checked.append([re.sub(r" +# .*", "", block) for _, language, block in blocks(text) if language != "text"])
    assert checked[0] == checked[1], f"other commands: {set(checked[0]) ^ set(checked[1])}"


attempt("links, paths and blocks of both READMEs", check_documents)
certificate, provider = make_world(), None
for line, command in commands(README.read_text()):
    label = f"README.md:{line}  " + re.sub(r"\s*\\\n\s*", " ", command)[:100]
    is_step = command in STEPS and STEPS[command] in (ROOT / ".ci/run").read_text()
    if is_step or chosen.quick and command.startswith("swift "):
        print(f"not here          {label}  ({f'.ci/run: {STEPS[command]}' if is_step else '--quick'})")
        continue
    if provider is None and pathlib.Path(PENSTOCK).exists():
        tls = "--tls-cert", certificate.certificate, "--tls-key", certificate.key
        provider = Process("provider", [PENSTOCK, "simulate", "--listen", f"{PROVIDER}:443", *tls])
        eventually(lambda: accepts(443, PROVIDER), "the provider", 30)
    attempt(label + (f"  ({EXITS[command][2]})" if command in EXITS else ""), perform, command)
for kind in list(servers): attempt(f"{kind} ends in good order", end, kind)
print(f"README.md: {len(failures)} not ok" + "".join(f"\n  {label}" for label in failures))
sys.exit(1 if failures else 0)
