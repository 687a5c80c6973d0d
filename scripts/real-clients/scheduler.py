"""Limits in tokens and per model, limits that only watch, the breaker and the adaptive limit, as the openai SDK meets
them."""

import concurrent.futures
import time

import openai

from conversation import client
from harness import Penstock, Simulator, check, eventually

SDK = f"openai {openai.__version__}"


def policy(simulator, limits, *more):
    return "\n    ".join([
        "upstreams:\n  provider:", f"url: http://127.0.0.1:{simulator.port}", "provider: openai",
        f"limits: {limits}", *more,
    ]) + "\n"


def ask(api, text="Say something.", tokens=4, model="gpt-4o-mini", **options):
    messages = [{"role": "user", "content": text}]
    return api.chat.completions.create(model=model, messages=messages, max_tokens=tokens, **options)


def used(penstock, limit=0, rate="tokens/60s"):
    return penstock.upstream()["limits"][limit]["in_use"][0][rate]["used"]


def tokens(simulator):
    with Penstock(policy(simulator, "[{name: tpm, tokens: 2000/min}]", "pacing: burst")) as penstock:
        api = client(penstock)
        with check(f"{SDK}: what a plain answer used is what the token limit has counted"):
            usage = ask(api, tokens=20).usage
            eventually(lambda: used(penstock) == usage.total_tokens, "the limit to be settled")
        with check(f"{SDK}: a stream's usage is counted although the caller did not ask for it, and not shown"):
            before = used(penstock)
            chunks = list(ask(api, tokens=20, stream=True))
            assert all(len(chunk.choices) == 1 and chunk.usage is None for chunk in chunks), chunks
            assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks), chunks
            eventually(lambda: used(penstock) == before + usage.total_tokens, "the stream to be settled")
        with check(f"{SDK}: a caller that asks for usage gets it, once"):
            chunks = list(ask(api, tokens=20, stream=True, stream_options={"include_usage": True}))
            assert [chunk.usage.total_tokens for chunk in chunks if chunk.usage] == [usage.total_tokens], chunks
        with check(f"{SDK}: the tokens are in the metrics and in the log"):
            labels = {"upstream": "provider", "model": "gpt-4o-mini", "kind": "output"}
            eventually(lambda: penstock.metric("penstock_tokens_total", **labels) == 60, "three answers to be counted")
            penstock.logs(outcome="ok", model="gpt-4o-mini", tokens_out=20)
        with check(f"{SDK}: what can never fit is refused at once with 413, and the SDK does not repeat it"):
            try:
                ask(client(penstock, max_retries=2), text="word " * 4000)
                raise AssertionError("it was answered")
            except openai.APIStatusError as error:
                assert error.status_code == 413 and "can never fit" in error.message, error
                assert error.response.headers["x-should-retry"] == "false", error.response.headers
            assert penstock.metric("penstock_requests_total", status="4xx") == 1
        with check(f"{SDK}: what does not fit now waits, and says for which limit"):
            ask(api, text="word " * 1400)
            try:
                ask(api, text="word " * 1400, extra_headers={"Prefer": "wait=1"})
                raise AssertionError("it was answered")
            except openai.RateLimitError as error:
                shown = error.response.headers["ratelimit-policy"]
                assert set(shown.split(";")) == {'"tpm"', "q=2000", "w=60", 'qu="tokens"'}, shown


def burst_of_streams(simulator):
    """As many as come, never more tokens a window than the provider allows."""
    limits = "[{name: tpm, tokens: 3000/s}]"
    with Penstock(policy(simulator, limits, "queue: {timeout: 60s, max_requests_per_tenant: 1000}")) as penstock:
        simulator.reset()
        with check(f"{SDK}: a burst of 200 requests goes no faster than the tokens allow"):
            with concurrent.futures.ThreadPoolExecutor(50) as pool:
                began = time.monotonic()
                done = [pool.submit(ask, client(penstock), "word " * 20, 40) for _ in range(200)]
                total = sum(answer.result().usage.total_tokens for answer in done)
            took = time.monotonic() - began
            assert total / took <= 3000 * 1.34, f"{total} tokens in {took:.1f} s"
            assert took <= total / 3000 * 1.6 + 1, f"{total} tokens in {took:.1f} s"


def models(simulator):
    limits = "[{name: account, in_flight: 50}, {name: each, per: model, in_flight: 1}]"
    with Penstock(policy(simulator, limits)) as penstock:
        with check(f"{SDK}: a limit per model holds up nobody who asks for another one"):
            first = ask(client(penstock), tokens=400, model="gpt-4o", stream=True)
            next(iter(first))
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                second = pool.submit(ask, client(penstock), "Say something.", 4, "gpt-4o")
                eventually(lambda: penstock.upstream()["queued"] == 1, "the second of that model to wait")
                assert ask(client(penstock), model="o3").model == "o3"
                first.close()
                assert second.result().model == "gpt-4o"
            penstock.logs(model="gpt-4o", limit="each", outcome="ok")


def watching(simulator):
    with Penstock(policy(simulator, "[{name: dry-run, requests: 2/min, mode: observe}]")) as penstock:
        with check(f"{SDK}: a limit that only watches refuses nobody, and says whom it would have held up"):
            for _ in range(5): ask(client(penstock))
            labels = {"limit": "dry-run", "mode": "observe", "action": "wait"}
            assert penstock.metric("penstock_limited_total", **labels) >= 3
            penstock.logs(observed="dry-run", outcome="ok")


def health(simulator):
    breaker = "breaker: {failures: 3, open_for: 1s}"
    with Penstock(policy(simulator, "[{name: account, in_flight: 4}]", breaker, "retry: {attempts: 1}")) as penstock:
        simulator.faults("status=500")
        with check(f"{SDK}: an upstream that fails is left alone, and /status and metrics say so"):
            for _ in range(3):
                try: ask(client(penstock))
                except openai.InternalServerError: pass
            assert penstock.upstream()["breaker"]["state"] == "open", penstock.upstream()
            assert penstock.metric("penstock_breaker_open", upstream="provider") == 1
            try:
                ask(client(penstock), extra_headers={"Prefer": "wait=0"})
                raise AssertionError("it was answered")
            except openai.InternalServerError as error:
                assert error.status_code == 503, error
                assert "error=destination_unavailable" in error.response.headers["proxy-status"], error.response.headers
        with check(f"{SDK}: who has time waits until the upstream works again"):
            simulator.faults()
            assert ask(client(penstock)).choices
            eventually(lambda: penstock.upstream()["breaker"]["state"] in ("closed", "probing"), "it to close")
    adaptive = "adaptive: {min: 2, max: 10}"
    with Penstock(policy(simulator, "[]", adaptive, "breaker: off", "retry: {attempts: 1}")) as penstock:
        with check(f"{SDK}: overload answers lower the adaptive limit"):
            simulator.faults("status=503@next=1")
            try: ask(client(penstock))
            except openai.InternalServerError: pass
            limit = penstock.upstream()["adaptive_limit"]
            assert limit == 7 and penstock.metric("penstock_adaptive_limit", upstream="provider") == 7, limit


with Simulator("--limit", "in_flight=100", "--tokens-per-second", "200", "--latency", "20ms") as simulator:
    tokens(simulator)
    burst_of_streams(simulator)
    models(simulator)
    watching(simulator)
    health(simulator)
