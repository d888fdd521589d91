"""PyPI mcp 2 as a client whose model is asked (MODE: auto or legacy): a scripted one looks for the number of orders, and wants
what it may not have besides. Environment and output as in checks.py."""

import asyncio
import os
import sys

from mcp import Client, types
from mcp.client.stdio import StdioServerParameters

PROGRAM, CONFIG = os.environ["PROGRAM"], os.environ["CONFIG"]
asked = []


async def answer(context, params):
    asked.append(params)
    if len(asked) == 1:
        content = [
            types.ToolUseContent(type="tool_use", id="a", name="query", input={"sql": "select count(*) from shop.orders"}),
            types.ToolUseContent(type="tool_use", id="b", name="execute", input={"sql": "x"}),
        ]
        return types.CreateMessageResultWithTools(
            role="assistant", model="scripted", stop_reason="toolUse", content=content
        )
    rows, refused = params.messages[-1].content
    if rows.is_error or not refused.is_error:
        raise RuntimeError(str(params.messages[-1]))
    text = types.TextContent(type="text", text=f"found {rows.content[0].text}")
    return types.CreateMessageResult(role="assistant", model="scripted", stop_reason="endTurn", content=text)


async def investigate():
    over = os.environ["MCP_URL"]
    if os.environ["TRANSPORT"] == "stdio":
        over = StdioServerParameters(command=PROGRAM, args=["serve", "--stdio", "--config", CONFIG])
    options = {"mode": "legacy"} if os.environ["MODE"] == "legacy" else {}
    capabilities = types.SamplingCapability(tools=types.SamplingToolsCapability())
    client = Client(over, sampling_callback=answer, sampling_capabilities=capabilities, **options)
    async with client:
        tools = (await client.list_tools()).tools
        assert any(tool.name == "investigate" for tool in tools), "it is not listed"
        result = await client.call_tool("investigate", {"question": "How many orders are there?"})
        found = result.structured_content
        direct = await client.call_tool("query", {"sql": found["evidence"][0]["sql"]})
        count = direct.structured_content["rows"][0][0]
        assert found["status"] == "complete" and f"[{count}]" in found["findings"], result
        assert len(asked) == 2, asked
        return f"{client.protocol_version} {count} orders in {found['rounds']} rounds"


try:
    print(f"ok investigate {asyncio.run(investigate())}")
except BaseException as error:
    print(f"FAILED investigate {error!r}".replace("\n", " | "))
    sys.exit(1)
