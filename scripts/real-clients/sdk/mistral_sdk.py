import importlib.metadata

try:
    from mistralai.client import Mistral as Client
    from mistralai.client.errors import SDKError
    from mistralai.client.utils import BackoffStrategy, RetryConfig
except ImportError:
    # As of 1.x.
    from mistralai import Mistral as Client
    from mistralai.models import SDKError
    from mistralai.utils import BackoffStrategy, RetryConfig

from sdk.face import MESSAGES, Face

VERSION = importlib.metadata.version("mistralai")


class Mistral(Face):
    name = f"mistralai {VERSION}"
    upstream, host, path = "mistral", "api.mistral.ai", ""
    refusal = SDKError
    model = "mistral-small-latest"

    def client(self):
        # It repeats only where it is told to; the hint goes before the backoff.
        retries = RetryConfig("backoff", BackoffStrategy(50, 100, 2, 8000), False) if self.retries else None
        return Client(api_key=self.key, server_url=self.url, timeout_ms=30_000, retry_config=retries)

    def options(self, tokens):
        return {"model": self.model, "messages": MESSAGES, "max_tokens": tokens, "http_headers": self.headers}

    def plain(self, tokens=4):
        with self.client() as api:
            answer = api.chat.complete(**self.options(tokens))
            assert answer.usage.completion_tokens == tokens, answer
            return answer.choices[0].message.content

    def stream(self, tokens):
        with self.client() as api, api.chat.stream(**self.options(tokens)) as stream:
            for event in stream: yield event.data.choices[0].delta.content or ""

    async def plain_async(self, tokens=4):
        async with self.client() as api:
            answer = await api.chat.complete_async(**self.options(tokens))
            return answer.choices[0].message.content

    async def stream_async(self, tokens):
        async with self.client() as api, await api.chat.stream_async(**self.options(tokens)) as stream:
            async for event in stream: yield event.data.choices[0].delta.content or ""


FACES = [Mistral]
