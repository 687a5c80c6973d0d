"""The official SDKs, whichever this environment has, against the simulated provider in each one's own shape.

    python sdks.py                             all
    python sdks.py anthropic_sdk google_sdk    some, by the names of the files in sdk
"""

import asyncio
import contextlib
import gc
import os
import re
import sys
import time
from unittest import mock

from harness import Penstock, Simulator, check, eventually
from sdk import installed
from sdk.table import Facts

TEXT = "Water runs down the hill and turns a wheel water runs down".split(" ")
UPSTREAMS = {
    "openai": "api.openai.com", "azure-openai": "simulated.openai.azure.com", "anthropic": "api.anthropic.com",
    "gemini": "generativelanguage.googleapis.com", "bedrock": "bedrock-runtime.us-east-1.amazonaws.com",
    "mistral": "api.mistral.ai", "cohere": "api.cohere.com", "groq": "api.groq.com",
    "dashscope": "dashscope.aliyuncs.com",
}


def policy(simulator, limits, queue="{}"):
    """One upstream for each provider, each with the simulator in that provider's shape behind it."""
    return "upstreams:\n" + "".join(f"""
  {name}:
    url: http://127.0.0.1:{simulator.port}/{name}
    provider: {name}
    hosts: [{host}]
    limits: {limits}
    queue: {queue}
""" for name, host in UPSTREAMS.items())


# One for all: LangChain keeps its connections from one call to the next.
loop = asyncio.new_event_loop()


def slug(face):
    return re.sub(r"[^a-z0-9]+", "-", face.name.lower())


def as_tenant(face):
    return {"X-Tenant-Id": slug(face)}


def answers(penstock, face):
    api = face.at(penstock, headers=as_tenant(face))
    with check(f"{face.name}: an answer, whole and streamed, is the provider's, and what it used is metered"):
        before = penstock.metric("penstock_tokens_total", upstream=face.upstream, kind="output")
        assert api.plain(4) == " ".join(TEXT[:4])
        assert "".join(api.stream(12)) == " ".join(TEXT)
        metered = lambda: penstock.metric("penstock_tokens_total", upstream=face.upstream, kind="output") - before
        expected = {"all": [16], "about": range(15, 20)}[face.metered]
        # The line in the log is written when all has been counted.
        eventually(lambda: len(lines(penstock, face)) >= 2, "the log")
        assert metered() in expected, f"{metered()} tokens"
    with check(f"{face.name}: each request is the tenant's that its headers name, and a success"):
        assert {line["outcome"] for line in lines(penstock, face)} == {"ok"}, lines(penstock, face)
    if not face.has_async: return
    with check(f"{face.name}: the same without blocking"):
        assert loop.run_until_complete(api.plain_async(4)) == " ".join(TEXT[:4])
        assert loop.run_until_complete(joined(api.stream_async(12))) == " ".join(TEXT)


def lines(penstock, face, **members):
    return [line for line in penstock.access_log() if (members | {"tenant": slug(face)}).items() <= line.items()]


async def joined(parts):
    return "".join([part async for part in parts])


def leaving(simulator, penstock, face):
    def is_free():
        counts = simulator.counts
        return penstock.is_idle(face.upstream) and counts["cancelled"] == 1 and counts["active"] == 0

    async def leave():
        async with contextlib.aclosing(face.at(penstock).stream_async(4000)) as parts:
            async for part in parts:
                if part: break
            assert penstock.upstream(face.upstream)["in_flight"] == 1
        # What lies within the SDK's generator is closed by the loop, a moment later.
        end = time.monotonic() + 3
        while not is_free():
            assert time.monotonic() < end, "the slot is not free, or the provider goes on"
            await asyncio.sleep(0.02)

    if face.closes is None: return
    with check(f"{face.name}: who leaves in mid-stream frees the slot at once, at the provider too"):
        simulator.reset()
        with contextlib.closing(face.at(penstock).stream(4000)) as parts:
            next(part for part in parts if part)
            assert penstock.upstream(face.upstream)["in_flight"] == 1
        if not face.closes: gc.collect()
        eventually(is_free, "the slot to be free and the provider to stop", 3)
        if face.has_async and face.closes:
            simulator.reset()
            loop.run_until_complete(leave())


def refused(face, api):
    """The error that it raises for a 429; nothing else is asked for meanwhile, so a second request within the second is
    one too many. On a busy machine it may take some."""
    for _ in range(6):
        try:
            api.plain(1)
        except face.refusal as error:
            return error
    raise AssertionError("all were answered")


