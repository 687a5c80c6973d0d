"""The openai SDK against the simulated provider over TLS, with HTTP/2 and HTTP/1.1 and with the wrong authority."""

import httpx
import openai

from conversation import SIMULATOR, ask, client, converse, policy
from harness import Certificate, Penstock, Simulator, check

ours, theirs = Certificate("ours"), Certificate("theirs")
simulator = Simulator(*SIMULATOR, certificate=ours)
url = f"https://localhost:{simulator.port}"


def protocol_in_use(penstock, expected, label):
    with check(f"{label} is what the pool has"):
        pool = penstock.upstream()["pool"]
        assert pool["protocol"] == expected, pool
        connections = penstock.metric("penstock_connections", upstream="provider", protocol=expected)
        assert connections == pool["idle"] + pool["active"] + pool["connecting"] > 0, (connections, pool)


with Penstock(policy(url, f"tls: {{ca: {ours.authority}}}")) as penstock:
    converse(simulator, penstock, "TLS, protocol auto")
    protocol_in_use(penstock, "h2", "HTTP/2")

with Penstock(policy(url, f"tls: {{ca: {ours.authority}}}", "connections: {protocol: h1}")) as penstock:
    converse(simulator, penstock, "TLS, protocol h1")
    protocol_in_use(penstock, "h1", "HTTP/1.1")

with Penstock(policy(url, f"tls: {{ca: {ours.authority}}}"), certificate=ours) as penstock:
    with check("requests come in over TLS, too"):
        with httpx.Client(verify=ours.context()) as transport:
            api = client(penstock, http_client=transport)
            assert ask(api).choices
            assert len([chunk for chunk in ask(api, stream=True) if chunk.choices]) >= 4

for authority, whose in (
    (f"tls: {{ca: {theirs.authority}}}", "another authority"),
    ("private: false", "no known authority"),
):
    with Penstock(policy(url, authority)) as penstock:
        with check(f"a certificate of {whose} gives 502 and says so"):
            simulator.reset()
            try:
                ask(client(penstock))
                raise AssertionError("it was answered")
            except openai.APIStatusError as error:
                assert error.status_code == 502, error
                assert "error=tls_certificate_error" in error.response.headers["proxy-status"], error.response.headers
                assert error.response.headers["x-should-retry"] == "false", error.response.headers
            assert simulator.counts["requests"] == {}, simulator.counts
