"""PyPI openai-agents: its classes for MCP servers and its function tools, without a model."""

import json
from contextlib import asynccontextmanager

from agents.mcp import MCPServerStdio, MCPServerStreamableHttp, MCPUtil
from agents.tool_context import ToolContext

from checks import ARGUMENTS, OVER_STDIO, PROGRAM, Answer, Driver, expect, headers, run
from schema import Schema
from tasks import Handle


class OpenAiAgents(Driver):
    expected = "2026-07-28"
    strict = True

    def __init__(self, server):
        self.server = server
        self.tasks = Handle(self.call)
        self.schema = AgentsSchema(server)

    def revision(self):
        return self.server.session.protocol_version

    async def tools(self):
        return await self.server.list_tools()

    async def call(self, name, arguments):
        return Answer.of(await self.server.call_tool(name, arguments))

    async def converted(self):
        made = [MCPUtil.to_function_tool(tool, self.server, True) for tool in await self.tools()]
        expect(all(tool.strict_json_schema for tool in made), "not all became strict")
        await called(made[0])
        return {tool.name: (tool.params_json_schema, tool.description) for tool in made}


async def called(tool):
    """As a model in strict mode calls it: every property is given."""
    given = {name: filler(schema) for name, schema in tool.params_json_schema["properties"].items()}
    given |= {"sql": "SELECT $1::text AS given", "params": ["é"], "database": "shop", "limit": 5}
    words = json.dumps(given)
    context = ToolContext(None, tool_name=tool.name, tool_call_id="1", tool_arguments=words)
    answer = await tool.on_invoke_tool(context, words)
    expect(json.loads(answer["text"])["rows"] == [["é"]], f"{words}: {answer}")


def filler(schema):
    if "enum" in schema:
        return schema["enum"][0]
    return {"string": "", "array": [], "integer": 1, "boolean": False}[schema["type"]]


class AgentsSchema(Schema):
    def __init__(self, server):
        self.server = server

    async def prompts(self):
        return (await self.server.list_prompts()).prompts

    async def prompt(self, name, arguments):
        return await self.server.get_prompt(name, arguments)

    async def templates(self):
        return (await self.server.list_resource_templates()).resource_templates

    async def resources(self):
        return (await self.server.list_resources()).resources

    async def read(self, uri):
        return (await self.server.read_resource(uri)).contents[0]


@asynccontextmanager
async def connected(url, token):
    stdio, http = {"command": PROGRAM, "args": ARGUMENTS}, {"url": url, "headers": headers(token)}
    # Its patience is 5 seconds, where nothing is said.
    patience = {"client_session_timeout_seconds": 60}
    made = MCPServerStdio(stdio, **patience) if OVER_STDIO else MCPServerStreamableHttp(http, **patience)
    async with made as server:
        yield OpenAiAgents(server)


run(connected)
