"""PyPI fastmcp 4 with fastmcp-tasks, in both of its modes (MODE: auto or legacy). The tasks extension is of 2026-07-28."""

import os
from contextlib import asynccontextmanager

from fastmcp import Client
from fastmcp_tasks import call_tool_task
from mcp_types import ResourceTemplateReference

from checks import Answer, expect, run
from fast import FastMcp, FastSchema, elicit, transport
from tasks import Handle, Tasks

MODE = os.environ["MODE"]


class FastMcp4(FastMcp):
    expected = "2025-11-25" if MODE == "legacy" else "2026-07-28"

    def __init__(self, client):
        super().__init__(client)
        self.tasks = Handle(self.call) if MODE == "legacy" else Extension(client)
        self.schema = FastSchema(client, ResourceTemplateReference)

    def revision(self):
        return self.client.protocol_version


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
async def connected(url, token):
    async with Client(transport(url, token), mode=MODE, elicitation_handler=elicit) as client:
        yield FastMcp4(client)


run(connected)
