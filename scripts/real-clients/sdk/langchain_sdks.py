import contextlib
import importlib.metadata

import anthropic
import openai
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI

from sdk.face import QUESTION, Face


class LangChain(Face):
    heeds_advice = True

    def plain(self, tokens=4):
        return self.chat(tokens).invoke(QUESTION).content

    def stream(self, tokens):
        with contextlib.closing(self.chat(tokens).stream(QUESTION)) as stream:
            for chunk in stream: yield self.part(chunk)

    async def plain_async(self, tokens=4):
        return (await self.chat(tokens).ainvoke(QUESTION)).content

    async def stream_async(self, tokens):
        async with contextlib.aclosing(self.chat(tokens).astream(QUESTION)) as stream:
            async for chunk in stream: yield self.part(chunk)

    @staticmethod
    def part(chunk):
        if isinstance(chunk.content, str): return chunk.content
        return "".join(block.get("text", "") for block in chunk.content)


class LangChainOpenAI(LangChain):
    name = f"langchain-openai {importlib.metadata.version('langchain-openai')}"
    upstream, host, path = "openai", "api.openai.com", "/v1"
    refusal = openai.RateLimitError

    def chat(self, tokens):
        return ChatOpenAI(
            model=self.model, base_url=self.url, api_key=self.key, max_retries=self.retries, timeout=30,
            default_headers=self.headers, max_tokens=tokens)


class LangChainAnthropic(LangChain):
    version = importlib.metadata.version("langchain-anthropic")
    name = f"langchain-anthropic {version}"
    closes = not version.startswith("0.")
    upstream, host, path = "anthropic", "api.anthropic.com", ""
    refusal = anthropic.RateLimitError
    model = "claude-sonnet-4-5"

    def chat(self, tokens):
        return ChatAnthropic(
            model=self.model, base_url=self.url, api_key=self.key, max_retries=self.retries, timeout=30,
            default_headers=self.headers, max_tokens=tokens)


FACES = [LangChainOpenAI, LangChainAnthropic]
