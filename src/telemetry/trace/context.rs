//! W3C Trace Context: where a call stands in its trace.

use std::fmt;

use tracing::error_span;
use tracing_subscriber::Registry;
use tracing_subscriber::registry::LookupSpan as _;

use super::queue::Queue;

/// Of the `tracing` spans that carry a context. Whoever filters logs has to let it pass.
pub const TARGET: &str = "pgwarden::trace";

/// The longest `tracestate` that has to be kept.
const STATE: usize = 512;

/// What runs now is a part of this span.
#[derive(Clone, Debug)]
pub struct Context {
    pub(super) trace: u128,
    pub(super) span: u64,
    pub(super) comment: bool,
    /// `None`: it is not exported.
    pub(super) queue: Option<Queue>,
}

/// A span of somebody else's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Parent {
    pub trace: u128,
    pub span: u64,
}

impl Context {
    /// The one that the caller's code runs in.
    pub fn current() -> Option<Self> {
        let found = tracing::Span::current().with_subscriber(|(id, dispatch)| {
            let span = dispatch.downcast_ref::<Registry>()?.span(id)?;
            span.scope().find_map(|span| span.extensions().get::<Self>().cloned())
        });
        found.flatten()
    }

    /// A span that has this context. Its only field is the trace's id.
    pub(super) fn enter(&self) -> tracing::Span {
        // At the highest level: a log of nothing but warnings keeps it.
        let entered = error_span!(target: TARGET, "call", trace_id = %format_args!("{:032x}", self.trace));
        entered.with_subscriber(|(id, dispatch)| {
            if let Some(span) = dispatch.downcast_ref::<Registry>().and_then(|registry| registry.span(id)) {
                span.extensions_mut().replace(self.clone());
            }
        });
        entered
    }

    /// 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace)
    }

    /// The same trace, as seen from below `span`.
    pub(super) fn below(&self, span: u64) -> Self {
        Self { span, ..self.clone() }
    }

    /// What stands behind a statement of this call, for PostgreSQL's logs and views: empty, or a comment of nothing but our
    /// own hexadecimal digits.
    pub fn comment(&self) -> String {
        if self.comment { format!("/*traceparent='{self}'*/") } else { String::new() }
    }
}

/// As the header `traceparent` has it.
impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, u8::from(self.queue.is_some()))
    }
}

impl Parent {
    /// `None` for what is no `traceparent`: it is as if it were not there.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut hex = |digits: usize| {
            let part = parts.next().filter(|part| part.len() == digits)?;
            let lower = part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            u128::from_str_radix(part, 16).ok().filter(|_| lower)
        };
        let (version, trace, span, _flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
        // Later versions may have more behind it; of this one there is no more.
        if version == 0xff || version == 0 && parts.next().is_some() {
            return None;
        }
        let span = u64::try_from(span).ok()?;
        (trace != 0 && span != 0).then_some(Self { trace, span })
    }
}

/// What a `tracestate` may look like: `vendor=value`, with commas between.
pub(super) fn is_state(text: &str) -> bool {
    let key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-*/@".contains(c);
    let value = |c: char| matches!(c, ' '..='~') && !",=".contains(c);
    let member = |member: &str| {
        let Some((k, v)) = member.trim().split_once('=') else { return false };
        !k.is_empty() && !v.is_empty() && k.chars().all(key) && v.chars().all(value)
    };
    text.len() <= STATE && text.split(',').count() <= 32 && text.split(',').all(member)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_is_no_traceparent_is_none() {
        let parent = Parent::parse(GIVEN).unwrap();
        assert_eq!((parent.trace >> 96, parent.span), (0x0af7_6519, 0xb7ad_6b71_6920_3331));
        assert!(Parent::parse("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more").is_some());
        for wrong in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 ",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0*/",
        ] {
            assert_eq!(Parent::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_comment_is_hexadecimal_whatever_the_ids_are() {
        let shape = "/*traceparent='00-x-y-zz'*/".len() - "xyzz".len() + 32 + 16 + 2;
        for (trace, span) in [(0, 0), (u128::MAX, u64::MAX), (0x2a2f, 0x2a2f)] {
            let comment = Context { trace, span, comment: true, queue: None }.comment();
            let inside = comment.strip_prefix("/*traceparent='").unwrap().strip_suffix("'*/").unwrap();
            assert!(inside.chars().all(|c| c.is_ascii_hexdigit() || c == '-'), "{comment}");
            assert_eq!(comment.len(), shape);
        }
        assert_eq!(Context { trace: 1, span: 1, comment: false, queue: None }.comment(), "");
    }

    #[test]
    fn a_tracestate_is_kept_where_it_is_one() {
        assert!(is_state("vendor1=value1, t@v=opaque:1") && is_state("a=1"));
        let long = format!("a={}", "x".repeat(600));
        for wrong in ["", "a", "=1", "a=", "a=1,", "A=1", "a=\u{e9}", "a=1\nb=2", &long] {
            assert!(!is_state(wrong), "{wrong:?}");
        }
    }
}
