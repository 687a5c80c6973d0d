import importlib.metadata
import os

# Its table of prices is to be the one in its package: it would fetch another one.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm

from sdk.face import MESSAGES, Face

litellm.telemetry = False
litellm.suppress_debug_info = True


class LiteLLM(Face):
    name = f"litellm {importlib.metadata.version('litellm')}"
    upstream, host, path = "openai", "api.openai.com", "/v1"
    refusal = litellm.RateLimitError
    heeds_advice = True
    model = "openai/gpt-4o-mini"

    def options(self, tokens):
        return {
            "model": self.model, "messages": MESSAGES, "max_tokens": tokens, "api_base": self.url,
            "api_key": self.key, "max_retries": self.retries, "timeout": 30, "extra_headers": self.headers,
        }

    def plain(self, tokens=4):
        return litellm.completion(**self.options(tokens)).choices[0].message.content

    def stream(self, tokens):
        stream = litellm.completion(**self.options(tokens), stream=True)
        try:
            for chunk in stream: yield chunk.choices[0].delta.content or ""
        finally:
            stream.completion_stream.close()

    async def plain_async(self, tokens=4):
        return (await litellm.acompletion(**self.options(tokens))).choices[0].message.content

    async def stream_async(self, tokens):
        stream = await litellm.acompletion(**self.options(tokens), stream=True)
        try:
            async for chunk in stream: yield chunk.choices[0].delta.content or ""
        finally:
            await stream.aclose()


class LiteLLMAnthropic(LiteLLM):
    name = f"{LiteLLM.name} with Anthropic"
    upstream, host, path = "anthropic", "api.anthropic.com", ""
    # By a transport of its own: it reads no proxy from the environment, repeats nothing and can't leave a stream.
    heeds_advice = heeds_hints = knows_proxies = False
    closes = None
    model = "anthropic/claude-sonnet-4-5"

    def stream(self, tokens):
        for chunk in litellm.completion(**self.options(tokens), stream=True):
            yield chunk.choices[0].delta.content or ""


FACES = [LiteLLM, LiteLLMAnthropic]
