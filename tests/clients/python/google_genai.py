"""PyPI google-genai: a session of PyPI mcp 1, whose tools it gives to a model and calls for it."""

from contextlib import asynccontextmanager

from google.genai import types
from google.genai._adapters import McpToGenAiToolAdapter
from google.genai._mcp_utils import mcp_to_gemini_tools

from checks import Answer, run
from mcp_1 import Mcp1, opened
from tasks import Handle


class GoogleGenAi(Mcp1):
    # What the application does with the session it does with PyPI mcp.
    elicits = False

    def __init__(self, session, initialized, listed):
        super().__init__(session, initialized)
        self.adapter, self.listed_tools = McpToGenAiToolAdapter(session, listed), listed.tools
        self.tasks, self.schema = Handle(self.call), None

    async def call(self, name, arguments):
        return Answer.of(await self.adapter.call_tool(types.FunctionCall(name=name, args=arguments)))

    async def converted(self):
        """Its helper for the Agent Platform. That for the Gemini API raises on `additionalProperties: false`."""
        tools = mcp_to_gemini_tools(self.listed_tools, is_agent_platform=True)
        declared = [tool.function_declarations[0] for tool in tools]
        return {one.name: (one.parameters_json_schema, one.description) for one in declared}


@asynccontextmanager
async def connected(url, token):
    async with opened(url, token) as session:
        yield GoogleGenAi(session, await session.initialize(), await session.list_tools())


run(connected)
