"""PyPI fastmcp 3 and 4, with the bearer token that CLIENT holds: here it is about writes, not about how to get in."""

import asyncio
import json
from contextlib import asynccontextmanager

from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import StreamableHttpTransport

from line import SETTINGS, TRUSTED, Storage, elicited, run


class Answer:
    def __init__(self, answer):
        self.answer = answer

    def model_dump_json(self, **_):
        content = [{"type": "text", "text": part.text} for part in self.answer.content]
        return json.dumps(
            {
                "content": content,
                "structuredContent": self.answer.structured_content,
                "isError": self.answer.is_error,
            }
        )


class Fast:
    def __init__(self, client):
        self.client = client
        opened = getattr(client, "initialize_result", None)
        self.revision = getattr(client, "protocol_version", None) or opened.protocolVersion

    async def call(self, name, arguments):
        return Answer(await self.client.call_tool(name, arguments, raise_on_error=False))

    async def tools(self):
        return [tool.name for tool in await self.client.list_tools()]


async def elicit(_message, _type, params, _context):
    return ElicitResult(action=await elicited(params))


@asynccontextmanager
async def connected():
    transport = StreamableHttpTransport(SETTINGS["url"], auth=SETTINGS["token"], verify=TRUSTED)
    elicits = {"elicitation_handler": elicit} if SETTINGS["elicits"] else {}
    async with Client(transport, timeout=90, **elicits) as client:
        yield Fast(client)


asyncio.run(run(connected, None, Storage()))
