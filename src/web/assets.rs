//! Stylesheets, the icon and the one script: files of their own, so that no page carries a style, a picture or a script
//! inside it.
//!
//! Their names hold a hash of what is in them: a browser keeps them for a year and never an old one.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

const STYLE: &str = include_str!("assets/style.css");
const ICON: &str = include_str!("assets/mark.svg");
const OPERATIONS_STYLE: &str = include_str!("assets/operations.css");
const OPERATIONS_SCRIPT: &str = include_str!("assets/operations.js");
const OPERATIONS_STYLE_HASH: u64 = hash(OPERATIONS_STYLE.as_bytes());
const OPERATIONS_SCRIPT_HASH: u64 = hash(OPERATIONS_SCRIPT.as_bytes());
const STYLE_HASH: u64 = hash(STYLE.as_bytes());
const ICON_HASH: u64 = hash(ICON.as_bytes());
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

pub(super) fn style_path() -> String {
    format!("/assets/{}", style_name())
}

pub(super) fn icon_path() -> String {
    format!("/assets/{}", icon_name())
}

pub(super) fn operations_style_path() -> String {
    format!("/assets/{}", operations_style_name())
}

pub(super) fn operations_script_path() -> String {
    format!("/assets/{}", operations_script_name())
}

pub(super) async fn serve(name: Result<Path<String>, PathRejection>) -> Response {
    let (media, text) = match name {
        Ok(Path(name)) if name == style_name() => ("text/css; charset=utf-8", STYLE),
        Ok(Path(name)) if name == icon_name() => ("image/svg+xml", ICON),
        Ok(Path(name)) if name == operations_style_name() => ("text/css; charset=utf-8", OPERATIONS_STYLE),
        Ok(Path(name)) if name == operations_script_name() => {
            ("text/javascript; charset=utf-8", OPERATIONS_SCRIPT)
        }
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    ([(CONTENT_TYPE, media), (CACHE_CONTROL, FOR_GOOD)], text).into_response()
}

fn style_name() -> String {
    format!("{STYLE_HASH:016x}.css")
}

fn icon_name() -> String {
    format!("{ICON_HASH:016x}.svg")
}

fn operations_style_name() -> String {
    format!("{OPERATIONS_STYLE_HASH:016x}.css")
}

fn operations_script_name() -> String {
    format!("{OPERATIONS_SCRIPT_HASH:016x}.js")
}

/// FNV-1a, 64 bits: tells versions apart, and protects nothing.
const fn hash(mut bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    while let Some((first, rest)) = bytes.split_first() {
        hash = (hash ^ *first as u64).wrapping_mul(0x0100_0000_01b3);
        bytes = rest;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::hash;

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(hash(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
