"""PyPI mcp 2 in both of its modes (MODE: auto or legacy)."""

import asyncio
import os
from contextlib import asynccontextmanager

from mcp import Client, types
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from checks import ARGUMENTS, OVER_STDIO, PROGRAM, Answer, Driver, headers, run
from schema import Schema
from tasks import Handle
from write import elicited

MODE = os.environ["MODE"]


class Mcp2(Driver):
    expected = "2025-11-25" if MODE == "legacy" else "2026-07-28"
    elicits = True

    def __init__(self, client):
        self.client = client
        self.tasks = Handle(self.call)
        self.schema = Schema2(client)

    def revision(self):
        return self.client.protocol_version

    async def tools(self):
        return (await self.client.list_tools()).tools

    async def call(self, name, arguments):
        return Answer.of(await self.client.call_tool(name, arguments))


class Schema2(Schema):
    def __init__(self, client):
        self.client = client

    async def prompts(self):
        return (await self.client.list_prompts()).prompts

    async def prompt(self, name, arguments):
        return await self.client.get_prompt(name, arguments)

    async def complete(self, template, name, value, context):
        ref = types.ResourceTemplateReference(uri=template)
        completed = await self.client.complete(ref, {"name": name, "value": value}, context)
        return completed.completion.values

    async def templates(self):
        return (await self.client.list_resource_templates()).resource_templates

    async def resources(self):
        return (await self.client.list_resources()).resources

    async def read(self, uri):
        return (await self.client.read_resource(uri)).contents[0]

    @asynccontextmanager
    async def changes(self, uri):
        if MODE == "legacy":
            await self.client.subscribe_resource(uri)
            yield HEARD
            await self.client.unsubscribe_resource(uri)
            return
        heard = asyncio.Queue()
        async with self.client.listen(resource_subscriptions=[uri]) as listening:

            async def listen():
                async for event in listening:
                    heard.put_nowait(str(event.uri))

            task = asyncio.create_task(listen())
            yield heard
            task.cancel()


HEARD = asyncio.Queue()


async def hear(message):
    """What the server says unasked in a session."""
    message = getattr(message, "root", message)
    if isinstance(message, types.ResourceUpdatedNotification):
        HEARD.put_nowait(str(message.params.uri))


async def elicit(_, params):
    await elicited(params)
    return types.ElicitResult(action="accept")


@asynccontextmanager
async def connected(url, token):
    async with create_mcp_http_client(headers(token)) as http:
        stdio = StdioServerParameters(command=PROGRAM, args=ARGUMENTS)
        server = stdio if OVER_STDIO else streamable_http_client(url, http_client=http)
        async with Client(server, mode=MODE, message_handler=hear, elicitation_callback=elicit) as client:
            yield Mcp2(client)


run(connected)
