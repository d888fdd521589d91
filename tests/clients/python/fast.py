"""What both lines of PyPI fastmcp have alike."""

from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport

from checks import ARGUMENTS, OVER_STDIO, PROGRAM, Answer, Driver
from schema import Schema
from write import elicited


class FastMcp(Driver):
    elicits = True

    def __init__(self, client):
        self.client = client

    async def tools(self):
        return await self.client.list_tools()

    async def call(self, name, arguments):
        return Answer.of(await self.client.call_tool(name, arguments, raise_on_error=False))


class FastSchema(Schema):
    def __init__(self, client, reference):
        """`reference`: the type of its SDK for a resource template in a completion."""
        self.client, self.reference = client, reference

    async def prompts(self):
        return await self.client.list_prompts()

    async def prompt(self, name, arguments):
        return await self.client.get_prompt(name, arguments)

    async def complete(self, template, name, value, context):
        ref = self.reference(type="ref/resource", uri=template)
        return (await self.client.complete(ref, {"name": name, "value": value}, context)).values

    async def templates(self):
        return await self.client.list_resource_templates()

    async def resources(self):
        return await self.client.list_resources()

    async def read(self, uri):
        return (await self.client.read_resource(uri))[0]


async def elicit(_message, _type, params, _context):
    await elicited(params)
    return ElicitResult(action="accept")


def transport(url, token):
    return StdioTransport(PROGRAM, ARGUMENTS) if OVER_STDIO else StreamableHttpTransport(url, auth=token)
