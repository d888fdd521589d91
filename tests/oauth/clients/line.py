"""A client that is told what to do on its standard input: line.mjs has the words."""

import asyncio
import json
import os
import ssl
import sys

SETTINGS = json.loads(os.environ["CLIENT"])
TRUSTED = ssl.create_default_context(cafile=os.environ["NODE_EXTRA_CA_CERTS"])


def say(**said):
    print(json.dumps(said), flush=True)


async def hear():
    line = await asyncio.to_thread(sys.stdin.readline)
    if not line:
        sys.exit(0)
    return json.loads(line)


class Storage:
    """Where both SDKs keep what they got."""

    def __init__(self, information=None):
        self.tokens, self.information = None, information

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.information

    async def set_client_info(self, information):
        self.information = information


def metadata():
    """What a client with an OAuth of its own says of itself."""
    return {
        "client_name": SETTINGS["name"],
        "redirect_uris": [SETTINGS["redirect"]],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    }


async def open_page(url):
    say(open=url)


async def called():
    """The address that came back."""
    return (await hear())["callback"]


async def elicited(params):
    say(elicit=params.model_dump(mode="json", by_alias=True, exclude_none=True))
    return (await hear())["action"]


def deepest(error):
    """Of a group, what began it."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return error


async def serve(commands):
    while True:
        command = await hear()
        try:
            done = await commands[command["do"]](command)
            say(done=done)
        except Exception as error:
            error = deepest(error)
            status = getattr(getattr(error, "response", None), "status_code", None)
            say(failed=str(error), kind=type(error).__name__, status=status)
        if command["do"] == "close":
            return


async def run(connected, provider, storage):
    """`connected` is a context of a client with `call` and `tools`; it is entered at the first command."""

    async def tokens(_):
        return storage.tokens and json.loads(storage.tokens.model_dump_json())

    async def stale(_):
        """As if the access token had run out: the SDK refreshes it before its next request."""
        provider.context.token_expiry_time = 1

    waiting = await hear()
    assert waiting["do"] == "connect", waiting
    try:
        async with connected() as client:
            say(done=client.revision)

            async def call(command):
                answer = await client.call(command["name"], command["arguments"])
                return json.loads(answer.model_dump_json(by_alias=True, exclude_none=True))

            async def tools(_):
                return await client.tools()

            async def close(_):
                return None

            await serve({"call": call, "tools": tools, "tokens": tokens, "stale": stale, "close": close})
    except Exception as error:
        error = deepest(error)
        say(failed=str(error), kind=type(error).__name__, status=None)
