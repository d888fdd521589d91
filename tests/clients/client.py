"""PyPI mcp in both of its modes (MODE: auto or legacy): the checks of checks.mjs, with the Python client.

Environment and output as there.
"""

import asyncio
import json
import os
import random
import re
import sys
import time
from urllib.parse import parse_qs, unquote, urlsplit

import pg8000.native
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError

CANCEL_LIMIT = 0.25
PATIENCE = 20
LEGACY = os.environ["MODE"] == "legacy"

failed = False


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


def server():
    if os.environ["TRANSPORT"] == "http":
        return os.environ["MCP_URL"]
    arguments = ["serve", "--stdio", "--database", os.environ["DATABASE_URL"]]
    return StdioServerParameters(command=os.environ["PROGRAM"], args=arguments)


def structured(answer):
    return answer.structured_content


async def connect(client):
    expected = "2025-11-25" if LEGACY else "2026-07-28"
    revision = client.protocol_version
    expect(revision == expected, f"negotiated {revision}, not {expected}")
    return revision


async def list_tools(client):
    tools = (await client.list_tools()).tools
    names = " ".join(tool.name for tool in tools)
    expect(names == "query search_objects describe", names)
    expect(all(tool.annotations.read_only_hint and tool.output_schema for tool in tools), "hints or schemas are missing")
    return names


async def query(client):
    sql = "SELECT 1 + 1 AS two, 12345678901234567890.12 AS exact, $1::text AS given, NULL AS nothing"
    answer = await client.call_tool("query", {"sql": sql, "params": ['é"\\']})
    content = structured(answer)
    expect([column["name"] for column in content["columns"]] == ["two", "exact", "given", "nothing"], content)
    expect(content["rows"] == [[2, "12345678901234567890.12", 'é"\\', None]], content)
    expect(content["row_count"] == 1 and content["truncated"] is False and not answer.is_error, content)
    expect(len(answer.content) == 1 and json.loads(answer.content[0].text) == content, "the text is another JSON")
    found = await client.call_tool("search_objects", {})
    expect(structured(found)["total"] > 0, "nothing to be found")
    return content["rows"][0]


async def formats(client):
    sql = "SELECT * FROM (VALUES (1, 'a,b'), (2, NULL)) AS t(n, w) ORDER BY n"
    answer = await client.call_tool("query", {"sql": sql, "format": "csv", "limit": "5"})
    expect(answer.content[0].text.startswith("n,w"), answer.content[0].text)
    expect(structured(answer)["rows"] == [] and structured(answer)["row_count"] == 2, "both are big")
    cut = await client.call_tool("query", {"sql": "SELECT * FROM generate_series(1, 1000000000)"})
    size = len(cut.content[0].text)
    expect(structured(cut)["truncated"] is True and size <= 40_000, f"{size} characters")
    return f"{structured(cut)['row_count']} rows in {size} characters"


async def code_of(call):
    try:
        await call
    except MCPError as error:
        return error.error.code
    return 0


async def resource(client):
    templates = (await client.list_resource_templates()).resource_templates
    expect(len(templates) == 3, templates)
    resources = (await client.list_resources()).resources
    uri = next(str(one.uri) for one in resources if len(str(one.uri).split("/")) == 5)
    contents = (await client.read_resource(uri)).contents
    expect(str(contents[0].uri) == uri and len(contents[0].text) > 20, contents)
    code = await code_of(client.read_resource(f"{uri}_not_there"))
    expect(code in (-32002, -32602), f"an unknown resource: {code}")
    return f"{uri}, unknown: {code}"


async def refusal(client):
    answer = await client.call_tool("query", {"sql": "SELECT 1,\n  pg_read_file('/etc/passwd')"})
    text = answer.content[0].text
    expect(answer.is_error, "not an error")
    for pattern in (r"\AERROR:  [0-9A-Z]{5}: ", r"\nRULE:  ", r"\nHINT:  ", r"\nLINE 2: .*\n *\^"):
        expect(re.search(pattern, text), text)
    error = answer.meta["pgwarden/error"]
    expect(error["sqlstate"] and error["rule"] and error["hint"] and error["position"]["line"] == 2, error)
    return f"{error['sqlstate']} {error['rule']}"


async def wrong_arguments(client):
    answer = await client.call_tool("query", {"sql": "SELECT 1", "parms": []})
    expect(answer.is_error and "did you mean `params`?" in answer.content[0].text, answer)
    code = await code_of(client.call_tool("no_such_tool", {}))
    expect(code == -32602, f"an unknown tool: {code}")


def admin():
    url = urlsplit(os.environ["ADMIN_DATABASE_URL"])
    words = {key: values[0] for key, values in parse_qs(url.query).items()}
    host, port = words.get("host") or url.hostname or "localhost", int(words.get("port") or url.port or 5432)
    where = {"unix_sock": f"{host}/.s.PGSQL.{port}"} if host.startswith("/") else {"host": host, "port": port}
    password = unquote(url.password) if url.password else None
    return pg8000.native.Connection(
        unquote(url.username or words.get("user", "postgres")), database=url.path[1:], password=password, **where
    )


async def until(wanted, running, what):
    started = time.monotonic()
    while await asyncio.to_thread(running) != wanted:
        expect(time.monotonic() - started < PATIENCE, what)
    return time.monotonic() - started


async def cancel(client):
    connection = await asyncio.to_thread(admin)
    mark = random.randint(100_000_000, 200_000_000)

    def running():
        found = connection.run(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE :mark AND pid <> pg_backend_pid()",
            mark=f"%{mark}%",
        )
        return found[0][0] > 0

    try:
        sql = f"SELECT count(*) FROM generate_series(1, {mark}) a, generate_series(1, 100000) b"
        call = asyncio.create_task(client.call_tool("query", {"sql": sql}))
        await until(True, running, "the query never ran")
        call.cancel()
        took = await until(False, running, "the query runs on")
        expect(took < CANCEL_LIMIT, f"gone after {took * 1000:.0f} ms")
        after = await client.call_tool("query", {"sql": "SELECT 7 AS n"})
        expect(structured(after)["rows"] == [[7]], "the next call fails")
        return f"gone after {took * 1000:.0f} ms"
    finally:
        connection.close()


async def main():
    async with Client(server(), mode=os.environ["MODE"]) as client:
        await check("connect", connect(client))
        await check("list", list_tools(client))
        await check("query", query(client))
        await check("formats", formats(client))
        await check("resource", resource(client))
        await check("refusal", refusal(client))
        await check("arguments", wrong_arguments(client))
        await check("cancel", cancel(client))
    print("ok close", flush=True)


asyncio.run(main())
sys.exit(1 if failed else 0)
