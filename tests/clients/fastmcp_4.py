"""PyPI fastmcp 4 with fastmcp-tasks: the tasks extension of 2026-07-28."""

from contextlib import asynccontextmanager

from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from fastmcp_tasks import call_tool_task

from checks import ARGUMENTS, OVER_STDIO, PROGRAM, URL, Answer, Driver, expect, run
from tasks import Tasks


class FastMcp4(Driver):
    expected = "2026-07-28"

    def __init__(self, client):
        self.client = client
        self.tasks = Extension(client)

    def revision(self):
        return self.client.protocol_version

    async def tools(self):
        return await self.client.list_tools()

    async def call(self, name, arguments):
        return Answer.of(await self.client.call_tool(name, arguments, raise_on_error=False))


class Extension(Tasks):
    form = "SEP-2663"

    def __init__(self, client):
        self.client, self.made = client, {}

    async def create(self, sql):
        task = await call_tool_task(self.client, "query", {"sql": sql})
        self.made[task.task_id] = task, sql
        return task.task_id

    async def status(self, task):
        return (await self.made[task][0].status()).status

    async def result(self, task):
        handle, sql = self.made[task]
        answer = Answer.of(await handle.result())
        # As most callers have it: they never see the task.
        again = Answer.of(await self.client.call_tool("query", {"sql": sql}))
        expect(again.content["rows"] == answer.content["rows"], again)
        return answer

    async def cancel(self, task):
        await self.made[task][0].cancel()


@asynccontextmanager
async def connected():
    async with Client(StdioTransport(PROGRAM, ARGUMENTS) if OVER_STDIO else URL) as client:
        yield FastMcp4(client)


run(connected)
