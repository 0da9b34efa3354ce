//! The seeds of the fuzz target `multipart` (`fuzz/`, docs/FUZZING.md) over HTTP: each is answered as documented.

use std::path::Path;

use crate::{options, post, serve};

#[test]
fn forms() {
    let server = serve(options());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/multipart");
    let mut count = 0;
    for file in std::fs::read_dir(folder).expect("seeds") {
        let path = file.expect("a file").path();
        let bytes = std::fs::read(&path).expect("reads");
        // The first byte is the target's own.
        let got = post(
            &server.url("/api/v1/predictions"),
            "multipart/form-data; boundary=osteon",
            &bytes[1..],
        );
        assert!(
            [200, 400, 413, 422].contains(&got.status),
            "{}: {}",
            path.display(),
            got.status
        );
        count += 1;
    }
    assert!(count >= 6, "{count} seeds");
    server.end();
}
