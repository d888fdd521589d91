"""The program for OpenAI's Responses API, with OpenAI's own SDK: what it sends is looked at in the place of the service."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import get_type_hints

from openai.types.responses.tool_param import Mcp

from page import block, here

asked = []


class Service(BaseHTTPRequestHandler):
    def do_POST(self):
        asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        text = {"type": "output_text", "text": "five products", "annotations": []}
        message = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [text]}
        answer = {"id": "r", "object": "response", "created_at": 0, "status": "completed", "output": [message]}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Service)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ.update(
    OPENAI_BASE_URL=f"http://127.0.0.1:{server.server_port}/v1",
    OPENAI_API_KEY="none",
    OPENAI_MODEL="a-model",
    DB_TOKEN=os.environ["TOKEN"],
)
program = here(block("OpenAI Responses API", "python"))
exec(compile(program, "QUICK-START.md", "exec"))

[request] = asked
[tool] = request["tools"]
assert tool["server_url"] == os.environ["LOGIN_URL"] and tool["authorization"] == os.environ["TOKEN"], tool
assert set(tool) <= set(get_type_hints(Mcp)), "the SDK has no such key"
