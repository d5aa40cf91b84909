//! The start: what it prints and writes, and what stops it.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Server, Start, TOKEN, block_on, client, fail, sensorium, wait_for};

/// A server that must fail to start; returns its sentence.
fn refused(data_dir: &std::path::Path, args: &[&str]) -> String {
    fail(sensorium().args(["serve", "--http", "127.0.0.1:0", "--data-dir"]).arg(data_dir).args(args))
}

#[test]
fn the_first_start_prints_a_link_with_a_code_until_there_is_an_administrator() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let server = Start::at(&data_dir).quiet().start();
    let (url, code) = server.opened().split_once("/setup#code=").unwrap();
    assert_eq!(url, server.url());
    assert!(!server.log().contains(code), "the code was logged");
    let body = serde_json::json!({"code": code, "organisation": "Lab", "login": "ada", "password": "correct horse 12"});
    let request = client().post(format!("{url}/api/v1/setup")).json(&body);
    let status = block_on(async { request.send().await.unwrap().status() });
    assert_eq!(status, 201);
    server.kill();
    let again = Start::at(&data_dir).start();
    assert_eq!(again.opened(), again.url());
}

#[test]
fn the_bootstrap_token_works_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let status = |server: &Server, token: &str| {
        let request = client().get(format!("{}/api/v1/databases", server.url())).bearer_auth(token);
        block_on(async { request.send().await.unwrap().status().as_u16() })
    };
    let server = Start::at(&data_dir).env("SENSORIUM_BOOTSTRAP_TOKEN", "t").start();
    assert_eq!((status(&server, "t"), status(&server, "u")), (200, 401));
    assert!(server.stop().success());
    let server = Start::at(&data_dir).env("SENSORIUM_BOOTSTRAP_TOKEN", "another-token-0123456789").start();
    assert_eq!((status(&server, "t"), status(&server, "another-token-0123456789")), (200, 401));
}

#[test]
fn the_local_credential_is_private_opens_everything_and_goes_away() {
    let server = Start::new().quiet().start();
    let path = server.data_dir().join("server.json");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let file: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!((file["url"].as_str(), file["pid"].as_u64()), (Some(server.url()), Some(server.pid().into())));
    let token = file["token"].as_str().unwrap();
    let request = client().get(format!("{}/api/v1/databases", server.url())).bearer_auth(token);
    assert_eq!(block_on(async { request.send().await.unwrap().status() }), 200);
    assert!(!server.log().contains(token), "the token was logged");
    assert!(server.stop().success());
    assert!(!path.exists());
}

#[test]
fn host_metrics_are_live_within_two_seconds_and_can_be_switched_off() {
    let started = Instant::now();
    let server = Server::start();
    let ready = started.elapsed();
    let first = wait_for("a first sample", || {
        let rows = server.query("SELECT count(*) FROM information_schema.tables WHERE table_name = 'mem'");
        (rows[0][0] == 1).then(|| started.elapsed())
    });
    // Other tests share the machine: the start itself is measured apart from the wait for the full second.
    assert!(first < ready + Duration::from_secs(2), "ready after {ready:?}, the first sample after {first:?}");
    server.wait_for_host_metrics();
    let rows = server.query("SELECT DISTINCT host FROM cpu");
    assert_eq!(rows.len(), 1);
    assert!(!rows[0][0].as_str().unwrap().is_empty());

    let server = Start::new().quiet().start();
    assert_eq!(server.query("SELECT count(*) FROM information_schema.tables WHERE table_name = 'cpu'")[0][0], 0);
}

#[test]
fn a_port_in_use_is_one_clear_sentence() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let sentence = fail(sensorium().args(["serve", "--http", &address, "--data-dir"]).arg(folder.path().join("data")));
    assert!(sentence.contains(&address) && sentence.contains("--http"), "{sentence}");
    assert!(!folder.path().join("data").exists(), "a refused start left a folder behind");
}

#[test]
fn a_data_folder_in_use_names_the_process() {
    let server = Start::new().quiet().start();
    let sentence = refused(server.data_dir(), &[]);
    assert!(sentence.contains(&server.pid().to_string()) && sentence.contains("in use"), "{sentence}");
    assert_eq!(server.write("main", "t v=1").0, 204);
}

#[test]
fn a_data_folder_that_cannot_be_made_is_one_clear_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let sentence = refused(&file.join("data"), &[]);
    assert!(sentence.contains("file"), "{sentence}");
    // A file system that nobody can write to, not even root.
    let sentence = refused(std::path::Path::new("/proc/sensorium"), &[]);
    assert!(sentence.contains("/proc/sensorium"), "{sentence}");
}

/// A start in a file system of `size` that holds a file of all its room, if this machine lets a test mount one.
fn on_full_disk(size: &str, folder: &std::path::Path) -> Option<String> {
    let script = format!(
        "mount -t tmpfs -o size={size} tmpfs {0} || exit 77\n\
         cat /dev/zero > {0}/filler 2>/dev/null\n\
         exec {1} serve --http 127.0.0.1:0 --data-dir {0}/data",
        folder.display(),
        env!("CARGO_BIN_EXE_sensorium")
    );
    let output = std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "bash", "-c", &script])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.code() {
        Some(1) if text.contains("sensorium: ") => Some(text),
        // No user namespaces here: nothing to see.
        Some(77) => None,
        _ if text.contains("unshare:") => None,
        other => panic!("{other:?}: {text}"),
    }
}

#[test]
fn a_full_disk_is_one_clear_sentence() {
    let folder = tempfile::tempdir().unwrap();
    if let Some(text) = on_full_disk("64k", folder.path()) {
        assert!(text.contains("space"), "{text}");
        assert!(!text.contains("panicked"), "{text}");
    }
}

#[test]
fn the_token_in_the_environment_is_never_logged() {
    let server = Start::new().quiet().arg("--log-level").arg("debug").start();
    assert_eq!(server.write("main", "t v=1").0, 204);
    assert!(!server.log().contains(TOKEN), "{}", server.log());
}

#[test]
fn the_key_of_sealed_secrets_is_private_and_lies_where_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let server = Start::new().quiet().start();
    assert_eq!(mode(&server.data_dir().join("secret.key")), 0o600);
    let elsewhere = folder.path().join("elsewhere.key");
    let server = Start::new().quiet().set("secrets.key_file", elsewhere.display()).start();
    assert_eq!(mode(&elsewhere), 0o600);
    assert!(!server.data_dir().join("secret.key").exists());
}
