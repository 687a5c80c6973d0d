"""LiteLLM's proxy as the provider: an OpenAI-compatible server that nobody here wrote, which makes up its answers."""

import asyncio
import contextlib
import http.client
import pathlib
import secrets
import sys

import openai

from harness import Penstock, Process, check, directory, eventually, free_port

# It refuses to start without one, or with a weak one.
KEY = f"sk-{secrets.token_hex(32)}"
ANSWER = "The quick brown fox jumps over the lazy dog."
MESSAGES = [{"role": "user", "content": "Say something."}]

port = free_port()
config = directory / "litellm.yaml"
config.write_text(f"""
model_list:
  - model_name: fox
    litellm_params: {{model: openai/fox, api_key: none, mock_response: "{ANSWER}"}}
general_settings: {{master_key: {KEY}}}
# It has one deployment: a cooldown after a hiccup of its own would refuse everybody for seconds.
router_settings: {{disable_cooldowns: true, num_retries: 0}}
""")
# Its table of prices is to be the one in its package: it would fetch another one.
server = Process(
    "litellm", [
        pathlib.Path(sys.executable).with_name("litellm"), "--config", config, "--host", "127.0.0.1", "--port", port,
        "--telemetry", "False",
    ], {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION", "LITELLM_TELEMETRY": "False"})
penstock = Penstock(f"""
upstreams:
  litellm:
    url: http://127.0.0.1:{port}
    provider: openai
    limits: [{{name: account, in_flight: 5}}]
""")
# With the SDK's own two repetitions: a hiccup of a server that is not ours is no failure of Penstock.
options = {"base_url": f"{penstock.url}/litellm/v1", "api_key": KEY, "timeout": 60}


def is_ready():
    assert server.child.poll() is None, "litellm ended"
    with contextlib.suppress(OSError):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", "/health/liveliness")
            return connection.getresponse().status == 200


async def ask(api, streams):
    answer = await api.chat.completions.create(model="fox", messages=MESSAGES, stream=streams)
    if not streams: return answer.choices[0].message.content
    return "".join([chunk.choices[0].delta.content or "" async for chunk in answer if chunk.choices])


async def at_once(count):
    async with openai.AsyncOpenAI(**options) as api:
        return await asyncio.gather(*(ask(api, number % 2 == 1) for number in range(count)))


with check("LiteLLM's proxy starts"):
    eventually(is_ready, "LiteLLM to be ready", 90)

with check("LiteLLM answers through Penstock, plain and streamed"):
    api = openai.OpenAI(**options)
    assert [model.id for model in api.models.list()] == ["fox"]
    assert asyncio.run(at_once(2)) == [ANSWER] * 2

with check("20 callers at once get LiteLLM's whole answer, no more than 5 of them at a time"):
    assert asyncio.run(at_once(20)) == [ANSWER] * 20
    # By status and not by outcome: the SDK leaves at `data: [DONE]`, and LiteLLM ends its answer a moment later, so that
    # to Penstock some of them look as if the caller had gone away in the middle.
    requests = {"upstream": "litellm", "status": "2xx"}
    eventually(lambda: penstock.metric("penstock_requests_total", **requests) >= 23, "all to be counted")
    assert penstock.metric("penstock_attempts_total", upstream="litellm", status="2xx") == 23
    odd = [line for line in penstock.access_log() if line["status"] != 200]
    assert len(odd) <= 2, odd
    print(*(f"# {line}" for line in odd), sep="\n", end="")
    assert penstock.metric("penstock_limited_total", upstream="litellm", limit="account", action="wait") >= 1
    eventually(lambda: penstock.is_idle("litellm"), "all slots to be free")

with check("LiteLLM's own refusal comes through as it is"):
    try:
        api.chat.completions.create(model="wolf", messages=MESSAGES)
        raise AssertionError("it was answered")
    except openai.BadRequestError as error:
        assert "wolf" in error.message, error
        assert error.response.headers["via"].endswith("penstock"), error.response.headers
