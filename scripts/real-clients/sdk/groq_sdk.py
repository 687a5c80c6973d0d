import groq

from sdk.openai_sdk import OpenAI


class Groq(OpenAI):
    name = f"groq {groq.__version__}"
    upstream, host, path = "groq", "api.groq.com", ""
    refusal = groq.RateLimitError
    headers_variable = None if groq.__version__.startswith("0.") else "GROQ_CUSTOM_HEADERS"
    model = "llama-3.3-70b-versatile"
    sync, asynchronous = groq.Groq, groq.AsyncGroq


FACES = [Groq]
