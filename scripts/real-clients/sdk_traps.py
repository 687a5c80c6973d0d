"""What official SDKs do that is easily got wrong between them and their providers."""

import json
import os
import threading
import time
import urllib.parse
from unittest import mock

import anthropic
import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import openai

from harness import SECRET, Certificate, Penstock, Simulator, check, directory, eventually
from sdk.anthropic_sdk import Anthropic
from sdk.bedrock_sdk import KEY, Bedrock
from sdk.face import MESSAGES
from sdk.google_sdk import Google
from sdk.openai_sdk import DashScope, OpenAI
from sdk.provider import Provider, Tunnel

MIB = 1 << 20
REAL = Bedrock.host


def upstream(name, url, provider, *more):
    return "\n    ".join([f"  {name}:", f"url: {url}", f"provider: {provider}", *more]) + "\n"


def long_hints(simulator):
    """SDKs take a wait above 60 s for nonsense and come back at once, or believe it and sleep for an hour."""
    address = f"http://127.0.0.1:{simulator.port}"
    queue = "queue: {timeout: 10s}"
    with Penstock("upstreams:\n" + "".join([
        upstream("openai", f"{address}/openai", "openai", "limits: [{in_flight: 8}]", queue),
        upstream("anthropic", f"{address}/anthropic", "anthropic", "limits: [{in_flight: 8}]", queue),
    ])) as penstock:
        for face in (OpenAI, Anthropic):
            with check(f"{face.name}: a provider's Retry-After of 90 s ends it at once, after one request"):
                simulator.reset()
                simulator.faults("status=429;retry-after=90@next=1")
                began = time.monotonic()
                try:
                    face.at(penstock, retries=3).plain(1)
                    raise AssertionError("it was answered")
                except face.refusal as error:
                    assert error.response.headers["x-should-retry"] == "false", error.response.headers
                assert time.monotonic() - began < 5
                assert simulator.counts["requests"] == {"429": 1}, simulator.counts


def quotas(simulator):
    address = f"http://127.0.0.1:{simulator.port}"
    with Penstock("upstreams:\n" + "".join(
        upstream(name, f"{address}/{name}", name, "limits: [{in_flight: 8}]") for name in ("openai", "dashscope")
    )) as penstock:
        # The same error, as each of them words it.
        with check("insufficient_quota is a rate at DashScope, which passes"):
            simulator.reset()
            simulator.faults("day-quota-exhausted@next=1")
            assert DashScope.at(penstock).plain(1) == "Water"
            assert simulator.counts["requests"] == {"200": 1, "429": 1}, simulator.counts
        with check("and money at OpenAI, which does not"):
            simulator.reset()
            simulator.faults("quota-exhausted@next=1")
            try:
                OpenAI.at(penstock, retries=3).plain(1)
                raise AssertionError("it was answered")
            except openai.RateLimitError as error:
                assert "insufficient_quota" in json.dumps(error.body), error.body
            assert simulator.counts["requests"] == {"429": 1}, simulator.counts


def waiting_streams(simulator):
    with Penstock("upstreams:\n" + upstream(
        "gemini", f"http://127.0.0.1:{simulator.port}/gemini", "gemini", "limits: [{in_flight: 1}]",
    )) as penstock:
        with check(f"{Google.name}: a stream that waited its turn has nothing in it but the provider's events"):
            first = Google.at(penstock).stream(1500)
            next(first)
            second = []
            waiting = threading.Thread(target=lambda: second.extend(Google.at(penstock).stream(5)))
            waiting.start()
            eventually(lambda: penstock.upstream("gemini")["queued"] == 1, "the second to wait")
            assert len(list(first)) == 1499
            waiting.join(10)
            assert "".join(second) == "Water runs down the hill", second


