//! `backup`, `restore` and `store salvage` with the real binary.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::support::{Start, TOKEN, at, block_on, fail, postgres, succeed, wait_for};

/// Stops a writer, also when the test fails.
struct Stops<'s>(&'s AtomicBool);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_backup_of_a_running_server_has_every_row_that_was_acknowledged_before() {
    let folder = tempfile::tempdir().unwrap();
    let (backups, restored) = (folder.path().join("backups"), folder.path().join("restored"));
    let server = Start::new().quiet().start();
    let (acknowledged, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let before = std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1_u64.. {
                let line = format!("load number={number}i {}", 1_700_000_000_000_000_000 + number);
                assert_eq!(server.write("main", &line).0, 204);
                acknowledged.store(number, Ordering::SeqCst);
                if stop.load(Ordering::SeqCst) {
                    return;
                }
            }
        });
        let _stops = Stops(&stop);
        wait_for("some rows", || (acknowledged.load(Ordering::SeqCst) > 20).then_some(()));
        let said = succeed(&mut server.command(&["backup", text(&backups)]));
        assert!(said.contains("secret.key") && said.contains("not in it"), "{said}");
        let before = acknowledged.load(Ordering::SeqCst);
        // The name is the second: a backup of the same second is refused.
        wait_for("the next second", || {
            let said = server.command(&["backup", text(&backups)]).output().unwrap();
            said.status.success().then_some(())
        });
        before
    });
    let listed = succeed(&mut at(&restored, &["restore", text(&backups), "--list"]));
    assert_eq!(listed.lines().count(), 2, "{listed}");
    let key = std::fs::read_to_string(server.data_dir().join("secret.key")).unwrap();
    let found = std::process::Command::new("grep").args(["-rlF", key.trim()]).arg(&backups).output().unwrap();
    assert_eq!(found.status.code(), Some(1), "the key of sealed secrets: {}", String::from_utf8_lossy(&found.stdout));
    let said = succeed(&mut at(&restored, &["restore", text(&backups)]));
    assert!(said.starts_with("Restored the backup") && said.contains("secret.key"), "{said}");
    assert!(fail(&mut at(&restored, &["restore", text(&backups)])).contains("not empty"));
    succeed(&mut at(&restored, &["store", "check"]));
    postgres::copy(server.data_dir(), &restored);
    drop(server);
    // Users and tokens are restored, too: the token of the tests is accepted.
    let server = Start::at(&restored).quiet().start();
    let rows = server.query("SELECT count(*), max(number) FROM load");
    assert!(rows[0][0].as_u64().unwrap() >= before && rows[0][0] == rows[0][1], "{before} before: {rows:?}");
    assert!(server.stop().success());
    // Without a server, the folder itself is backed up.
    let said = succeed(&mut at(&restored, &["backup", text(&folder.path().join("other"))]));
    assert!(said.starts_with("The backup has"), "{said}");
}

#[test]
fn only_this_machine_may_hold_the_files() {
    let server = Start::new().quiet().start();
    let request = server.request(reqwest::Method::POST, "/api/v1/backup");
    assert_eq!(block_on(async { request.send().await.unwrap().status().as_u16() }), 403, "{TOKEN} is an API token");
}

#[test]
fn a_damaged_folder_starts_again_after_it_was_salvaged() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let server = Start::at(&data_dir).quiet().start();
    for number in 1..=3 {
        assert_eq!(server.write("main", &format!("t v={number} {}", 1_700_000_000_000_000_000_u64 + number)).0, 204);
    }
    server.kill();
    let segment = std::fs::read_dir(data_dir.join("wal")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&segment).unwrap();
    // In the middle: one of the three rows.
    let at_byte = bytes.len() - 100;
    bytes[at_byte] ^= 1;
    std::fs::write(&segment, &bytes).unwrap();

    let sentence = fail(&mut at(&data_dir, &["serve", "--http", "127.0.0.1:0"]));
    assert!(sentence.contains("sensorium store salvage"), "{sentence}");
    assert!(fail(&mut at(&data_dir, &["store", "check"])).contains("damaged"));
    let output = at(&data_dir, &["store", "salvage"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        !output.status.success() && said.contains("lost: record ") && said.contains("hold no intact record"),
        "{said}"
    );
    assert_eq!(std::fs::read(&segment).unwrap(), bytes, "nothing was changed");
    let said = succeed(&mut at(&data_dir, &["store", "salvage", "--yes"]));
    assert!(said.contains("The damaged files are in "), "{said}");
    succeed(&mut at(&data_dir, &["store", "check"]));
    assert!(succeed(&mut at(&data_dir, &["store", "salvage"])).starts_with("Nothing is damaged"));
    let server = Start::at(&data_dir).quiet().start();
    assert_eq!(server.query("SELECT count(*) FROM t")[0][0], 2);
}
