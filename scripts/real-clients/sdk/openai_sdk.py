import openai

from sdk.face import MESSAGES, Face


class OpenAI(Face):
    name = f"openai {openai.__version__}"
    upstream, host, path = "openai", "api.openai.com", "/v1"
    refusal = openai.RateLimitError
    heeds_advice = True
    headers_variable = None if openai.__version__.startswith("1.") else "OPENAI_CUSTOM_HEADERS"
    sync, asynchronous = openai.OpenAI, openai.AsyncOpenAI

    def client(self, kind):
        return kind(
            base_url=self.url, api_key=self.key, max_retries=self.retries, timeout=30, default_headers=self.headers)

    def plain(self, tokens=4):
        with self.client(self.sync) as api:
            answer = api.chat.completions.create(model=self.model, messages=MESSAGES, max_tokens=tokens)
            assert answer.usage.completion_tokens == tokens, answer
            return answer.choices[0].message.content

    def stream(self, tokens):
        with self.client(self.sync) as api, api.chat.completions.create(
            model=self.model, messages=MESSAGES, max_tokens=tokens, stream=True
        ) as stream:
            for chunk in stream:
                if chunk.choices: yield chunk.choices[0].delta.content or ""

    async def plain_async(self, tokens=4):
        async with self.client(self.asynchronous) as api:
            answer = await api.chat.completions.create(model=self.model, messages=MESSAGES, max_tokens=tokens)
            return answer.choices[0].message.content

    async def stream_async(self, tokens):
        async with self.client(self.asynchronous) as api, await api.chat.completions.create(
            model=self.model, messages=MESSAGES, max_tokens=tokens, stream=True
        ) as stream:
            async for chunk in stream:
                if chunk.choices: yield chunk.choices[0].delta.content or ""


class Responses(OpenAI):
    name = f"openai {openai.__version__}, responses"

    def plain(self, tokens=4):
        with self.client(self.sync) as api:
            answer = api.responses.create(model=self.model, input="Say something.", max_output_tokens=tokens)
            assert answer.usage.output_tokens == tokens, answer
            return answer.output_text

    def stream(self, tokens):
        with self.client(self.sync) as api, api.responses.create(
            model=self.model, input="Say something.", max_output_tokens=tokens, stream=True
        ) as stream:
            for event in stream:
                if event.type == "response.output_text.delta": yield event.delta

    async def plain_async(self, tokens=4):
        async with self.client(self.asynchronous) as api:
            answer = await api.responses.create(model=self.model, input="Say something.", max_output_tokens=tokens)
            return answer.output_text

    async def stream_async(self, tokens):
        async with self.client(self.asynchronous) as api, await api.responses.create(
            model=self.model, input="Say something.", max_output_tokens=tokens, stream=True
        ) as stream:
            async for event in stream:
                if event.type == "response.output_text.delta": yield event.delta


class DashScope(OpenAI):
    name = f"openai {openai.__version__} with DashScope"
    upstream, host, path = "dashscope", "dashscope.aliyuncs.com", "/compatible-mode/v1"
    model = "qwen-plus"


class Azure(OpenAI):
    name = f"openai {openai.__version__} with Azure"
    upstream, host, path = "azure-openai", "simulated.openai.azure.com", ""
    sync, asynchronous = openai.AzureOpenAI, openai.AsyncAzureOpenAI
    # Not every version of its API takes `stream_options`, so Penstock does not ask.
    metered = "about"

    def client(self, kind):
        return kind(
            azure_endpoint=self.url, api_version="2024-10-21", api_key=self.key, max_retries=self.retries, timeout=30,
            default_headers=self.headers)


FACES = [OpenAI, Responses, Azure, DashScope]
