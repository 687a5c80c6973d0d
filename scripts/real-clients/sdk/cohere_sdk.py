import contextlib
import importlib.metadata

import cohere
from cohere.errors import TooManyRequestsError

from sdk.face import MESSAGES, Face


class Cohere(Face):
    name = f"cohere {importlib.metadata.version('cohere')}"
    upstream, host, path = "cohere", "api.cohere.com", ""
    refusal = TooManyRequestsError
    model = "command-r"

    def client(self, kind):
        return kind(api_key=self.key, base_url=self.url, timeout=30)

    def options(self, tokens):
        return {
            "model": self.model, "messages": MESSAGES, "max_tokens": tokens,
            "request_options": {"max_retries": self.retries, "additional_headers": self.headers},
        }

    def plain(self, tokens=4):
        answer = self.client(cohere.ClientV2).chat(**self.options(tokens))
        assert answer.usage.tokens.output_tokens == tokens, answer
        return answer.message.content[0].text

    def stream(self, tokens):
        with contextlib.closing(self.client(cohere.ClientV2).chat_stream(**self.options(tokens))) as stream:
            for event in stream:
                if event.type == "content-delta": yield event.delta.message.content.text

    async def plain_async(self, tokens=4):
        answer = await self.client(cohere.AsyncClientV2).chat(**self.options(tokens))
        return answer.message.content[0].text

    async def stream_async(self, tokens):
        api = self.client(cohere.AsyncClientV2)
        async with contextlib.aclosing(api.chat_stream(**self.options(tokens))) as stream:
            async for event in stream:
                if event.type == "content-delta": yield event.delta.message.content.text


FACES = [Cohere]
