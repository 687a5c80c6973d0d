"""What the checks know of an SDK."""

from harness import SECRET

QUESTION = "Say something."
MESSAGES = [{"role": "user", "content": QUESTION}]


class Face:
    """One SDK. An object of it is a client with a base URL, headers of its own and so many repetitions."""

    #: As people call it, with its version.
    name = ""
    #: The upstream, which is also the provider and its shape at the simulator.
    upstream = ""
    #: The provider's own host, for the way through a forward proxy.
    host = ""
    #: What the base URL has behind the upstream's prefix.
    path = ""
    #: What it raises for a 429.
    refusal = Exception
    #: The SDK comes back by itself when `Retry-After` or `retry-after-ms` says.
    heeds_hints = True
    #: `x-should-retry: false` ends its repetitions.
    heeds_advice = False
    #: The environment that holds headers for every request, where there is such a thing.
    headers_variable = None
    #: What it reads a proxy from.
    knows_proxies = True
    has_async = True
    #: It ends the connection of a stream that is left; else Python does, when it collects garbage. `None`: neither.
    closes = True
    #: What Penstock learns of 4 tokens in a whole answer and 12 in a stream: "all", "about" or "whole" for the former.
    metered = "all"
    #: A provider's word for used-up money can be told from one for a rate.
    knows_money = True
    model = "gpt-4o-mini"
    key = SECRET

    def __init__(self, url, headers=None, retries=0):
        self.url, self.headers, self.retries = url, headers or {}, retries

    @classmethod
    def at(cls, penstock, **options):
        """A client that reaches its provider by the upstream's prefix."""
        return cls(f"{penstock.url}/{cls.upstream}{cls.path}", **options)

    @classmethod
    def at_host(cls, **options):
        """A client that calls the provider by its own name, without TLS."""
        return cls(f"http://{cls.host}{cls.path}", **options)

    def plain(self, tokens=4):
        """The text of an answer of so many tokens."""
        raise NotImplementedError

    def stream(self, tokens):
        """The same, part by part; closing the generator leaves the stream."""
        raise NotImplementedError

    async def plain_async(self, tokens=4):
        raise NotImplementedError

    def stream_async(self, tokens):
        raise NotImplementedError

    @staticmethod
    def text(error):
        """What a refusal says to people."""
        return str(error)
