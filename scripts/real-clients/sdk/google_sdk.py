import contextlib

from google import genai
from google.genai import errors, types

from sdk.face import QUESTION, Face


class Google(Face):
    name = f"google-genai {genai.__version__}"
    upstream, host, path = "gemini", "generativelanguage.googleapis.com", ""
    refusal = errors.ClientError
    # It repeats nothing unless told to, and then by a backoff of its own.
    heeds_hints = False
    # The same status for both, and nothing in the details.
    knows_money = False
    model = "gemini-2.5-flash"

    def client(self):
        return genai.Client(api_key=self.key, http_options={"base_url": self.url, "headers": self.headers})

    @staticmethod
    def length(tokens):
        return types.GenerateContentConfig(max_output_tokens=tokens)

    def plain(self, tokens=4):
        # A client that nobody holds closes itself.
        api = self.client()
        answer = api.models.generate_content(
            model=self.model, contents=QUESTION, config=self.length(tokens))
        assert answer.usage_metadata.candidates_token_count == tokens, answer
        return answer.text

    def stream(self, tokens):
        api = self.client()
        with contextlib.closing(api.models.generate_content_stream(
            model=self.model, contents=QUESTION, config=self.length(tokens)
        )) as stream:
            for chunk in stream: yield chunk.text or ""

    async def plain_async(self, tokens=4):
        api = self.client()
        answer = await api.aio.models.generate_content(
            model=self.model, contents=QUESTION, config=self.length(tokens))
        return answer.text

    async def stream_async(self, tokens):
        api = self.client()
        async with contextlib.aclosing(await api.aio.models.generate_content_stream(
            model=self.model, contents=QUESTION, config=self.length(tokens)
        )) as stream:
            async for chunk in stream: yield chunk.text or ""


FACES = [Google]
