//! Where somebody goes on after they have logged in: a page of ours, and nowhere else.

use url::form_urlencoded;

/// Characters of a path with its query: an authorization request is the longest.
const MOST_CHARS: usize = 8 * 1024;

/// A path that was checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Next(String);

impl Next {
    /// Anything else is the account's page.
    pub(super) fn new(path: &str) -> Self {
        let known = path == "/account"
            || path == "/approvals"
            || ["/approvals/", "/credentials/"]
                .iter()
                .any(|place| path.strip_prefix(place).is_some_and(is_id))
            || path.strip_prefix("/found/").is_some_and(is_result)
            || path.strip_prefix("/authorize?").is_some_and(is_query);
        Self(if known && path.len() <= MOST_CHARS { path } else { "/account" }.to_owned())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The way to it through the page where one logs in.
    pub(super) fn through_login(&self) -> String {
        format!("/login?next={}", form_urlencoded::byte_serialize(self.0.as_bytes()).collect::<String>())
    }
}

fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// As the path of a search result is written.
fn is_result(text: &str) -> bool {
    text.contains(':') && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~:,%".contains(&byte))
}

/// What a query may have, none of which ends it or a header's line (RFC 3986, 3.4).
fn is_query(text: &str) -> bool {
    text.bytes().all(|byte| {
        byte.is_ascii_graphic()
            && !matches!(byte, b'#' | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
    })
}

#[cfg(test)]
mod tests {
    use super::Next;

    #[test]
    fn only_pages_of_ours_are_gone_on_to() {
        for path in [
            "/account",
            "/approvals",
            "/approvals/0f1e-2d_3c",
            "/credentials/0f1e-2d_3c",
            "/found/row:shop:articles:a%252Fb,2",
            "/authorize?client_id=https%3A%2F%2Fa.example%2Fc&state=a+b",
        ] {
            assert_eq!(Next::new(path).as_str(), path);
        }
        for path in [
            "",
            "/",
            "//evil.com",
            "https://evil.com/account",
            "/\\evil.com",
            "/account/../token",
            "/approvals/",
            "/credentials/",
            "/credentials/a/b",
            "/approvals/a/b",
            "/approvals/..",
            "/approvals//evil.com",
            "/found/..",
            "/found//evil.com:80",
            "/found/table:a:b/../../token",
            "/authorize?a\r\nset-cookie: b",
            "/authorize?a#b",
            "/authorize?a b",
            "/login",
            "javascript:alert(1)",
        ] {
            assert_eq!(Next::new(path).as_str(), "/account", "{path}");
        }
        assert_eq!(Next::new(&format!("/authorize?{}", "a".repeat(9000))).as_str(), "/account");
        assert_eq!(
            Next::new("/authorize?a=b&c=%20").through_login(),
            "/login?next=%2Fauthorize%3Fa%3Db%26c%3D%2520"
        );
    }
}
