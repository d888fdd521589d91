"""PyPI mcp 2 in both of its modes (MODE: auto or legacy)."""

import os
from contextlib import asynccontextmanager

from mcp import Client
from mcp.client.stdio import StdioServerParameters

from checks import ARGUMENTS, OVER_STDIO, PROGRAM, URL, Answer, Driver, code_of, expect, run
from tasks import Handle

MODE = os.environ["MODE"]


class Mcp2(Driver):
    expected = "2025-11-25" if MODE == "legacy" else "2026-07-28"

    def __init__(self, client):
        self.client = client
        self.tasks = Handle(self.call)

    def revision(self):
        return self.client.protocol_version

    async def tools(self):
        return (await self.client.list_tools()).tools

    async def call(self, name, arguments):
        return Answer.of(await self.client.call_tool(name, arguments))

    async def resource(self):
        templates = (await self.client.list_resource_templates()).resource_templates
        expect(len(templates) == 3, templates)
        resources = (await self.client.list_resources()).resources
        uri = next(str(one.uri) for one in resources if len(str(one.uri).split("/")) == 5)
        contents = (await self.client.read_resource(uri)).contents
        expect(str(contents[0].uri) == uri and len(contents[0].text) > 20, contents)
        code = await code_of(self.client.read_resource(f"{uri}_not_there"))
        expect(code in (-32002, -32602), f"an unknown resource: {code}")
        return f"{uri}, unknown: {code}"


@asynccontextmanager
async def connected():
    server = StdioServerParameters(command=PROGRAM, args=ARGUMENTS) if OVER_STDIO else URL
    async with Client(server, mode=MODE) as client:
        yield Mcp2(client)


run(connected)
