"""What docs/QUICK-START.md shows, with the servers of the test in the place of the reader's own."""

import os
import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/QUICK-START.md"


FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def section(heading):
    [found] = [part for part in PAGE.read_text().split("\n## ") if part.startswith(heading + "\n")]
    return found


def blocks(heading):
    """The fenced blocks under a heading: (language, text)."""
    found = FENCED.findall(section(heading))
    assert found, heading
    return found


def inline(heading):
    """What stands in backticks between them."""
    return re.findall(r"`([^`]+)`", FENCED.sub("", section(heading)))


def block(heading, language):
    [text] = [text for found, text in blocks(heading) if found == language]
    return text


def here(text, quote=""):
    """On this machine: the open server, the one that wants a token, the sample database."""
    for written, meant in [
        ("http://127.0.0.1:8432/mcp", os.environ["MCP_URL"]),
        ("https://db.example/mcp", os.environ["LOGIN_URL"]),
        ("postgres://reader@db.example/shop", os.environ["DATABASE_URL"]),
    ]:
        text = text.replace(written, f"{quote}{meant}{quote}")
    return text
