"""PyPI openai-agents: its classes for MCP servers, without a model."""

from contextlib import asynccontextmanager

from agents.mcp import MCPServerStdio, MCPServerStreamableHttp

from checks import ARGUMENTS, OVER_STDIO, PROGRAM, URL, Answer, Driver, run
from tasks import Handle


class OpenAiAgents(Driver):
    expected = "2026-07-28"

    def __init__(self, server):
        self.server = server
        self.tasks = Handle(self.call)

    def revision(self):
        return self.server.session.protocol_version

    async def tools(self):
        return await self.server.list_tools()

    async def call(self, name, arguments):
        return Answer.of(await self.server.call_tool(name, arguments))


@asynccontextmanager
async def connected():
    stdio = {"command": PROGRAM, "args": ARGUMENTS}
    async with MCPServerStdio(stdio) if OVER_STDIO else MCPServerStreamableHttp({"url": URL}) as server:
        yield OpenAiAgents(server)


run(connected)
