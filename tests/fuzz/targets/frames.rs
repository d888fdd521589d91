//! Any bytes as a client's stream, and as an event stream on its way out: the same lines however they are cut, bounded,
//! each read without a panic; what is refused is refused with JSON.

#![no_main]

use pgwarden::mcp::unchecked::{events, lines, messages};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [limit, size, stream @ ..] = data else { return };
    let (limit, size) = (usize::from(*limit) * 16, usize::from(*size).max(1));
    let whole = lines(limit, std::iter::once(stream));
    assert_eq!(whole, lines(limit, stream.chunks(size)));
    for line in whole.into_iter().flatten() {
        assert!(line.len() <= limit && !line.contains(&b'\n'));
        read(&line);
    }
    // A body over HTTP is one frame.
    read(stream);
    assert_eq!(events(std::iter::once(stream)), events(stream.chunks(size)));
});

fn read(frame: &[u8]) {
    match messages(frame) {
        Ok(count) => assert!(count <= 50),
        Err(answer) => {
            let answer: serde_json::Value = serde_json::from_str(&answer).expect("an answer is JSON");
            assert!(answer["error"]["code"].is_i64());
        }
    }
}
