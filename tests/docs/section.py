"""The commands and files of one section, in a home of their own: section.py HEADING FOLDER, whose bin/ has the programs.

After each block of commands the client lists pgwarden, and says that it is connected where it looks; then it is removed.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from page import blocks, here, inline

heading, folder = sys.argv[1], Path(sys.argv[2])
client = {"Claude Code": "claude", "Gemini CLI": "gemini", "Codex": "codex"}[heading]
home = folder / f"home-{client}"
project = home / "project"
project.mkdir(parents=True)
for name in [".claude", ".gemini", ".codex"]:
    (home / name).mkdir()
# Both wait for a person to say that a folder, or what is in it, is trusted.
(home / ".gemini/trustedFolders.json").write_text(json.dumps({str(project): "TRUST_FOLDER"}))
(home / ".claude/settings.json").write_text(json.dumps({"enableAllProjectMcpServers": True}))


def run(line):
    print("$", line)
    ended = subprocess.run(
        ["sh", "-c", line],
        cwd=project,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("PG")},
            "HOME": str(home),
            "CODEX_HOME": str(home / ".codex"),
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "PGWARDEN_DATABASE": os.environ["DATABASE_URL"],
            "DB_TOKEN": os.environ["TOKEN"],
            "DISABLE_AUTOUPDATER": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    print(ended.stdout)
    assert ended.returncode == 0, ended.returncode
    return ended.stdout


def connected(shown):
    [line] = [line for line in shown.splitlines() if line.lstrip(" ✓✗").startswith("pgwarden")]
    if client == "codex":
        # It connects when it starts, which takes its model.
        assert "enabled" in line, line
    else:
        assert "Connected" in line.replace("Disconnected", ""), line


def configured(text):
    file = {
        "claude": project / ".mcp.json",
        "gemini": project / ".gemini/settings.json",
        "codex": home / ".codex/config.toml",
    }[client]
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    connected(run(f"{client} mcp list"))
    if client == "codex":
        transport = json.loads(run("codex mcp get pgwarden --json 2>/dev/null"))["transport"]
        assert transport["url"] == os.environ["LOGIN_URL"] and transport["bearer_token_env_var"] == "DB_TOKEN", transport
    file.unlink()


for language, text in blocks(heading):
    if language == "console":
        lines = here(text, "'").splitlines()
        assert lines[-1] == f"{client} mcp list", lines
        for line in lines:
            shown = run(line)
        connected(shown)
        run(f"{client} mcp remove pgwarden")
    else:
        configured(here(text))
for line in inline(heading):
    if line.startswith(f"{client} mcp add ") and " pgwarden " in line:
        run(here(line, "'"))
        run(f"{client} mcp remove pgwarden")
