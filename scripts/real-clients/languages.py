"""What programs without an SDK do, in other languages: each a small one of its own, run by what Debian has for it."""

import os
import pathlib
import shutil

from harness import Certificate, Penstock, Simulator, check, directory, run

HERE = pathlib.Path(__file__).parent
TEXT = "Water runs down the hill and turns a wheel water runs down"
POLICY = """
upstreams:
  openai:
    url: http://127.0.0.1:{port}
    provider: openai
    hosts: [api.openai.com]
    limits: [{{name: account, in_flight: 8}}]
"""


def said(penstock, text, expected, tenant):
    assert text.strip() == expected, text
    penstock.logs(tenant=tenant, outcome="ok")


def with_environment(environment, *command):
    return run("env", *(f"{name}={value}" for name, value in environment.items()), *command)


def curl(penstock, secure, ours):
    body = '{"model": "gpt-4o-mini", "max_tokens": 12, "messages": [{"role": "user", "content": "Say something."}]}'

    def ask(*arguments):
        return run("curl", "--silent", "--show-error", "--fail", "--max-time", 30, "--data", body, "--header",
                   "X-Tenant-Id: curl", "--write-out", " HTTP/%{http_version}", *arguments)

    for version, arguments in (
        ("1.1", [f"{penstock.url}/openai/v1/chat/completions"]),
        ("2", ["--http2-prior-knowledge", f"{penstock.url}/openai/v1/chat/completions"]),
        # curl asks to upgrade a POST as Java does.
        ("1.1", ["--http2", f"{penstock.url}/openai/v1/chat/completions"]),
        ("2", ["--cacert", ours.authority, f"{secure.url}/openai/v1/chat/completions"]),
        ("1.1", ["--proxy", penstock.url, "http://api.openai.com/v1/chat/completions"]),
    ):
        with check(f"curl: {' '.join(str(each) for each in arguments[:-1]) or 'as it is'}"):
            got = ask(*arguments)
            assert TEXT in got and got.endswith(f" HTTP/{version}"), got
    with check("curl: a stream"):
        got = run("curl", "--silent", "--no-buffer", "--max-time", 30, "--data", body.replace("{", '{"stream": true, ', 1),
                  f"{penstock.url}/openai/v1/chat/completions")
        assert got.count("data: ") == 15 and got.rstrip().endswith("data: [DONE]"), got


def node(penstock, secure, ours):
    program = HERE / "node" / "client.mjs"
    for mode in ("plain", "stream", "http2"):
        with check(f"Node: {mode}"):
            said(penstock, run("node", program, mode, f"{penstock.url}/openai/v1", f"node-{mode}"), TEXT, f"node-{mode}")
            trusting = {"NODE_EXTRA_CA_CERTS": ours.authority}
            got = with_environment(trusting, "node", program, mode, f"{secure.url}/openai/v1", f"node-tls-{mode}")
            said(secure, got, TEXT, f"node-tls-{mode}")


    proxy = {"HTTP_PROXY": f"http://node-user:any@127.0.0.1:{penstock.port}"}
    with check("Node: node:http through a proxy, by the provider's own name"):
        got = with_environment(proxy, "node", program, "proxy", "http://api.openai.com/v1")
        said(penstock, got, TEXT, "node-user")
    with check("Node: fetch does not read HTTP_PROXY before Node 24"):
        major = int(run("node", "--version").strip().lstrip("v").split(".")[0])
        script = f"fetch('{penstock.url}/openai/v1/models').then(r => console.log(r.status))"
        # Nothing listens there: it would fail if it went that way.
        got = with_environment({"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""}, "node", "--eval", script)
        assert major >= 24 or got.strip() == "200", got


def java(penstock, secure, ours):
    program = HERE / "java" / "Client.java"
    with check("Java: HTTP/1.1, plain and streamed, and its way to HTTP/2 without TLS, which is to ask for an upgrade"):
        got = run("java", "-XX:TieredStopAtLevel=1", program, f"{penstock.url}/openai/v1", "java", "-", "-",
                  "HTTP_1_1", "plain", "HTTP_1_1", "stream", "HTTP_2", "plain", "HTTP_2", "stream")
        # Penstock does not take the offer, so it stays HTTP/1.1.
        said(penstock, got, "\n".join([f"HTTP_1_1 200 {TEXT}"] * 4), "java")
    with check("Java: HTTP/2 over TLS, plain and streamed"):
        got = run("java", "-XX:TieredStopAtLevel=1", program, f"{secure.url}/openai/v1", "java-tls", ours.authority, "-",
                  "HTTP_2", "plain", "HTTP_2", "stream")
        said(secure, got, "\n".join([f"HTTP_2 200 {TEXT}"] * 2), "java-tls")
    with check("Java: through a proxy, by the provider's own name"):
        got = run("java", "-XX:TieredStopAtLevel=1", program, "http://api.openai.com/v1", "java-proxy", "-",
                  penstock.port, "HTTP_1_1", "plain")
        said(penstock, got, f"HTTP_1_1 200 {TEXT}", "java-proxy")


def go(penstock, secure, ours):
    program = directory / "go-client"
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "penstock" / "go"
    with_environment({"GOCACHE": cache, "GOFLAGS": "-mod=mod", "GO111MODULE": "off", "GOPROXY": "off", "CGO_ENABLED": "0"},
                     "go", "build", "-o", program, HERE / "go" / "main.go")
    for mode in ("plain", "stream"):
        with check(f"Go: {mode}, by HTTP/1.1, by HTTP/2 over TLS and through a proxy"):
            said(penstock, run(program, mode, f"{penstock.url}/openai/v1", f"go-{mode}"), f"HTTP/1.1 {TEXT}", f"go-{mode}")
            got = with_environment({"SSL_CERT_FILE": ours.authority}, program, mode, f"{secure.url}/openai/v1", "go-tls")
            said(secure, got, f"HTTP/2.0 {TEXT}", "go-tls")
            proxy = {"HTTP_PROXY": f"http://go-user:any@127.0.0.1:{penstock.port}"}
            got = with_environment(proxy, program, mode, "http://api.openai.com/v1", "")
            said(penstock, got, f"HTTP/1.1 {TEXT}", "go-user")


ours = Certificate("ours")
simulator = Simulator("--tokens-per-second", "2000")
penstock = Penstock(POLICY.format(port=simulator.port))
secure = Penstock(POLICY.format(port=simulator.port), certificate=ours)
for name, program in (("curl", curl), ("node", node), ("java", java), ("go", go)):
    assert shutil.which(name), f"{name} is not installed; run scripts/install-test-tools.sh --all"
    program(penstock, secure, ours)
