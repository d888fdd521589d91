"""PyPI langchain-mcp-adapters: its tools, with the bearer token that CLIENT holds."""

import asyncio
import json
from contextlib import asynccontextmanager

import httpx
from langchain_mcp_adapters.callbacks import Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from mcp.types import ElicitResult

from line import SETTINGS, TRUSTED, Storage, elicited, run


class Answer:
    def __init__(self, message):
        self.message = message

    def model_dump_json(self, **_):
        parts = [part for part in self.message.content if isinstance(part, dict)]
        text = self.message.content if isinstance(self.message.content, str) else parts[0]["text"]
        artifact = self.message.artifact or {}
        answer = {"content": [{"type": "text", "text": text}], "isError": self.message.status == "error"}
        if artifact.get("structured_content"):
            answer["structuredContent"] = artifact["structured_content"]
        return json.dumps(answer)


class Adapter:
    revision = "2025-11-25"

    def __init__(self, tools):
        self.by_name = {tool.name: tool for tool in tools}

    async def call(self, name, arguments):
        call = {"type": "tool_call", "id": "1", "name": name, "args": arguments}
        return Answer(await self.by_name[name].ainvoke(call))

    async def tools(self):
        return list(self.by_name)


async def elicit(_mcp, params, _context):
    return ElicitResult(action=await elicited(params))


def http(headers=None, timeout=None, auth=None):
    return httpx.AsyncClient(headers=headers, timeout=httpx.Timeout(30, read=120), auth=auth, verify=TRUSTED)


@asynccontextmanager
async def connected():
    connection = {
        "transport": "streamable_http",
        "url": SETTINGS["url"],
        "headers": {"Authorization": f"Bearer {SETTINGS['token']}"},
        "httpx_client_factory": http,
    }
    callbacks = Callbacks(on_elicitation=elicit)
    client = MultiServerMCPClient({"pgwarden": connection}, callbacks=callbacks)
    async with client.session("pgwarden") as session:
        yield Adapter(await load_mcp_tools(session, callbacks=callbacks, server_name="pgwarden"))


asyncio.run(run(connected, None, Storage()))