def refusals(narrow, face, facts):
    with check(f"{face.name}: a refusal by Penstock raises {face.refusal.__name__}, and names the limit"):
        error = refused(face, face.at(narrow, headers=as_tenant(face)))
        assert "pace" in face.text(error), error
        facts["429 raises"] = f"`{type(error).__name__}`"
    if not face.heeds_hints:
        facts["comes back"] = "not by itself"
        return
    with check(f"{face.name}: it comes back when it is told to, once"):
        api = face.at(narrow, headers=as_tenant(face), retries=3)
        # The line of the refusal before.
        eventually(lambda: lines(narrow, face, status=429), "the log")
        before, calls, statuses = len(lines(narrow, face)), 0, []
        while calls < 6 and 429 not in statuses:
            began = time.monotonic()
            api.plain(1)
            took, calls = time.monotonic() - began, calls + 1
            eventually(lambda: [line["status"] for line in lines(narrow, face)[before:]].count(200) == calls, "the log")
            statuses = [line["status"] for line in lines(narrow, face)[before:]]
        # Too early would have been another refusal, too late is what it does by itself.
        assert statuses == [200] * (calls - 1) + [429, 200], statuses
        assert took < 4, f"{took} s"
        facts["comes back"] = "when told"


def judged(simulator, penstock, face):
    with check(f"{face.name}: an overload is tried again for it, and used-up money is not"):
        simulator.reset()
        simulator.faults("overloaded@next=1")
        assert face.at(penstock).plain(1) == TEXT[0]
        assert sum(simulator.counts["requests"].values()) == 2, simulator.counts
        if face.knows_money:
            simulator.reset()
            simulator.faults("quota-exhausted@next=1")
            with contextlib.suppress(Exception):
                raise AssertionError(f"it was answered: {face.at(penstock).plain(1)}")
            counts = simulator.counts["requests"]
            assert list(counts.values()) == [1] and "200" not in counts, counts


def advice(spent, face, facts):
    """A limit of an hour is no use to wait for."""
    api = face.at(spent, headers=as_tenant(face), retries=3 if face.heeds_advice else 0)
    sentence = "and x-should-retry: false keeps it from coming back" if face.heeds_advice else "at once"
    with check(f"{face.name}: a hopeless wait is refused, {sentence}"):
        api.plain(1)
        began = time.monotonic()
        refused(face, api)
        # Less than the shortest time that anybody would wait.
        assert time.monotonic() - began < 5
        eventually(lambda: len(lines(spent, face)) >= 2, "the log")
        assert [line["status"] for line in lines(spent, face)] == [200, 429], lines(spent, face)
        facts["`x-should-retry: false`"] = "obeyed" if face.heeds_advice else "not known"


def tenants(penstock, face, facts):
    ways = ["header"]
    if face.headers_variable:
        with check(f"{face.name}: {face.headers_variable} names the tenant"):
            tenant = f"variable-{slug(face)}"
            with mock.patch.dict(os.environ, {face.headers_variable: f"X-Tenant-Id: {tenant}\nX-Job-Id: 4711"}):
                face.at(penstock).plain(1)
            penstock.logs(tenant=tenant, job="4711", upstream=face.upstream)
            ways.append(f"`{face.headers_variable}`")
    if face.knows_proxies:
        with check(f"{face.name}: through HTTP_PROXY with the tenant as its user, and the provider's own name"):
            tenant = f"user-{slug(face)}"
            environment = {"HTTP_PROXY": f"http://{tenant}:secret@127.0.0.1:{penstock.port}"}
            environment["http_proxy"] = environment["HTTP_PROXY"]
            with mock.patch.dict(os.environ, environment):
                assert face.at_host().plain(4) == " ".join(TEXT[:4])
                assert "".join(face.at_host().stream(12)) == " ".join(TEXT)
                if face.has_async: assert loop.run_until_complete(face.at_host().plain_async(4)) == " ".join(TEXT[:4])
            penstock.logs(tenant=tenant, upstream=face.upstream)
            ways.append("proxy user")
        with check(f"{face.name}: with HTTP_PROXY and a base URL at Penstock itself, which asks the proxy for itself"):
            with mock.patch.dict(os.environ, environment):
                assert face.at(penstock).plain(4) == " ".join(TEXT[:4])
    facts["tenant by"] = ", ".join(ways)


def main():
    simulator = Simulator("--tokens-per-second", "2000")
    # A limit in tokens makes Penstock ask for the usage of streams that say none by themselves.
    penstock = Penstock(policy(simulator, "[{name: account, in_flight: 8, tokens: 10000000/min}]"))
    queue = "{timeout: 5s, max_requests: 0}"
    narrow = Penstock(policy(simulator, "[{name: pace, per: tenant, requests: 1/s}]", queue))
    spent = Penstock(policy(simulator, "[{name: hour, per: tenant, requests: 1/hour}]", "{timeout: 10s}"))
    for face in installed(sys.argv[1:]):
        facts = Facts(face)
        simulator.reset()
        answers(penstock, face)
        facts["ways"] = "plain, stream, sync" + (", async" if face.has_async else "")
        facts["usage"] = {"all": "all", "about": "streams: estimated"}[face.metered]
        leaving(simulator, penstock, face)
        facts["leaving frees the slot"] = {
            True: "at once", False: "sync: when Python collects garbage; async: no", None: "no"}[face.closes]
        judged(simulator, penstock, face)
        tenants(penstock, face, facts)
        refusals(narrow, face, facts)
        advice(spent, face, facts)
        facts.keep()


main()
