"""PyPI langchain-mcp-adapters: its tools, as an agent calls them."""

from contextlib import asynccontextmanager
from types import SimpleNamespace

from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_mcp_adapters.callbacks import Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.prompts import load_mcp_prompt
from langchain_mcp_adapters.resources import load_mcp_resources
from langchain_mcp_adapters.tools import load_mcp_tools
from mcp.types import ElicitResult, TextContent

from checks import ARGUMENTS, OVER_STDIO, PROGRAM, Answer, Driver, headers, run
from schema import Schema
from tasks import Handle
from write import elicited


class LangChain(Driver):
    cancels = False
    elicits = True
    meta = False
    unlisted = False

    def __init__(self, session, initialized, tools):
        self.session, self.initialized, self.loaded = session, initialized, tools
        self.by_name = {tool.name: tool for tool in tools}
        self.tasks = Handle(self.call)
        self.schema = AdaptersSchema(session)

    def revision(self):
        return self.initialized.protocolVersion

    async def tools(self):
        return self.loaded

    async def listed(self):
        return (await self.session.list_tools()).tools

    async def call(self, name, arguments):
        call = {"type": "tool_call", "id": "1", "name": name, "args": arguments}
        message = await self.by_name[name].ainvoke(call)
        content = (message.artifact or {}).get("structured_content")
        blocks = [TextContent(type="text", text=part["text"]) for part in message.content]
        return Answer(blocks, content, message.status == "error", {})

    async def converted(self):
        made = [convert_to_openai_tool(tool)["function"] for tool in self.loaded]
        return {one["name"]: (one["parameters"], one["description"]) for one in made}


class AdaptersSchema(Schema):
    hides_codes = True

    def __init__(self, session):
        self.session = session

    async def prompt(self, name, arguments):
        """In the form of a protocol's answer."""
        messages = await load_mcp_prompt(self.session, name, arguments=arguments)
        return SimpleNamespace(messages=[SimpleNamespace(content=SimpleNamespace(text=one.content)) for one in messages])

    async def resources(self):
        return [named(blob) for blob in await load_mcp_resources(self.session)]

    async def read(self, uri):
        return named((await load_mcp_resources(self.session, uris=[uri]))[0])


def named(blob):
    return SimpleNamespace(uri=blob.metadata["uri"], text=blob.as_string())


async def elicit(_mcp, params, _context):
    await elicited(params)
    return ElicitResult(action="accept")


@asynccontextmanager
async def connected(url, token):
    stdio = {"transport": "stdio", "command": PROGRAM, "args": ARGUMENTS}
    http = {"transport": "streamable_http", "url": url, "headers": headers(token)}
    callbacks = Callbacks(on_elicitation=elicit)
    client = MultiServerMCPClient({"pgwarden": stdio if OVER_STDIO else http}, callbacks=callbacks)
    async with client.session("pgwarden", auto_initialize=False) as session:
        initialized = await session.initialize()
        yield LangChain(session, initialized, await load_mcp_tools(session, callbacks=callbacks))


run(connected)
