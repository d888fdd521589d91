"""What a client in Python sees of a database besides rows: the checks of schema.mjs."""

import asyncio
import json
import os
import time
from contextlib import asynccontextmanager

from checks import check, expect, postgres

NOTICED = 5.0
PROMPTS = "explore_database answer_question explain_slow_query review_schema write_report"


class Schema:
    """What the checks ask of a client: drivers fill it in."""

    async def prompts(self):
        raise NotImplementedError

    async def prompt(self, name, arguments):
        raise NotImplementedError

    async def complete(self, template, name, value, context):
        """The values."""
        raise NotImplementedError

    async def resources(self):
        raise NotImplementedError

    async def read(self, uri):
        """The first of the contents."""
        raise NotImplementedError

    @asynccontextmanager
    async def changes(self, uri):
        """An asyncio.Queue of the URIs that the client hears of; none where it has no way to hear."""
        raise NotImplementedError
        yield


async def check_schema(schema, call):
    await check("prompts", prompts(schema))
    await check("completion", completion(schema))
    await check("pages", pages(schema))
    await check("plan", plan(call))
    await check("health", health(call))
    await check("change", change(schema))


async def prompts(schema):
    names = " ".join(prompt.name for prompt in await schema.prompts())
    expect(names == PROMPTS, names)
    given = {"question": "Which customers buy most?"}
    text = (await schema.prompt("answer_question", given)).messages[0].content.text
    expect(given["question"] in text and "`query`" in text, text)
    return names


async def completion(schema):
    template = "postgres://{database}/{schema}/{relation}"
    begun = await schema.complete(template, "relation", "ord", {"schema": "shop"})
    expect(begun[0].startswith("order"), begun)
    mistyped = await schema.complete(template, "relation", "custmers", {"schema": "shop"})
    expect("customers" in mistyped, mistyped)
    return " ".join(begun)


async def orders(schema):
    return next(str(one.uri) for one in await schema.resources() if str(one.uri).endswith("/shop/orders"))


async def pages(schema):
    uri = await orders(schema)
    page = json.loads((await schema.read(f"{uri}?format=json")).text)
    expect(len(page["columns"]) > 5, page)
    policy = next(str(one.uri) for one in await schema.resources() if str(one.uri).startswith("pgwarden://"))
    words = (await schema.read(policy)).text
    expect("shop" in words, words)
    return policy


async def plan(call):
    answer = await call("explain", {"sql": "SELECT id FROM shop.orders WHERE customer_id = 42"})
    expect("orders" in json.dumps(answer.content["plan"]) and answer.content["cost"] > 0, answer.content)
    described = await call("describe", {"relations": ["shop.orders"], "sample_rows": 1})
    expect("sample" in json.dumps(described.content), described.content)
    return f"cost {answer.content['cost']}"


async def health(call):
    answer = await call("database_health", {})
    expect("monitor_login" in json.dumps(answer.content["unchecked"]), answer.content)
    top = await call("top_queries", {})
    expect(top.is_error and "monitor_login" in top.text, top)
    return f"{len(answer.content['findings'])} findings"


async def change(schema):
    uri = await orders(schema)
    async with schema.changes(uri) as heard:
        if heard is None:
            return "it has no way to hear"
        connection = postgres(os.environ["ADMIN_DATABASE_URL"])
        try:
            connection.run(f"COMMENT ON COLUMN shop.orders.channel IS 'seen {time.time()}'")
        finally:
            connection.close()
        began = time.monotonic()
        while await asyncio.wait_for(heard.get(), 10) != uri:
            pass
        took = time.monotonic() - began
    expect(took < NOTICED, f"heard after {took * 1000:.0f} ms")
    return f"{took * 1000:.0f} ms"
