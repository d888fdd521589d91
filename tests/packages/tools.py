"""Starts a program over stdio and lists its tools: within a second, while nobody answers at its database.

    python3 tools.py FILE COMMAND..      FILE has the names, one a line
"""

import json
import subprocess
import sys
import time

wanted = open(sys.argv[1]).read().split()
requests = [
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "packages", "version": "1"}}},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}},
]
started = time.monotonic()
server = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
try:
    for request in requests:
        server.stdin.write(json.dumps(request) + "\n")
    server.stdin.flush()
    for line in server.stdout:
        answer = json.loads(line)
        if answer.get("id") == 2:
            break
    else:
        sys.exit("it ended without an answer")
    took = time.monotonic() - started
finally:
    server.kill()
    server.wait()
names = [tool["name"] for tool in answer["result"]["tools"]]
if names != wanted:
    sys.exit(f"it lists {names}, not {wanted}")
if took > 1:
    sys.exit(f"it took {took:.1f} s")
