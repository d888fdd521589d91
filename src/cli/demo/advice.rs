//! What to paste where, to try the demo with a client.

use std::net::SocketAddr;

use anyhow::Context as _;
use serde_json::json;

/// For HTTP at `address`, and for clients that start `pgwarden` themselves on `database`.
pub(super) fn text(address: SocketAddr, database: &str) -> anyhow::Result<String> {
    let program = std::env::current_exe().context("where this program is cannot be told")?;
    Ok(render(address, database, &program.to_string_lossy()))
}

fn render(address: SocketAddr, database: &str, program: &str) -> String {
    let url = format!("http://{address}/mcp");
    let stdio = ["serve", "--stdio", "--database", database];
    let arguments = words(&stdio);
    let command = format!("{} {arguments}", quoted(program));
    let code = json!({ "name": "pgwarden", "type": "http", "url": url }).to_string();
    let code_stdio = json!({ "name": "pgwarden", "command": program, "args": stdio }).to_string();
    let desktop = json!({ "mcpServers": { "pgwarden": { "command": program, "args": stdio } } });
    format!(
        "
pgwarden serves the sample shop at {url}

Claude Code      claude mcp add --transport http pgwarden {url}
     on stdio    claude mcp add pgwarden -- {command}
Gemini CLI       gemini mcp add --transport http pgwarden {url}
     on stdio    gemini mcp add pgwarden {program} -- {arguments}
VS Code          code --add-mcp {code}
     on stdio    code --add-mcp {code_stdio}
Inspector        npx @modelcontextprotocol/inspector --cli {url} --transport http --method tools/list
     on stdio    npx @modelcontextprotocol/inspector --cli {command} --method tools/list
Claude Desktop   Settings, Developer, Edit Config (claude_desktop_config.json):
{desktop}

Then ask: Which five products earned most in the last quarter?
Or see a refusal, without a client:
  {check}

PostgreSQL and its data go when this ends: Ctrl-C.",
        program = quoted(program),
        code = quoted(&code),
        code_stdio = quoted(&code_stdio),
        desktop = indented(&format!("{desktop:#}")),
        check = words(&[program, "check", "--database", database, "SELECT * FROM staff.payroll"]),
    )
}

fn words(words: &[&str]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// A word for a POSIX shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::{quoted, render};

    #[test]
    fn every_client_is_told_for_http_and_stdio() {
        let text = render(
            "127.0.0.1:4321".parse().unwrap(),
            "postgresql://demo@/shop?host=/tmp/x&port=1",
            "/opt/pg warden",
        );
        for line in [
            "claude mcp add --transport http pgwarden http://127.0.0.1:4321/mcp\n",
            "claude mcp add pgwarden -- '/opt/pg warden' serve --stdio --database \
             'postgresql://demo@/shop?host=/tmp/x&port=1'\n",
            "gemini mcp add --transport http pgwarden http://127.0.0.1:4321/mcp\n",
            "gemini mcp add pgwarden '/opt/pg warden' -- serve --stdio --database",
            "code --add-mcp '{\"name\":\"pgwarden\",\"type\":\"http\",\"url\":\"http://127.0.0.1:4321/mcp\"}'\n",
            "--transport http --method tools/list\n",
            "\"command\": \"/opt/pg warden\"",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn a_word_stays_one_word_in_a_shell() {
        assert_eq!(quoted("a/b-c"), "a/b-c");
        assert_eq!(quoted("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }
}
