"""Changes the configuration of a running Penstock in every way in which whoever runs it does, under load."""

import json
import os
import re
import signal
import ssl
import subprocess
from threading import Thread

import httpx

from harness import PENSTOCK, Certificate, Penstock, Process, Simulator, check, directory, eventually, free_port

OLD_KEY, NEW_KEY = "sk-old-Hq4WcZ8uTb2LxVn6", "sk-new-Bf7YkPe9RdJs3MgA"
CHAT = {"model": "gpt-4o-mini", "max_tokens": 4, "messages": [{"role": "user", "content": "Say something."}]}

simulator = Simulator("--latency", "10ms..60ms", "--tokens-per-second", "200")
secret, config = directory / "key", directory / "penstock.yaml"


def policy(in_flight=20, more="", head=""):
    return f"""{head}
upstreams:
  provider:
    url: http://127.0.0.1:{simulator.port}
    provider: openai
    credential: {{file: {secret}}}
    limits: [{{name: account, in_flight: {in_flight}}}]
    queue: {{max_requests_per_tenant: 1000}}
{more}"""


def replace(path, text):
    """As editors write: beside it, then over it."""
    beside = path.with_suffix(".new")
    beside.write_text(text)
    os.rename(beside, path)


class Volume:
    """A directory as Kubernetes mounts a ConfigMap: each file is a link through the link of the present version."""

    def __init__(self, text):
        self.path = directory / "volume"
        self.path.mkdir()
        self.versions = 0
        self.write(text)
        (self.path / "penstock.yaml").symlink_to("..data/penstock.yaml")

    def write(self, text):
        self.versions += 1
        version = f"..2026_01_{self.versions:02}"
        (self.path / version).mkdir()
        (self.path / version / "penstock.yaml").write_text(text)
        (self.path / "..data_tmp").symlink_to(version)
        os.rename(self.path / "..data_tmp", self.path / "..data")


class Load:
    """Calls one after the other on many threads until it ends; every second one streams."""

    def __init__(self, penstock, threads=20):
        self.statuses, self.errors, self.is_over = [], [], False
        self.threads = [Thread(target=self.call, args=[penstock, number % 2 == 0]) for number in range(threads)]
        for thread in self.threads: thread.start()

    def call(self, penstock, is_stream):
        with httpx.Client(trust_env=False, timeout=30) as client:
            while not self.is_over:
                try:
                    answer = client.post(
                        f"{penstock.url}/provider/v1/chat/completions", json=CHAT | {"stream": is_stream})
                    assert answer.text.endswith("data: [DONE]\n\n") or not is_stream, answer.text[-100:]
                    self.statuses.append(answer.status_code)
                except Exception as error:
                    self.errors.append(repr(error))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        self.is_over = True
        for thread in self.threads: thread.join(30)

    def goes_on(self, calls):
        """So many more calls are answered."""
        wanted = len(self.statuses) + calls
        eventually(lambda: self.errors or len(self.statuses) >= wanted, f"{calls} more answers", 30)
        self.is_whole()

    def is_whole(self):
        assert not self.errors and set(self.statuses) <= {200}, (self.errors[:3], set(self.statuses))


def post(penstock, path="/reload", **fields):
    return httpx.post(f"http://127.0.0.1:{penstock.admin_port}{path}", headers=fields, trust_env=False, timeout=30)


def call(penstock, name="provider"):
    return httpx.post(f"{penstock.url}/{name}/v1/chat/completions", json=CHAT, trust_env=False, timeout=30)


def limit(penstock):
    return penstock.metric("penstock_limit_value", upstream="provider", limit="account", unit="in_flight")


def said(penstock, message):
    """The lines of the log with this message."""
    whole = penstock.output[: penstock.output.rfind("\n") + 1].splitlines()
    return [line for line in (json.loads(line) for line in whole if line.startswith("{"))
            if line["message"] == message]


def changes(penstock):
    return [line["change"] for line in said(penstock, "Configuration changed")]