def repetitions(simulator):
    with Penstock("upstreams:\n" + upstream(
        "bedrock", f"http://127.0.0.1:{simulator.port}/bedrock", "bedrock", "limits: [{in_flight: 8}]",
    )) as penstock:
        for fault in ("status=503", "status=429"):
            with check(f"{Bedrock.name}: {fault[-3:]} of the provider is repeated by Penstock, and not by boto3 as well"):
                simulator.reset()
                simulator.faults(f"{fault}@next=2")
                assert Bedrock.at(penstock, retries=2).plain(1) == "Water"
                assert simulator.counts["requests"] == {"200": 1, fault[-3:]: 2}, simulator.counts
                penstock.logs(outcome="ok", attempts=3)
                requests = 1 if fault == "status=503" else 2
                eventually(lambda: len(penstock.access_log()) == requests, f"{requests} lines in the log")


def is_signed(seen, host):
    """Whether the request as it came has the signature that Amazon would compute for this host."""
    fields = {name.lower(): value for name, value in seen.headers.items()}
    parts = dict(part.strip().split("=", 1) for part in fields["authorization"].partition(" ")[2].split(","))
    names = parts["SignedHeaders"].split(";")
    assert "host" in names and "x-amz-date" in names, names
    request = botocore.awsrequest.AWSRequest(
        "POST", f"http://{host}{seen.path}", {name: fields[name] for name in names if name != "host"}, seen.body)
    request.headers["host"] = host
    request.context["timestamp"] = fields["x-amz-date"]
    credentials = botocore.credentials.Credentials(KEY["aws_access_key_id"], KEY["aws_secret_access_key"])
    signer = botocore.auth.SigV4Auth(credentials, "bedrock", "us-east-1")
    canonical = signer.canonical_request(request)
    return signer.signature(signer.string_to_sign(request, canonical), request) == parts["Signature"]


def signatures(provider):
    tunnel = Tunnel(provider.port)
    arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-3-5-sonnet-20241022-v2:0"
    with Penstock("upstreams:\n" + upstream(
        # Tokens are counted, which is when a request is changed most.
        "bedrock", f"http://{REAL}", "bedrock", "limits: [{in_flight: 8, tokens: 1000000/min}]",
        f"proxy: http://127.0.0.1:{tunnel.port}", "private: true",
    )) as penstock:
        for model in (Bedrock.model, arn):
            with check(f"{Bedrock.name}: through HTTP_PROXY the signature stays that of Amazon's host, for {model[:20]}…"):
                # boto3 sends a user only together with a password.
                address = f"http://acme:any@127.0.0.1:{penstock.port}"
                with mock.patch.dict(os.environ, {"HTTP_PROXY": address, "http_proxy": address}):
                    api = Bedrock.at_host(headers={"X-Job-Id": "4711"})
                    api.model = model
                    assert api.plain(1) == "Water"
                seen = provider.seen[-1]
                assert seen.headers["Host"] == REAL, seen.headers
                assert seen.path == f"/model/{urllib.parse.quote(model, safe='')}/converse", seen.path
                assert is_signed(seen, REAL), seen.headers
                assert not {"X-Job-Id", "Proxy-Authorization"} & set(seen.headers), seen.headers
                penstock.logs(tenant="acme", job="4711", outcome="ok")
        with check(f"{Bedrock.name}: with a base URL it is Penstock's host that is signed, which Amazon would refuse"):
            assert Bedrock.at(penstock).plain(1) == "Water"
            assert not is_signed(provider.seen[-1], REAL)


def bearer(provider):
    """boto3 gives no bearer key to a host without TLS; the releases of old know none."""
    if not Bedrock.knows_bearer: return
    ours = Certificate("ours")
    with Penstock("upstreams:\n" + upstream(
        "bedrock", f"http://127.0.0.1:{provider.port}", "bedrock", "limits: [{in_flight: 8}]",
    ), certificate=ours) as penstock:
        with check(f"{Bedrock.name}: a bearer key goes to Penstock's own TLS address, and on to the provider"):
            environment = {"AWS_BEARER_TOKEN_BEDROCK": SECRET, "AWS_CA_BUNDLE": str(ours.authority)}
            with mock.patch.dict(os.environ, environment):
                api = boto3.client(
                    "bedrock-runtime", region_name="us-east-1", endpoint_url=f"{penstock.url}/bedrock",
                    config=botocore.config.Config(retries={"total_max_attempts": 1}))
                answer = api.converse(
                    modelId=Bedrock.model, messages=[{"role": "user", "content": [{"text": "Say something."}]}])
            assert answer["output"]["message"]["content"][0]["text"] == "Water", answer
            assert provider.seen[-1].headers["Authorization"] == f"Bearer {SECRET}", provider.seen[-1].headers


