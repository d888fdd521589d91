"""PyPI mcp 2 with its own OAuth client, in the mode that CLIENT names (`auto` or `legacy`)."""

import asyncio
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client, types
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata

from line import SETTINGS, TRUSTED, Storage, called, elicited, metadata, open_page, run

INFORMATION = SETTINGS.get("information")
STORAGE = Storage(INFORMATION and OAuthClientInformationFull(**metadata(), **INFORMATION))


async def callback():
    parameters = parse_qs(urlsplit(await called()).query)
    return AuthorizationCodeResult(**{name: parameters[name][0] for name in ("code", "state", "iss") if name in parameters})


PROVIDER = OAuthClientProvider(
    SETTINGS["url"],
    OAuthClientMetadata(**metadata()),
    STORAGE,
    redirect_handler=open_page,
    callback_handler=callback,
    client_metadata_url=SETTINGS.get("document"),
)


class Mcp2:
    def __init__(self, client):
        self.client, self.revision = client, client.protocol_version

    async def call(self, name, arguments):
        return await self.client.call_tool(name, arguments)

    async def tools(self):
        return [tool.name for tool in (await self.client.list_tools()).tools]


async def elicit(_, params):
    return types.ElicitResult(action=await elicited(params))


@asynccontextmanager
async def connected():
    elicits = {"elicitation_callback": elicit} if SETTINGS["elicits"] else {}
    timeout = httpx2.Timeout(30, read=120)
    async with httpx2.AsyncClient(auth=PROVIDER, verify=TRUSTED, timeout=timeout) as http:
        server = streamable_http_client(SETTINGS["url"], http_client=http)
        async with Client(server, mode=SETTINGS["mode"], **elicits) as client:
            yield Mcp2(client)


asyncio.run(run(connected, PROVIDER, STORAGE))