secret.write_text(OLD_KEY + "\n")
config.write_text(policy())
with Penstock(None, config=config) as penstock, Load(penstock) as load:
    load.goes_on(20)

    with check("SIGHUP: a file that was written holds, and the log says what has changed"):
        config.write_text(policy(19))
        penstock.child.send_signal(signal.SIGHUP)
        eventually(lambda: limit(penstock) == 19, "the new limit")
        eventually(lambda: changes(penstock) == ["upstream provider, limit account: in_flight 20 → 19"], "the log")
        load.goes_on(20)

    with check("a file that was written in place, or replaced as editors do it, holds after a moment"):
        config.write_text(policy(18))
        eventually(lambda: limit(penstock) == 18, "the written file's limit")
        replace(config, policy(17))
        eventually(lambda: limit(penstock) == 17, "the other file's limit")
        assert penstock.metric("penstock_config_reload_failed") == 0
        load.goes_on(20)

    with check("a broken file changes nothing: every mistake is in the log with its place, and the metric says so"):
        replace(config, policy(16).replace("provider: openai", "provder: openai").replace("in_flight", "in_fligth"))
        eventually(lambda: penstock.metric("penstock_config_reload_failed") == 1, "the metric")
        mistakes = [line["mistake"] for line in said(penstock, "Mistake in the configuration")]
        assert any(re.match(rf"{re.escape(str(config))}:5:5: error: .*`provider`", line) for line in mistakes), mistakes
        assert any(re.match(rf"{re.escape(str(config))}:7:\d+: error: .*in_flight", line) for line in mistakes), mistakes
        answer = post(penstock)
        assert answer.status_code == 422 and answer.text.splitlines() == mistakes, answer.text
        assert limit(penstock) == 17
        load.goes_on(20)
        replace(config, policy(15))
        eventually(lambda: limit(penstock) == 15, "the mended file's limit")
        assert penstock.metric("penstock_config_reload_failed") == 0

    with check("POST /reload answers what has changed"):
        replace(config, policy(14, more="  second: {url: \"http://127.0.0.1:9\"}\n", head="workers: 3"))
        lines = post(penstock).text.splitlines()
        assert lines[0] == "reloaded", lines
        assert "upstream provider, limit account: in_flight 15 → 14" in lines and "upstream second added" in lines, lines
        assert any(re.match(r"needs a restart: workers \d → 3", line) for line in lines) or os.cpu_count() == 3, lines
        assert post(penstock).text.splitlines()[0] == "nothing has changed"
        assert call(penstock, "second").status_code in (502, 503)
        load.goes_on(20)

    with check("a page in a browser can't, unless it comes from here and the policy lets it"):
        own = f"http://127.0.0.1:{penstock.admin_port}"
        for path in ("/reload", "/drain"):
            for fields in ({"Origin": "http://evil.example"}, {"Origin": own}, {"Sec-Fetch-Site": "cross-site"},
                           {"Host": "evil.example"}):
                assert post(penstock, path, **fields).status_code == 403, (path, fields)
        replace(config, policy(14, head="admin: {allow_changes: true}"))
        assert post(penstock).status_code == 200
        assert post(penstock, Origin=own).status_code == 200
        assert post(penstock, Origin="http://evil.example").status_code == 403
        assert penstock.admin("/readyz").status == 200

    with check("a secret that is replaced is used from the next request on"):
        replace(secret, NEW_KEY + "\n")
        eventually(lambda: "upstream provider: credential has a new value" in changes(penstock), "the log")
        load.goes_on(20)

    with check("GET /config shows all that holds, and no secret"):
        text = penstock.admin("/config").text
        assert 'credential: "***"' in text and "in_flight: 14" in text and "allow_changes: true" in text, text
        assert f"{penstock.port}" in text and "queue:" in text
        for key in (OLD_KEY, NEW_KEY): assert key not in text and key not in penstock.output

    with check("200 requests are under way while twenty policies follow one another, and none is lost"):
        with Load(penstock, threads=200) as many:
            for round in range(20):
                replace(config, policy(40 + round, more="  second: {url: \"http://127.0.0.1:9\"}\n" * (round % 2)))
                assert post(penstock).status_code == 200
                many.goes_on(20)
        load.end()
        for one in (many, load): one.is_whole()
        eventually(penstock.is_idle, "an empty ledger")

