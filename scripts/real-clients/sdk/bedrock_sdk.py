import contextlib
import json

import boto3
import botocore.config
import botocore.exceptions

from sdk.face import MESSAGES, QUESTION, Face

MODEL = "anthropic.claude-3-5-sonnet-20241022-v2:0"
# The documentation's own example.
KEY = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}


class Bedrock(Face):
    name = f"boto3 {boto3.__version__}"
    upstream, host, path = "bedrock", "bedrock-runtime.us-east-1.amazonaws.com", ""
    refusal = botocore.exceptions.ClientError
    # It waits for `x-amz-retry-after`; the releases of old know no hint at all.
    heeds_hints = knows_bearer = int(boto3.__version__.split(".")[1]) > 40
    has_async = False
    model = MODEL

    def client(self):
        api = boto3.client(
            "bedrock-runtime", region_name="us-east-1", endpoint_url=self.url, **KEY,
            config=botocore.config.Config(
                retries={"total_max_attempts": self.retries + 1, "mode": "standard"}, read_timeout=30))
        # When the request has been signed: what is not signed may be taken off on the way.
        api.meta.events.register("before-send.bedrock-runtime", self.add_headers)
        return api

    def add_headers(self, request, **_):
        for name, value in self.headers.items(): request.headers[name] = value

    def plain(self, tokens=4):
        answer = self.client().converse(**self.question(tokens))
        assert answer["usage"]["outputTokens"] == tokens, answer
        return answer["output"]["message"]["content"][0]["text"]

    def stream(self, tokens):
        with contextlib.closing(self.client().converse_stream(**self.question(tokens))["stream"]) as stream:
            for event in stream: yield event.get("contentBlockDelta", {}).get("delta", {}).get("text", "")

    def question(self, tokens):
        return {
            "modelId": self.model, "messages": [{"role": "user", "content": [{"text": QUESTION}]}],
            "inferenceConfig": {"maxTokens": tokens},
        }


class Invoke(Bedrock):
    name = f"boto3 {boto3.__version__}, invoke"

    def plain(self, tokens=4):
        answer = json.loads(self.client().invoke_model(**self.question(tokens))["body"].read())
        return answer["content"][0]["text"]

    def stream(self, tokens):
        answer = self.client().invoke_model_with_response_stream(**self.question(tokens))
        with contextlib.closing(answer["body"]) as stream:
            for event in stream: yield json.loads(event["chunk"]["bytes"]).get("delta", {}).get("text", "")

    def question(self, tokens):
        body = {"anthropic_version": "bedrock-2023-05-31", "messages": MESSAGES, "max_tokens": tokens}
        return {"modelId": self.model, "body": json.dumps(body)}


FACES = [Bedrock, Invoke]
