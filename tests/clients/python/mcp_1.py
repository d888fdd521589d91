"""PyPI mcp 1, with its tasks of 2025-11-25 (`session.experimental`)."""

import asyncio
from contextlib import asynccontextmanager

from mcp import ClientSession, types
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from checks import ARGUMENTS, OVER_STDIO, PROGRAM, Answer, Driver, expect, headers, run
from schema import Schema
from tasks import Tasks
from write import elicited


class Mcp1(Driver):
    # It forgets a call that is cancelled, and says nothing.
    cancels = False
    elicits = True

    def __init__(self, session, initialized):
        self.session, self.initialized = session, initialized
        self.tasks = Experimental(session.experimental)
        self.schema = Schema1(session)

    def revision(self):
        return self.initialized.protocolVersion

    async def tools(self):
        return (await self.session.list_tools()).tools

    async def call(self, name, arguments):
        return Answer.of(await self.session.call_tool(name, arguments))


class Experimental(Tasks):
    form = "SEP-1686"

    def __init__(self, experimental):
        self.experimental = experimental

    async def create(self, sql):
        created = await self.experimental.call_tool_as_task("query", {"sql": sql}, ttl=120_000)
        expect(created.task.ttl == 120_000, created)
        return created.task.taskId

    async def status(self, task):
        return (await self.experimental.get_task(task)).status

    async def result(self, task):
        async for _ in self.experimental.poll_task(task):
            pass
        return Answer.of(await self.experimental.get_task_result(task, types.CallToolResult))

    async def cancel(self, task):
        cancelled = await self.experimental.cancel_task(task)
        expect(cancelled.status == "cancelled", cancelled)

    async def list(self):
        return [task.taskId for task in (await self.experimental.list_tasks()).tasks]


class Schema1(Schema):
    def __init__(self, session):
        self.session = session

    async def prompts(self):
        return (await self.session.list_prompts()).prompts

    async def prompt(self, name, arguments):
        return await self.session.get_prompt(name, arguments)

    async def complete(self, template, name, value, context):
        ref = types.ResourceTemplateReference(type="ref/resource", uri=template)
        completed = await self.session.complete(ref, {"name": name, "value": value}, context)
        return completed.completion.values

    async def templates(self):
        return (await self.session.list_resource_templates()).resourceTemplates

    async def resources(self):
        return (await self.session.list_resources()).resources

    async def read(self, uri):
        return (await self.session.read_resource(uri)).contents[0]

    @asynccontextmanager
    async def changes(self, uri):
        await self.session.subscribe_resource(uri)
        yield HEARD
        await self.session.unsubscribe_resource(uri)


HEARD = asyncio.Queue()


async def hear(message):
    """What the server says unasked."""
    if isinstance(getattr(message, "root", None), types.ResourceUpdatedNotification):
        HEARD.put_nowait(str(message.root.params.uri))


async def elicit(_, params):
    await elicited(params)
    return types.ElicitResult(action="accept")


@asynccontextmanager
async def opened(url, token, **callbacks):
    """A session, not yet initialized."""
    async with create_mcp_http_client(headers(token)) as http:
        stdio = StdioServerParameters(command=PROGRAM, args=ARGUMENTS)
        streams = stdio_client(stdio) if OVER_STDIO else streamable_http_client(url, http_client=http)
        async with streams as (read, write, *_):
            async with ClientSession(read, write, **callbacks) as session:
                yield session


@asynccontextmanager
async def connected(url, token):
    async with opened(url, token, message_handler=hear, elicitation_callback=elicit) as session:
        yield Mcp1(session, await session.initialize())


if __name__ == "__main__":
    run(connected)