with Penstock(None, config=config) as penstock:
    with check("an upstream that is removed is not found any more"):
        assert call(penstock).status_code == 200
        replace(config, policy(14).replace("  provider:\n", "  other:\n    default: false\n"))
        post(penstock).raise_for_status()
        assert call(penstock).status_code == 404
        assert call(penstock, "other").status_code == 200

volume = Volume(policy(10))
with Penstock(None, config=volume.path / "penstock.yaml") as penstock, Load(penstock, threads=5) as load:
    with check("a ConfigMap that changes is read, version after version"):
        for in_flight in (11, 12):
            volume.write(policy(in_flight))
            eventually(lambda: limit(penstock) == in_flight, "the new version's limit")
            load.goes_on(10)

old, new = Certificate("old"), Certificate("new")
certificate, key = directory / "tls.crt", directory / "tls.key"
certificate.write_bytes(old.certificate.read_bytes())
key.write_bytes(old.key.read_bytes())


class Pair:
    certificate, key = certificate, key


with Penstock(policy(), certificate=Pair) as penstock:
    def status(authority):
        context = ssl.create_default_context(cafile=authority.authority)
        with httpx.Client(verify=context, trust_env=False) as client:
            return client.get(f"{penstock.url}/provider/v1/models").status_code

    with check("a certificate that is renewed is shown to those who come from then on"):
        assert status(old) == 200
        replace(certificate, new.certificate.read_text())
        eventually(lambda: penstock.metric("penstock_config_reload_failed") == 1, "the half of a pair to be refused")
        assert status(old) == 200
        replace(key, new.key.read_text())
        eventually(lambda: penstock.metric("penstock_config_reload_failed") == 0, "the whole pair to be taken")
        assert status(new) == 200
        eventually(lambda: f"{certificate} read again" in changes(penstock), "the log")

old, new = Certificate("admin-old"), Certificate("admin-new")
certificate, key = directory / "admin.pem", directory / "admin.key"
admin = f"localhost:{free_port()}"
replace(certificate, old.certificate.read_text())
replace(key, old.key.read_text())
replace(config, f"""
listen: 127.0.0.1:{free_port()}
admin: {{address: "{admin}", tls: {{cert: {certificate}, key: {key}}}}}
upstreams: {{provider: {{url: "http://127.0.0.1:{simulator.port}"}}}}
""")
with Process("run", [PENSTOCK, "run", "--config", config]) as penstock:
    def status(authority):
        return httpx.get(
            f"https://{admin}/readyz", verify=ssl.create_default_context(cafile=authority.authority),
            trust_env=False).status_code

    def ask(*arguments):
        asked = subprocess.run([PENSTOCK, *map(str, arguments)], capture_output=True, text=True, timeout=30)
        return asked.returncode, asked.stdout + asked.stderr

    with check("the admin address with a certificate: pages, `health` and `top` over TLS, and none without it"):
        eventually(lambda: "Started" in penstock.output, "the start")
        assert status(old) == 200
        assert ask("health", "--config", config)[0] == 0
        assert ask("health", "--admin", f"https://{admin}", "--ca", old.authority)[0] == 0
        for mistaken in (("--admin", f"https://{admin}"), ("--admin", admin),
                         ("--admin", f"https://{admin}", "--ca", new.authority)):
            code, text = ask("health", *mistaken)
            assert code == 1 and "no answer" in text, (mistaken, code, text)
        code, text = ask("top", "--once", "--admin", f"https://{admin}", "--ca", old.authority)
        assert code == 0 and "provider" in text, text
        assert ask("top", "--once", "--admin", f"https://{admin}")[0] == 2

    with check("and its certificate is renewed like the others"):
        replace(certificate, new.certificate.read_text())
        replace(key, new.key.read_text())
        eventually(lambda: f"{certificate} read again" in changes(penstock), "the log")
        assert status(new) == 200
        assert ask("health", "--config", config)[0] == 0
