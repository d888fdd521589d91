"""PyPI mcp 2 in both of its modes (MODE: auto or legacy)."""

import asyncio
import os
from contextlib import asynccontextmanager

from mcp import Client, types
from mcp.client.stdio import StdioServerParameters

from checks import ARGUMENTS, OVER_STDIO, PROGRAM, URL, Answer, Driver, code_of, expect, run
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

    async def resource(self):
        templates = (await self.client.list_resource_templates()).resource_templates
        expect(len(templates) == 16, templates)
        resources = (await self.client.list_resources()).resources
        uri = next(str(one.uri) for one in resources if str(one.uri).endswith("/shop/orders"))
        contents = (await self.client.read_resource(uri)).contents
        expect(str(contents[0].uri) == uri and len(contents[0].text) > 20, contents)
        code = await code_of(self.client.read_resource(f"{uri}_not_there"))
        expect(code in (-32002, -32602), f"an unknown resource: {code}")
        return f"{uri}, unknown: {code}"


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
async def connected():
    server = StdioServerParameters(command=PROGRAM, args=ARGUMENTS) if OVER_STDIO else URL
    async with Client(server, mode=MODE, message_handler=hear, elicitation_callback=elicit) as client:
        yield Mcp2(client)


run(connected)
