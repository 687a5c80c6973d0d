import anthropic

from sdk.face import MESSAGES, Face


class Anthropic(Face):
    name = f"anthropic {anthropic.__version__}"
    upstream, host, path = "anthropic", "api.anthropic.com", ""
    refusal = anthropic.RateLimitError
    heeds_advice = True
    headers_variable = "ANTHROPIC_CUSTOM_HEADERS"
    model = "claude-sonnet-4-5"

    def client(self, kind):
        return kind(
            base_url=self.url, api_key=self.key, max_retries=self.retries, timeout=30, default_headers=self.headers)

    def plain(self, tokens=4):
        with self.client(anthropic.Anthropic) as api:
            answer = api.messages.create(model=self.model, messages=MESSAGES, max_tokens=tokens)
            assert answer.usage.output_tokens == tokens, answer
            return answer.content[0].text

    def stream(self, tokens):
        with self.client(anthropic.Anthropic) as api, api.messages.stream(
            model=self.model, messages=MESSAGES, max_tokens=tokens
        ) as stream:
            yield from stream.text_stream

    async def plain_async(self, tokens=4):
        async with self.client(anthropic.AsyncAnthropic) as api:
            answer = await api.messages.create(model=self.model, messages=MESSAGES, max_tokens=tokens)
            return answer.content[0].text

    async def stream_async(self, tokens):
        async with self.client(anthropic.AsyncAnthropic) as api, api.messages.stream(
            model=self.model, messages=MESSAGES, max_tokens=tokens
        ) as stream:
            async for text in stream.text_stream: yield text


FACES = [Anthropic]
