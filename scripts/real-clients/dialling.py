"""nginx as the provider and tinyproxy on the way to it: connections that end after a few requests, one HTTP/2 stream
each, and a tunnel with and without a password."""

import concurrent.futures
import shutil

import httpx

from harness import SECRET, Certificate, Penstock, Process, accepts, check, directory, eventually, free_port

REQUESTS = 60
USER = "penstock"

ours = Certificate("ours")
nginx_port, tunnel_port = free_port(), free_port()


def program(name):
    # Debian keeps servers where no shell of a user looks.
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin") or name


def nginx(*lines):
    """nginx over TLS with HTTP/2 that answers every request with its number on the connection."""
    place = directory / f"nginx-{len(list(directory.iterdir()))}"
    place.mkdir()
    temporary = "\n".join(
        f"{kind}_temp_path {place}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    extra = "\n".join(lines)
    (place / "nginx.conf").write_text(f"""
daemon off; master_process off; pid {place}/pid; error_log stderr warn;
events {{ worker_connections 512; }}
http {{
  access_log {place}/access.log; {temporary}
  server {{
    listen 127.0.0.1:{nginx_port} ssl http2;
    ssl_certificate {ours.certificate}; ssl_certificate_key {ours.key};
    {extra}
    location / {{ return 200 "$connection $connection_requests\\n"; }}
  }}
}}
""")
    server = Process("nginx", [program("nginx"), "-p", place, "-e", "stderr", "-c", place / "nginx.conf"])
    eventually(lambda: accepts(nginx_port), "nginx")
    return server


def tinyproxy(*lines):
    rules = directory / f"tinyproxy-{len(list(directory.iterdir()))}.conf"
    rules.write_text("\n".join([
        f"Port {tunnel_port}", "Listen 127.0.0.1", "Timeout 20", "MaxClients 100", "Allow 127.0.0.1",
        f"ConnectPort {nginx_port}", *lines]) + "\n")
    server = Process("tinyproxy", [program("tinyproxy"), "-d", "-c", rules])
    eventually(lambda: accepts(tunnel_port), "tinyproxy")
    return server


def policy(*more):
    return "\n    ".join([
        "upstreams:\n  provider:", f"url: https://localhost:{nginx_port}", f"tls: {{ca: {ours.authority}}}",
        "limits: [{in_flight: 20}]", *more]) + "\n"


def call(penstock, method="POST"):
    return httpx.request(method, f"{penstock.url}/provider/v1", content="x", timeout=20, trust_env=False)


def many(penstock):
    """Answers to many requests, ten at a time; each is a connection's number and that of the request on it."""
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: call(penstock), range(REQUESTS)))
    wrong = [(answer.status_code, answer.text) for answer in answers if answer.status_code != 200]
    assert not wrong, wrong
    return [tuple(map(int, answer.text.split())) for answer in answers]


for protocol in ("h1", "h2"):
    with nginx("keepalive_requests 3;"), Penstock(policy(f"connections: {{protocol: {protocol}}}")) as penstock:
        with check(f"{protocol}: connections that nginx ends after three requests lose none"):
            served = many(penstock)
            assert max(number for _, number in served) <= 3, served
            assert len(set(served)) == REQUESTS, served
            eventually(penstock.is_idle, "all to be settled")

with nginx("http2_max_concurrent_streams 1;"), Penstock(policy()) as penstock:
    with check("one stream on each connection of nginx: several connections, none more than are needed, none lost"):
        served = many(penstock)
        assert 1 < len({connection for connection, _ in served}) <= 20, served
        assert penstock.upstream()["pool"]["protocol"] == "h2", penstock.upstream()

with nginx(), tinyproxy(), Penstock(policy(f"proxy: http://127.0.0.1:{tunnel_port}")) as penstock:
    with check("through tinyproxy: HTTP/2 over TLS in its tunnel"):
        many(penstock)
        assert penstock.upstream()["pool"]["protocol"] == "h2", penstock.upstream()

environment = {"TUNNEL": f"http://{USER}:{SECRET}@127.0.0.1:{tunnel_port}"}
with nginx(), tinyproxy(f"BasicAuth {USER} {SECRET}"):
    with Penstock(policy("proxy: {env: TUNNEL}", "connections: {protocol: h1}"), environment=environment) as penstock:
        with check("through tinyproxy with a password, which no log shows"):
            many(penstock)
            assert SECRET not in penstock.output and SECRET not in penstock.admin("/").text
    with Penstock(policy(f"proxy: http://127.0.0.1:{tunnel_port}", "retry: {attempts: 1}")) as penstock:
        with check("tinyproxy's 407 becomes a 502 that says so"):
            answer = call(penstock)
            assert answer.status_code == 502, answer
            assert "the proxy on the way to it answered 407" in answer.text, answer.text
            assert "error=proxy_configuration_error" in answer.headers["proxy-status"], answer.headers

with tinyproxy(), Penstock(policy(f"proxy: http://127.0.0.1:{tunnel_port}", "retry: {attempts: 1}")) as penstock:
    with check("tinyproxy that can't reach the provider becomes a 502 that says so"):
        answer = call(penstock)
        assert answer.status_code == 502, answer
        assert "the proxy on the way to it answered 50" in answer.text, answer.text

with Penstock(policy(f"proxy: http://127.0.0.1:{tunnel_port}", "retry: {attempts: 1}")) as penstock:
    with check("a proxy that is not there is named"):
        answer = call(penstock)
        assert answer.status_code == 502, answer
        assert "the proxy on the way to it refused the connection" in answer.text, answer.text
