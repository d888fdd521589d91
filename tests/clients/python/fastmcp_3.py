"""PyPI fastmcp 3, with its tasks of 2025-11-25 (`call_tool(task=True)`)."""

import asyncio
from contextlib import asynccontextmanager

from fastmcp import Client
from mcp.types import ResourceTemplateReference

from checks import Answer, expect, run
from fast import FastMcp, FastSchema, elicit, transport
from tasks import Tasks


class FastMcp3(FastMcp):
    # It forgets a call that is cancelled, and says nothing.
    cancels = False

    def __init__(self, client):
        super().__init__(client)
        self.tasks = Background(client)
        self.schema = FastSchema(client, ResourceTemplateReference)

    def revision(self):
        return self.client.initialize_result.protocolVersion


class Background(Tasks):
    form = "SEP-1686"

    def __init__(self, client):
        self.client, self.made, self.told = client, {}, asyncio.Event()

    async def create(self, sql):
        task = await self.client.call_tool("query", {"sql": sql}, task=True)
        expect(not task.returned_immediately, "no task")
        task.on_status_change(lambda status: self.told.set() if status.status == "completed" else None)
        self.made[task.task_id] = task
        return task.task_id

    async def status(self, task):
        return (await self.client.get_task_status(task)).status

    async def result(self, task):
        answer = Answer.of(await self.made[task].result())
        # It may have asked before it was told.
        await asyncio.wait_for(self.told.wait(), 5)
        return answer

    async def cancel(self, task):
        await self.made[task].cancel()

    async def list(self):
        return [task["taskId"] for task in (await self.client.list_tasks())["tasks"]]


@asynccontextmanager
async def connected(url, token):
    async with Client(transport(url, token), elicitation_handler=elicit) as client:
        yield FastMcp3(client)


run(connected)
