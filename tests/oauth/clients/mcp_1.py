"""PyPI mcp 1 with its own OAuth client."""

import asyncio
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import httpx
from mcp import ClientSession, types
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata

from line import SETTINGS, TRUSTED, Storage, called, elicited, metadata, open_page, run

INFORMATION = SETTINGS.get("information")
STORAGE = Storage(INFORMATION and OAuthClientInformationFull(**metadata(), **INFORMATION))


async def callback():
    parameters = parse_qs(urlsplit(await called()).query)
    return parameters["code"][0], parameters["state"][0]


PROVIDER = OAuthClientProvider(
    SETTINGS["url"],
    OAuthClientMetadata(**metadata()),
    STORAGE,
    redirect_handler=open_page,
    callback_handler=callback,
    client_metadata_url=SETTINGS.get("document"),
)


class Mcp1:
    def __init__(self, session, opened):
        self.session, self.revision = session, opened.protocolVersion

    async def call(self, name, arguments):
        return await self.session.call_tool(name, arguments)

    async def tools(self):
        return [tool.name for tool in (await self.session.list_tools()).tools]


async def elicit(_, params):
    return types.ElicitResult(action=await elicited(params))


@asynccontextmanager
async def connected():
    elicits = {"elicitation_callback": elicit} if SETTINGS["elicits"] else {}
    timeout = httpx.Timeout(30, read=120)
    async with httpx.AsyncClient(auth=PROVIDER, verify=TRUSTED, timeout=timeout) as http:
        async with streamable_http_client(SETTINGS["url"], http_client=http) as (read, write, _):
            async with ClientSession(read, write, **elicits) as session:
                yield Mcp1(session, await session.initialize())


asyncio.run(run(connected, PROVIDER, STORAGE))
