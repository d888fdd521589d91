"""What a client in Python must be able to do with pgwarden: the checks of checks.mjs. The drivers beside this file bring
the client.

Environment and output as there.
"""

import asyncio
import json
import os
import random
import re
import sys
import time
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

import pg8000.native

CANCEL_LIMIT = int(os.environ["CANCEL_MS"]) / 1000
PATIENCE = 20
TOOLS = os.environ["TOOLS"]
URL = os.environ["MCP_URL"]
LOGIN_URL = os.environ["LOGIN_URL"]
TOKEN = os.environ["TOKEN"]
OVER_STDIO = os.environ["TRANSPORT"] == "stdio"
PROGRAM = os.environ["PROGRAM"]
CONFIG = os.environ["CONFIG"]
ARGUMENTS = ["serve", "--stdio", "--config", CONFIG]

failed = False


class Driver:
    """What the checks ask of a client: drivers fill it in. What a client has not is said in tests/clients/notes."""

    expected = "2025-11-25"
    # Does it tell the server when a call is cancelled?
    cancels = True
    # Does the application see `_meta` of a result, and can it call a tool that was not listed?
    meta = True
    unlisted = True
    # Does it put the tools into an order of its own?
    sorts = False
    # See tasks.py.
    tasks = None
    # See schema.py.
    schema = None
    # See converted.py; `strict`: its converter makes every property required.
    converted = None
    strict = False
    # Has it declared URL elicitation, with `elicited` of write.py?
    elicits = False

    def revision(self):
        raise NotImplementedError

    async def tools(self):
        raise NotImplementedError

    async def listed(self):
        """The tools as the server sent them, where `tools` has them in another form."""
        return await self.tools()

    async def call(self, name, arguments):
        """An Answer, also where it is an error of the tool."""
        raise NotImplementedError


@dataclass
class Answer:
    """A tool's result, however the client spells it."""

    blocks: list
    content: dict
    is_error: bool
    meta: dict

    @property
    def text(self):
        return self.blocks[0].text

    @classmethod
    def of(cls, result):
        def either(one, other):
            return getattr(result, one if hasattr(result, one) else other)

        content = either("structured_content", "structuredContent")
        return cls(result.content, content, bool(either("is_error", "isError")), result.meta)


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


async def check(name, work):
    global failed
    try:
        detail = await work
        print(f"ok {name} {detail or ''}".rstrip(), flush=True)
    except Exception as error:  # a check may fail in any way
        failed = True
        print(f"FAILED {name} {type(error).__name__}: {error}".replace("\n", " | "), flush=True)


def run(connected):
    """`connected(url, token)` gives a context manager with a driver in it; over stdio it takes no heed of either."""

    async def checks():
        # They import this file.
        from converted import check_converted
        from schema import check_answers, check_schema
        from tasks import check_tasks
        from write import check_write

        async with connected(URL, None) as driver:
            await check("connect", connect(driver))
            await check("list", list_tools(driver))
            await check_converted(driver)
            await check("query", query(driver))
            await check("formats", formats(driver))
            await check("refusal", refusal(driver))
            await check("arguments", wrong_arguments(driver))
            if driver.cancels:
                await check("cancel", cancel(driver))
            await check_answers(driver.call)
            if driver.schema:
                await check_schema(driver.schema)
            await check_write(driver)
            if driver.tasks:
                await check_tasks(driver.tasks)
        print("ok close", flush=True)
        if not OVER_STDIO:
            await check("login", login(connected))

    asyncio.run(checks())
    sys.exit(1 if failed else 0)


async def connect(driver):
    revision = driver.revision()
    expect(revision == driver.expected, f"negotiated {revision}, not {driver.expected}")
    return revision


async def login(connected):
    """With the token that the application holds, and not without."""
    refused = False
    try:
        async with connected(LOGIN_URL, None) as driver:
            await driver.tools()
    except Exception:  # each client has its own
        refused = True
    expect(refused, "let in without a token")
    async with connected(LOGIN_URL, TOKEN) as driver:
        answer = await driver.call("query", {"sql": "SELECT 7 AS n"})
        expect(answer.content["rows"] == [[7]], answer)
    return "token"


def headers(token):
    return {"Authorization": f"Bearer {token}"} if token else {}


async def list_tools(driver):
    tools = [tool.model_dump(by_alias=True) for tool in await driver.listed()]
    names = " ".join(tool["name"] for tool in tools)
    expect(names == (" ".join(sorted(TOOLS.split())) if driver.sorts else TOOLS), names)
    expect(all(tool["outputSchema"] for tool in tools), "no schemas")
    writing = [tool["name"] for tool in tools if not tool["annotations"]["readOnlyHint"]]
    expect(writing == ["execute"], f"say that they write: {writing}")
    return names


