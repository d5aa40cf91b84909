//! Requests that are made from the OpenAPI document, by schemathesis: nothing that a client can send breaks the server.

use std::process::Command;

use crate::support::{Start, python, succeed};

/// Requests of each operation, beside those that the document itself suggests.
const EXAMPLES: &str = "10";

#[test]
fn no_request_that_the_document_allows_or_forbids_breaks_the_server() {
    let server = Start::new().quiet().start();
    let printed = succeed(
        Command::new(python().join("schemathesis"))
            .args(["run", "--checks", "not_a_server_error", "--phases", "examples,coverage,fuzzing", "--seed", "1"])
            .args(["--max-examples", EXAMPLES, "--continue-on-failure", "--suppress-health-check", "all"])
            // What is live never ends.
            .args(["--exclude-path-regex", "live", "--request-timeout", "65", "--no-color"])
            .args(["--header", &format!("Authorization: Bearer {}", server.local_token())])
            .arg(format!("{}/api/openapi.json", server.url()))
            .current_dir(server.data_dir()),
    );
    assert!(printed.contains("generated") && !printed.contains("Server error"), "{printed}");
    let log = server.log();
    assert!(!log.contains("a defect"), "{log}");
}