def compressed(provider):
    address = f"http://127.0.0.1:{provider.port}/gzip"
    with Penstock("upstreams:\n" + "".join([
        upstream("openai", address, "openai", "limits: [{tokens: 1000000/min}]"),
        upstream("anthropic", address, "anthropic", "limits: [{tokens: 1000000/min}]"),
        upstream("uncounted", address, "openai", "limits: [{in_flight: 8}]"),
    ])) as penstock:
        for face in (OpenAI, Anthropic):
            with check(f"{face.name}: a provider that would compress does not hide what its answers used"):
                assert face.at(penstock).plain(1) == "Water"
                for kind, count in (("input", 8), ("output", 1)):
                    eventually(lambda: penstock.metric(
                        "penstock_tokens_total", upstream=face.upstream, kind=kind) == count, f"{kind} tokens")
        with check(f"{OpenAI.name}: where no limit is in tokens a compressed answer passes as it is"):
            assert OpenAI(f"{penstock.url}/uncounted/v1").plain(1) == "Water"
            assert "gzip" in provider.seen[-1].headers["Accept-Encoding"], provider.seen[-1].headers


def uploads(provider):
    with Penstock("upstreams:\n" + upstream(
        "openai", f"http://127.0.0.1:{provider.port}/file", "openai", "limits: [{in_flight: 8, tokens: 1000000/min}]",
    )) as penstock:
        with check(f"{OpenAI.name}: 48 MiB go up as a form, as they are, in little memory"):
            file = directory / "batch.jsonl"
            file.write_bytes(os.urandom(MIB) * 48)
            api = OpenAI.at(penstock).client(openai.OpenAI)
            api.files.create(file=("f", b"small"), purpose="batch")
            before = penstock.peak_memory()
            # The same each time, so that the whole body can be compared.
            form = {"Content-Type": "multipart/form-data; boundary=penstock"}
            with open(file, "rb") as content:
                assert api.files.create(file=content, purpose="batch", extra_headers=form).bytes > 48 * MIB
            grown = penstock.peak_memory() - before
            # Up to 4 MiB are kept for another attempt (`retry.max_body`), beside the buffers of two sockets.
            assert grown < 24 * MIB, f"{grown / MIB:.1f} MiB more"
            direct = OpenAI(f"http://127.0.0.1:{provider.port}/file").client(openai.OpenAI)
            with open(file, "rb") as content: direct.files.create(file=content, purpose="batch", extra_headers=form)
            through, straight = provider.seen[-2:]
            assert through.digest == straight.digest, (through.headers, straight.headers)


def endings(provider):
    """The sync client of openai ends its connection at `[DONE]`, while the provider's last chunk is under way."""
    with Penstock("upstreams:\n" + upstream(
        "openai", f"http://127.0.0.1:{provider.port}/late", "openai", "limits: [{in_flight: 8}]",
        # Each worker has connections of its own.
    ), "--workers", "1") as penstock:
        with check(f"{OpenAI.name}: who leaves right after [DONE] had a success, and the provider's connection stays"):
            provider.seen.clear()
            for _ in range(3):
                assert "".join(OpenAI.at(penstock).stream(1)) == "Water"
                eventually(lambda: penstock.is_idle("openai"), "the slot to be free")
                eventually(
                    lambda: penstock.upstream("openai")["pool"]["active"] == 0, "the end of the provider's answer")
            eventually(lambda: len(penstock.access_log()) == 3, "three lines in the log")
            outcomes = [line["outcome"] for line in penstock.access_log()]
            connections = len(provider.connections())
            assert outcomes == ["ok"] * 3 and connections == 1, (outcomes, f"{connections} connections")


simulator = Simulator("--tokens-per-second", "2000")
provider = Provider()
long_hints(simulator)
quotas(simulator)
waiting_streams(simulator)
repetitions(simulator)
signatures(provider)
bearer(provider)
compressed(provider)
uploads(provider)
endings(provider)
