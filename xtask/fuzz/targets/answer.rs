//! Answers of backends: what a client gets does not depend on the pieces in which they come.
#![no_main]

use gateway_proxy::testing::read_answer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, bool, &[u8])| {
    let (piece, head, bytes) = input;
    let read = |piece: usize| read_answer(bytes.chunks(piece.max(1)), head);
    let whole = read(bytes.len());
    assert_eq!(read(usize::from(piece)), whole);
    assert_eq!(read(1), whole);
    let Some(answer) = whole else { return };
    assert!(bytes.ends_with(&answer.rest), "what is behind an answer stays as it is");
    assert!(answer.body.len() + answer.rest.len() < bytes.len(), "nothing is made up");
    let end = bytes.len() - answer.rest.len();
    if answer.persists {
        let again = read_answer([&bytes[..end]], head).map(|again| again.body);
        assert_eq!(again.as_ref(), Some(&answer.body), "what is behind an answer does not change it");
    }
    for (name, value) in answer.headers.iter() {
        assert!(!name.is_empty() && !name.bytes().any(|byte| byte.is_ascii_uppercase()), "{name}");
        assert!(!value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "a value brings no line of its own");
    }
    for name in ["connection", "transfer-encoding", "upgrade", "x-request-id"] {
        assert!(!answer.headers.contains(name), "{name} stays behind");
    }
    if let Some(length) = answer.headers.text("content-length").filter(|_| !head && answer.status == 200) {
        assert_eq!(length.parse(), Ok(answer.body.len()), "an answer is as long as a client is told");
    }
});
