"""Official SDKs behind one face: what an application does with each of them."""

import contextlib
import importlib

NAMES = (
    "openai_sdk", "anthropic_sdk", "google_sdk", "bedrock_sdk", "mistral_sdk", "cohere_sdk", "groq_sdk",
    "langchain_sdks", "litellm_sdk",
)


def installed(names):
    """The faces of what this environment has, in the order of NAMES; only those named, if any are."""
    faces = []
    for name in names or NAMES:
        with contextlib.suppress(ModuleNotFoundError):
            faces += importlib.import_module(f"sdk.{name}").FACES
    return faces
