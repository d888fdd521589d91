//! Operators of other dialects.

const KNOWN: [(&str, &str); 8] = [
    ("==", "compare with `=`"),
    ("===", "compare with `=`"),
    ("!==", "compare with `<>`"),
    ("<=>", "write `IS NOT DISTINCT FROM`"),
    ("&&", "between conditions write AND; `&&` is for arrays and ranges"),
    ("!", "write NOT"),
    ("=~", "match a regular expression with `~`"),
    ("=>", "compare with `>=`"),
];

/// What stands for it in PostgreSQL.
pub fn meant(symbol: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(known, _)| *known == symbol).map(|(_, words)| *words)
}
