"""PyPI google-adk: its toolset, as an agent's turn calls it, without a model (MODE: legacy, its default, or auto)."""

import os
from contextlib import asynccontextmanager
from types import SimpleNamespace

from google.adk.agents import LlmAgent
from google.adk.agents.invocation_context import InvocationContext
from google.adk.sessions import InMemorySessionService
from google.adk.tools.mcp_tool import McpToolset
from google.adk.tools.mcp_tool.mcp_session_manager import StdioConnectionParams, StreamableHTTPConnectionParams
from google.adk.tools.tool_context import ToolContext
from mcp import StdioServerParameters
from mcp.types import ElicitResult

from checks import ARGUMENTS, OVER_STDIO, PROGRAM, Answer, Driver, expect, headers, run
from schema import Schema
from tasks import Handle
from write import elicited

MODE = os.environ["MODE"]
# It reads the variable when it connects.
os.environ["ADK_ENABLE_MCP_MODERN_PROTOCOL"] = "1" if MODE == "auto" else "0"


class GoogleAdk(Driver):
    expected = "2025-11-25" if MODE == "legacy" else "2026-07-28"
    # In the newer revision it declares what its callback could do, and then raises on being asked.
    elicits = MODE == "legacy"
    unlisted = False
    # By name.
    sorts = True

    def __init__(self, toolset, session, tools, context):
        self.toolset, self.session, self.context = toolset, session, context
        self.by_name = {tool.name: tool for tool in tools}
        self.tasks = Handle(self.call)
        self.schema = AdkSchema(toolset)

    def revision(self):
        return self.session.protocol_version

    async def listed(self):
        return [tool.raw_mcp_tool for tool in self.by_name.values()]

    async def call(self, name, arguments):
        result = await self.by_name[name].run_async(args=arguments, tool_context=self.context)
        expect("content" in result, result)
        blocks = [SimpleNamespace(**block) for block in result["content"]]
        return Answer(blocks, result.get("structuredContent"), bool(result.get("isError")), result.get("meta"))

    async def converted(self):
        declared = [tool._get_declaration() for tool in self.by_name.values()]
        return {one.name: (one.parameters_json_schema, one.description) for one in declared}


class AdkSchema(Schema):
    """It reads what is listed, by its name."""

    forms = False
    hides_codes = True

    def __init__(self, toolset):
        self.toolset = toolset

    async def resources(self):
        return [SimpleNamespace(uri=f"postgres://shop/{name.replace('.', '/')}") for name in await self.toolset.list_resources()]

    async def read(self, uri):
        return (await self.toolset.read_resource(uri.removeprefix("postgres://shop/").replace("/", ".")))[0]


async def elicit(_context, params):
    await elicited(params)
    return ElicitResult(action="accept")


async def turn():
    """What a tool is given by the agent that calls it."""
    service = InMemorySessionService()
    session = await service.create_session(app_name="checks", user_id="checks")
    agent = LlmAgent(name="checks")
    return ToolContext(InvocationContext(invocation_id="1", agent=agent, session=session, session_service=service))


@asynccontextmanager
async def connected(url, token):
    if OVER_STDIO:
        server = StdioServerParameters(command=PROGRAM, args=ARGUMENTS)
        parameters = StdioConnectionParams(server_params=server, timeout=60)
    else:
        parameters = StreamableHTTPConnectionParams(url=url, headers=headers(token), timeout=60)
    toolset = McpToolset(connection_params=parameters, elicitation_callback=elicit if MODE == "legacy" else None)
    try:
        tools = await toolset.get_tools()
        session = await toolset._mcp_session_manager.create_session()
        yield GoogleAdk(toolset, session, tools, await turn())
    finally:
        await toolset.close()


run(connected)
