"""What a client in Python must be able to do with tasks: the checks of tasks.mjs."""

import asyncio
import random

from checks import Watch, check, expect


class Tasks:
    """A form of tasks as a client has it. `result` waits and gives an Answer; `list` is missing in some."""

    form = ""
    list = None

    async def create(self, sql):
        raise NotImplementedError

    async def status(self, task):
        raise NotImplementedError

    async def result(self, task):
        raise NotImplementedError

    async def cancel(self, task):
        raise NotImplementedError


class Handle(Tasks):
    """Two tools, for a client that knows nothing of tasks."""

    form = "handle"

    def __init__(self, call):
        self.call = call

    async def create(self, sql):
        answer = await self.call("query", {"sql": sql})
        expect(answer.content["status"] == "working" and answer.content["next"], answer.content)
        return answer.content["task_id"]

    async def status(self, task):
        answer = await self.call("task_result", {"task_id": task, "wait_seconds": 0})
        if answer.is_error:
            return "cancelled" if answer.text.startswith("ERROR:  57014: ") else "failed"
        return answer.content.get("status", "completed")

    async def result(self, task):
        while True:
            answer = await self.call("task_result", {"task_id": task})
            if answer.is_error or "status" not in answer.content:
                return answer

    async def cancel(self, task):
        answer = await self.call("task_cancel", {"task_id": task})
        expect(answer.content == {"status": "cancelled", "task_id": task}, answer)


async def check_tasks(tasks):
    mark = random.randint(100_000_000, 200_000_000)
    made = []

    async def form():
        return tasks.form

    async def create():
        sql = f"SELECT {mark} AS mark, count(*) AS n FROM generate_series(1, 400) a, generate_series(1, 100000) b"
        made.append(await tasks.create(sql))
        expect(len(made[0]) >= 16, made)

    async def poll():
        status = await tasks.status(made[0])
        expect(status == "working", status)

    async def result():
        answer = await asyncio.wait_for(tasks.result(made[0]), 60)
        expect(answer.content["rows"] == [[mark, 40_000_000]] and not answer.is_error, answer)
        status = await tasks.status(made[0])
        expect(status == "completed", status)

    async def cancel():
        async with Watch() as watch:
            made.append(await tasks.create(watch.endless))
            await watch.until(True, "the query never ran")
            cancelling = asyncio.create_task(tasks.cancel(made[1]))
            took = await watch.gone()
            await cancelling
            status = await tasks.status(made[1])
            expect(status == "cancelled", status)
            return took

    async def listed():
        expect(set(made) <= set(await tasks.list()), "not both are listed")

    await check("form", form())
    await check("create", create())
    if made:
        await check("poll", poll())
        await check("result", result())
        await check("cancel-task", cancel())
        if tasks.list:
            await check("list-tasks", listed())
