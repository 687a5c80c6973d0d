"""What an application does with the openai SDK, and what must come of it on every kind of connection to a provider."""

import asyncio
import statistics
import time

import openai

from harness import SECRET, check, eventually

MODEL = "gpt-4o-mini"
MESSAGES = [{"role": "user", "content": "Say something."}]

# Of the simulated provider: Penstock's limits are the same, so any mistake in keeping them is a violation there.
IN_FLIGHT = 8
TOKENS_PER_SECOND = 40
SIMULATOR = [
    "--limit", f"in_flight={IN_FLIGHT}", "--limit", "requests=100/1s:sliding", "--tokens-per-second",
    TOKENS_PER_SECOND, "--latency", "20ms",
]


def policy(url, *more):
    """The policy for such a provider; `more` are further keys of the upstream."""
    return "\n    ".join([
        "upstreams:\n  provider:", f"url: {url}", "provider: openai",
        f"limits: [{{name: account, in_flight: {IN_FLIGHT}, requests: 100/s}}]", *more,
    ]) + "\n"


def client(penstock, kind=openai.OpenAI, **options):
    """A client that repeats nothing by itself, so that what it sees is Penstock's answer."""
    return kind(**{"base_url": f"{penstock.url}/provider/v1", "api_key": SECRET, "max_retries": 0, "timeout": 30}
                | options)


def ask(client, tokens=4, **options):
    return client.chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=tokens, **options)


def converse(simulator, penstock, over):
    """Runs all checks of this file; `over` names the connection in what they print."""
    over = f"openai {openai.__version__} over {over}"
    simulator.reset()
    plain(simulator, penstock, over)
    streaming(penstock, over)
    many(simulator, penstock, over)
    leaving(simulator, penstock, over)
    faults(simulator, penstock, over)
    broken_off(simulator, penstock, over)


def plain(simulator, penstock, over):
    with check(f"{over}: completions, embeddings and models are answered as by the provider"):
        api = client(penstock)
        answer = ask(api)
        assert answer.choices[0].message.content, answer
        assert answer.usage.completion_tokens == 4, answer.usage
        vectors = api.embeddings.create(model="text-embedding-3-small", input=["one", "two", "three"])
        assert len(vectors.data) == 3 and vectors.data[0].embedding, vectors
        assert MODEL in [model.id for model in api.models.list()]
        assert api.models.retrieve(MODEL).id == MODEL
        try:
            api.models.retrieve("no-such-model")
            raise AssertionError("a model that does not exist was found")
        except openai.NotFoundError as error:
            assert error.code == "model_not_found", error.body
    with check(f"{over}: the answer says that and how long it was in Penstock"):
        headers = api.chat.completions.with_raw_response.create(model=MODEL, messages=MESSAGES, max_tokens=1).headers
        assert headers["via"] == "1.1 penstock", headers
        assert "penstock-queue;dur=" in headers["server-timing"], headers
        assert "penstock-upstream;dur=" in headers["server-timing"], headers


def streaming(penstock, over):
    async def stream():
        async with client(penstock, openai.AsyncOpenAI) as api:
            arrivals = []
            async for chunk in await ask(api, 12, stream=True):
                if chunk.choices and chunk.choices[0].delta.content: arrivals.append(time.monotonic())
            return arrivals

    with check(f"{over}: a stream comes token by token, as it is made"):
        arrivals = []
        for chunk in ask(client(penstock), 12, stream=True):
            if chunk.choices and chunk.choices[0].delta.content: arrivals.append(time.monotonic())
        one_by_one(arrivals)
        one_by_one(asyncio.run(stream()))


def one_by_one(arrivals):
    """Whether twelve tokens came at the provider's pace. The median, since this machine may be busy for a moment."""
    assert len(arrivals) == 12, f"{len(arrivals)} tokens"
    pauses = [later - earlier for earlier, later in zip(arrivals, arrivals[1:])]
    assert 0.5 < statistics.median(pauses) * TOKENS_PER_SECOND < 2, pauses


