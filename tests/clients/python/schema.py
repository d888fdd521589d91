"""What a client in Python sees of a database besides rows: the checks of schema.mjs."""

import asyncio
import json
import os
import time

from checks import check, code_of, expect, postgres

NOTICED = 5.0
PROMPTS = "explore_database answer_question explain_slow_query review_schema write_report"


class Schema:
    """What the checks ask of a client: drivers fill in what it has."""

    # async def prompts(self)
    prompts = None
    # async def prompt(self, name, arguments)
    prompt = None
    # async def complete(self, template, name, value, context): the values
    complete = None
    # async def templates(self)
    templates = None
    # async def resources(self)
    resources = None
    # async def read(self, uri): the first of the contents
    read = None
    # It reads any URI, and not only those that are listed.
    forms = True
    # Of an error it shows the words, and not the code.
    hides_codes = False
    # A context manager changes(self, uri): an asyncio.Queue of the URIs that the client hears of
    changes = None


async def check_schema(schema):
    if schema.read:
        await check("resource", resource(schema))
        if schema.forms:
            await check("pages", pages(schema))
    if schema.prompt:
        await check("prompts", prompts(schema))
    if schema.complete:
        await check("completion", completion(schema))
    if schema.changes:
        await check("change", change(schema))


async def check_answers(call):
    await check("plan", plan(call))
    await check("health", health(call))


async def resource(schema):
    if schema.templates:
        templates = await schema.templates()
        expect(len(templates) == 16, templates)
    uri = await orders(schema)
    contents = await schema.read(uri)
    expect(str(contents.uri) == uri and len(contents.text) > 20, contents)
    await unknown(schema, f"{uri}_not_there")
    return uri


async def unknown(schema, uri):
    try:
        code = await code_of(schema.read(uri))
    except Exception as error:  # each client has its own
        code = str(error) if schema.hides_codes else f"without a code: {error}"
    expect(code and schema.hides_codes or code in (-32002, -32602), f"an unknown resource: {code}")


async def prompts(schema):
    names = PROMPTS
    if schema.prompts:
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
