"""The agent for Google's ADK: its toolset logs in with the token and finds every tool. adk.py FILE, which lists them."""

import asyncio
import os
import sys
from pathlib import Path

from page import block, here

os.environ.update(GEMINI_MODEL="a-model", DB_TOKEN=os.environ["TOKEN"])
program = here(block("Gemini API and ADK", "python"))
names = {}
exec(compile(program, "QUICK-START.md", "exec"), names)


async def listed():
    [toolset] = names["root_agent"].tools
    tools = await toolset.get_tools()
    await toolset.close()
    return sorted(tool.name for tool in tools)


reading = set(Path(sys.argv[1]).read_text().split()) - {"preview", "execute"}
found = asyncio.run(listed())
# The token may read: the tools that write are not for it.
assert found == sorted(reading), found
