"""A query, a write and the record of both, of a pgwarden that serves.

    service.py ADDRESS AUDIT_LOG
"""

import json
import sys
import time
import urllib.error
import urllib.request


def call(address, tool, arguments):
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {
            "name": tool,
            "arguments": arguments,
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "service.py", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        },
    }
    headers = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": tool,
    }
    request = urllib.request.Request(f"http://{address}/mcp", json.dumps(message).encode(), headers)
    text = urllib.request.urlopen(request, timeout=20).read().decode()
    events = [line[5:] for line in text.splitlines() if line.startswith("data:")]
    return json.loads(events[-1] if events else text)["result"]


def ready(address):
    for _ in range(100):
        try:
            return urllib.request.urlopen(f"http://{address}/readyz", timeout=2).status == 200
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    return False


def main(address, log):
    assert ready(address), "it is not ready"
    written = call(address, "execute", {"sql": "INSERT INTO public.notes (body) VALUES ('by the service')"})
    assert not written.get("isError"), written
    read = call(address, "query", {"sql": "SELECT body FROM public.notes"})
    assert read["structuredContent"]["rows"] == [["by the service"]], read
    time.sleep(1.5)
    records = [json.loads(line) for line in open(log, encoding="utf-8")]
    told = [(record["event"], record.get("kind")) for record in records]
    for expected in (("write", "INSERT"), ("run", "INSERT"), ("decision", "query"), ("run", "query")):
        assert expected in told, told


if __name__ == "__main__":
    main(*sys.argv[1:])