def many(simulator, penstock, over):
    async def call(api, number):
        if number % 2: return (await ask(api)).choices[0].message.content
        text = ""
        async for chunk in await ask(api, stream=True):
            if chunk.choices: text += chunk.choices[0].delta.content or ""
        return text

    async def all_at_once():
        async with client(penstock, openai.AsyncOpenAI) as api:
            return await asyncio.gather(*(call(api, number) for number in range(50)))

    with check(f"{over}: 50 callers at once are all answered and no limit of the provider is broken"):
        simulator.reset()
        assert all(asyncio.run(all_at_once()))
        counts = simulator.counts
        assert counts["requests"] == {"200": 50}, counts
        assert counts["violations_total"] == 0, counts
        assert counts["peak"] == IN_FLIGHT, counts


def leaving(simulator, penstock, over):
    with check(f"{over}: a caller that leaves in mid-stream frees its slot at once, at the provider too"):
        simulator.reset()
        stream = ask(client(penstock), 2000, stream=True)
        for _, chunk in zip(range(3), stream): assert chunk.choices
        assert penstock.upstream()["in_flight"] == 1
        stream.close()
        eventually(penstock.is_idle, "the slot to be free", 2)
        eventually(lambda: simulator.counts["cancelled"] == 1 and simulator.counts["active"] == 0,
                   "the provider to stop", 2)
        penstock.logs(outcome="cancelled", attempts=1)


def faults(simulator, penstock, over):
    with check(f"{over}: 503 of the provider is tried again"):
        simulator.reset()
        simulator.faults("status=503@next=2")
        assert ask(client(penstock)).choices
        assert simulator.counts["requests"] == {"200": 1, "503": 2}, simulator.counts
        penstock.logs(outcome="ok", attempts=3)

    with check(f"{over}: used-up money passes through at once, and the SDK is told not to repeat"):
        simulator.reset()
        try:
            ask(client(penstock, max_retries=3), extra_headers={"x-simulate": "quota-exhausted"})
            raise AssertionError("it was answered")
        except openai.RateLimitError as error:
            assert error.code == "insufficient_quota", error.body
            assert error.response.headers["x-should-retry"] == "false", error.response.headers
        assert simulator.counts["requests"] == {"429": 1}, simulator.counts

    with check(f"{over}: one Retry-After is honoured by all callers, and all are answered"):
        simulator.reset()
        throttled = penstock.metric("penstock_throttled_total", upstream="provider", status="429")
        simulator.faults("status=429;retry-after=2@for=1800ms")
        began = time.monotonic()
        assert all(answer.choices for answer in asyncio.run(at_once(penstock, 40)))
        took = time.monotonic() - began
        counts = simulator.counts
        # Those that were under way when the first one was told; without the pause every one of the 40 would be here.
        assert 1 <= counts["requests"]["429"] <= IN_FLIGHT, counts
        assert counts["requests"]["200"] == 40, counts
        assert counts["violations_total"] == 0, counts
        assert 2 <= took < 15, f"{took} s"
        throttled = penstock.metric("penstock_throttled_total", upstream="provider", status="429") - throttled
        assert throttled == counts["requests"]["429"], (throttled, counts)


def broken_off(simulator, penstock, over):
    with check(f"{over}: what the provider has not begun to process is sent again"):
        simulator.reset()
        # HTTP/2: REFUSED_STREAM. HTTP/1.1: a pooled connection that breaks on its next use.
        simulator.faults("refuse-stream@next=1")
        assert ask(client(penstock)).choices
        assert simulator.counts["requests"] == {"200": 1, "none": 1}, simulator.counts

    with check(f"{over}: an answer that breaks off never looks whole"):
        simulator.reset()
        for fault in ("cut-body", "reset-after-head"):
            for streams in (False, True):
                try:
                    answer = ask(client(penstock), 10, stream=streams, extra_headers={"x-simulate": fault})
                    if streams: list(answer)
                    raise AssertionError(f"{fault}: it looked whole")
                except openai.APIConnectionError:
                    pass
                except Exception as error:
                    # A stream's own reading is httpx's.
                    assert type(error).__name__ in ("RemoteProtocolError", "ReadError"), repr(error)
        eventually(penstock.is_idle, "all slots to be free")


async def at_once(penstock, count, **options):
    async with client(penstock, openai.AsyncOpenAI, **options) as api:
        return await asyncio.gather(*(ask(api) for _ in range(count)))