async def query(driver):
    sql = "SELECT 1 + 1 AS two, 12345678901234567890.12 AS exact, $1::text AS given, NULL AS nothing"
    answer = await driver.call("query", {"sql": sql, "params": ['é"\\']})
    content = answer.content
    expect([column["name"] for column in content["columns"]] == ["two", "exact", "given", "nothing"], content)
    expect(content["rows"] == [[2, "12345678901234567890.12", 'é"\\', None]], content)
    expect(content["row_count"] == 1 and content["truncated"] is False and not answer.is_error, content)
    expect(len(answer.blocks) == 1 and json.loads(answer.text) == content, "the text is another JSON")
    found = await driver.call("search_objects", {})
    expect(found.content["total"] > 0, "nothing to be found")
    return content["rows"][0]


async def formats(driver):
    sql = "SELECT * FROM (VALUES (1, 'a,b'), (2, NULL)) AS t(n, w) ORDER BY n"
    answer = await driver.call("query", {"sql": sql, "format": "csv", "limit": "5"})
    fence, header = answer.text.splitlines()[:2]
    expect(fence.startswith("--- data ") and header == "n,w", answer.text)
    expect(answer.content["rows"] == [] and answer.content["row_count"] == 2, "both are big")
    cut = await driver.call("query", {"sql": "SELECT * FROM generate_series(1, 1000000000)"})
    size = len(cut.text)
    expect(cut.content["truncated"] is True and size <= 40_000, f"{size} characters")
    return f"{cut.content['row_count']} rows in {size} characters"


async def code_of(call):
    try:
        await call
    except Exception as error:
        if not hasattr(error, "error"):
            raise
        return error.error.code
    return 0


async def refusal(driver):
    answer = await driver.call("query", {"sql": "SELECT 1,\n  pg_read_file('/etc/passwd')"})
    expect(answer.is_error, "not an error")
    for pattern in (r"\AERROR:  [0-9A-Z]{5}: ", r"\nRULE:  ", r"\nHINT:  ", r"\nLINE 2: .*\n *\^"):
        expect(re.search(pattern, answer.text), answer.text)
    if not driver.meta:
        return answer.text.splitlines()[0]
    error = answer.meta["pgwarden/error"]
    expect(error["sqlstate"] and error["rule"] and error["hint"] and error["position"]["line"] == 2, error)
    return f"{error['sqlstate']} {error['rule']}"


async def wrong_arguments(driver):
    answer = await driver.call("query", {"sql": "SELECT 1", "parms": []})
    expect(answer.is_error and "did you mean `params`?" in answer.text, answer)
    if driver.unlisted:
        code = await code_of(driver.call("no_such_tool", {}))
        expect(code == -32602, f"an unknown tool: {code}")


async def cancel(driver):
    async with Watch() as watch:
        call = asyncio.create_task(driver.call("query", {"sql": watch.endless}))
        await watch.until(True, "the query never ran")
        call.cancel()
        took = await watch.gone()
        after = await driver.call("query", {"sql": "SELECT 7 AS n"})
        expect(after.content["rows"] == [[7]], "the next call fails")
        return took


def postgres(url):
    """A connection of the tests' own."""
    url = urlsplit(url)
    words = {key: values[0] for key, values in parse_qs(url.query).items()}
    host, port = words.get("host") or url.hostname or "localhost", int(words.get("port") or url.port or 5432)
    where = {"unix_sock": f"{host}/.s.PGSQL.{port}"} if host.startswith("/") else {"host": host, "port": port}
    password = unquote(url.password) if url.password else None
    user = unquote(url.username or words.get("user", "postgres"))
    return pg8000.native.Connection(user, database=url.path[1:], password=password, **where)


class Watch:
    """Sees in pg_stat_activity whether a query of its own runs."""

    def __init__(self):
        self.mark = random.randint(100_000_000, 200_000_000)
        self.endless = f"SELECT count(*) FROM generate_series(1, {self.mark}) a, generate_series(1, 100000) b"

    async def __aenter__(self):
        self.connection = await asyncio.to_thread(postgres, os.environ["ADMIN_DATABASE_URL"])
        return self

    async def __aexit__(self, *_):
        self.connection.close()

    def running(self):
        found = self.connection.run(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE :mark AND pid <> pg_backend_pid()",
            mark=f"%{self.mark}%",
        )
        return found[0][0] > 0

    async def until(self, wanted, what):
        started = time.monotonic()
        while await asyncio.to_thread(self.running) != wanted:
            expect(time.monotonic() - started < PATIENCE, what)

    async def gone(self):
        """From now to the query's end."""
        started = time.monotonic()
        await self.until(False, "the query runs on")
        took = f"{(time.monotonic() - started) * 1000:.0f} ms"
        expect(time.monotonic() - started < CANCEL_LIMIT, f"gone after {took}")
        return took
