//! Desired and reported state of devices.

use sensorium_metadata::{DeviceChange, DeviceLimits, MetadataError, RegistryError};
use sensorium_model::{DeviceId, ErrorKind, Principal};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::fixture::{Fixture, START_MS, for_ever, kind, no_longer, sentence};

async fn set(fixture: &Fixture, id: DeviceId, version: i64, state: Value) {
    fixture.metadata.set_desired_state(&fixture.owner, id, version, &state).await.unwrap();
}

/// A request of a device that waits for another version than this one.
fn wait(fixture: &Fixture, device: &Principal, after: i64) -> JoinHandle<Result<Option<i64>, MetadataError>> {
    let (metadata, device) = (fixture.metadata.clone(), device.clone());
    tokio::spawn(async move {
        let desired = metadata.desired_state(&device, Some(after), for_ever()).await?;
        Ok(desired.map(|desired| desired.version))
    })
}

#[tokio::test]
async fn what_is_desired_and_reported_survives_a_restart_and_is_compared() {
    let fixture = Fixture::new().await;
    let (device, itself) = fixture.acting("attic").await;
    let state = fixture.metadata.device_state(&fixture.owner, device.id).await.unwrap();
    assert_eq!((state.desired.version, state.reported.version, state.desired.changed_at_ms), (0, 0, None));
    assert!(state.desired.state.is_empty() && state.differences.first.is_empty());
    assert_eq!(fixture.metadata.desired_state(&itself, None, None).await.unwrap().unwrap().version, 0);

    set(&fixture, device.id, 0, json!({"led": {"on": true}, "interval": 30})).await;
    fixture.pass(5);
    assert_eq!(fixture.metadata.report_state(&itself, &json!({"interval": 30.0, "uptime": 7})).await.unwrap(), 1);
    set(&fixture, device.id, 1, json!({"led": {"on": false}, "interval": 30})).await;
    let fixture = fixture.reopen().await;
    let state = fixture.metadata.device_state(&fixture.owner, device.id).await.unwrap();
    assert_eq!((state.desired.version, state.desired.changed_at_ms), (2, Some(START_MS + 5)));
    assert_eq!((state.reported.version, &state.reported.state["uptime"]), (1, &json!(7)));
    let [led] = state.differences.first.as_slice() else { unreachable!("{state:?}") };
    assert_eq!((led.path.as_str(), &led.desired, &led.reported), ("/led", &json!({"on": false}), &None));
    let taken = fixture.metadata.desired_state(&itself, Some(1), None).await.unwrap().unwrap();
    assert_eq!((taken.version, Value::Object(taken.state)), (2, json!({"led": {"on": false}, "interval": 30})));
    assert_eq!(fixture.metadata.desired_state(&itself, Some(2), None).await.unwrap(), None);
    let ahead = fixture.metadata.desired_state(&itself, Some(9), None).await.unwrap();
    assert_eq!(ahead.unwrap().version, 2, "a device that knows more than a restored server takes what is there");
    assert_eq!(fixture.read(device.id).await.status.last_seen_ms, Some(START_MS + 5));

    let log = fixture.log("device_state").await;
    assert_eq!(log.len(), 2, "a report is no change: {log:?}");
    assert_eq!(
        (log[0].1.as_str(), &log[0].3["version"], &log[0].2["state"]["led"]),
        ("attic", &json!(2), &json!({"on": true}))
    );
    let long = json!({"text": "x".repeat(3_000)});
    set(&fixture, device.id, 2, long).await;
    assert_eq!(fixture.log("device_state").await[0].3["state"], json!("3011 bytes"));
}

#[tokio::test]
async fn of_two_administrators_the_second_is_told() {
    let fixture = Fixture::new().await;
    let device = fixture.device("attic").await;
    set(&fixture, device.id, 0, json!({"a": 1})).await;
    let late = fixture.metadata.set_desired_state(&fixture.owner, device.id, 0, &json!({"a": 2})).await;
    let Err(MetadataError::Registry(RegistryError::StateChanged(now))) = &late else { unreachable!("{late:?}") };
    assert_eq!((now.desired.version, &now.desired.state["a"]), (1, &json!(1)));
    assert_eq!(kind(late), Some(ErrorKind::Conflict));
    let both = async |number: i64| {
        fixture.metadata.set_desired_state(&fixture.owner, device.id, 1, &json!({"a": number})).await.is_ok()
    };
    let (one, other) = tokio::join!(both(3), both(4));
    assert!(one != other, "one of them was first");
    assert_eq!(fixture.log("device_state").await.len(), 2);
}

#[tokio::test]
async fn what_cannot_be_used_changes_nothing() {
    let fixture = Fixture::new().await;
    let (device, itself) = fixture.acting("attic").await;
    let deep = (0..20).fold(json!(1), |inner, _| json!({"a": inner}));
    for wrong in [json!([1]), json!(null), json!("{}"), json!({"a\u{0}": 1}), deep, json!({"a": "x".repeat(20_000)})] {
        let set = fixture.metadata.set_desired_state(&fixture.owner, device.id, 0, &wrong).await;
        assert_eq!(kind(set), Some(ErrorKind::Invalid), "{wrong}");
        let reported = fixture.metadata.report_state(&itself, &wrong).await;
        assert_eq!(kind(reported), Some(ErrorKind::Invalid), "{wrong}");
    }
    let state = fixture.metadata.device_state(&fixture.owner, device.id).await.unwrap();
    assert_eq!((state.desired.version, state.reported.version), (0, 0));
    // Every engine stores control characters in a value.
    let odd = json!({"text": "a\u{0}b\u{1f600}\"\\"});
    assert_eq!(fixture.metadata.report_state(&itself, &odd).await.unwrap(), 1);
    let state = fixture.metadata.device_state(&fixture.owner, device.id).await.unwrap();
    assert_eq!(Value::Object(state.reported.state), odd);
}

#[tokio::test]
async fn a_device_that_waits_is_woken_and_others_sleep_on() {
    let fixture = Fixture::new().await;
    let (attic, itself) = fixture.acting("attic").await;
    let (_, other) = fixture.acting("cellar").await;
    let (first, second) = (wait(&fixture, &itself, 0), wait(&fixture, &itself, 0));
    let sleeper = wait(&fixture, &other, 0);
    fixture.waiters(3).await;
    set(&fixture, attic.id, 0, json!({})).await;
    assert_eq!((first.await.unwrap().unwrap(), second.await.unwrap().unwrap()), (Some(1), Some(1)));
    fixture.waiters(1).await;
    assert!(!sleeper.is_finished());
    sleeper.abort();
    fixture.waiters(0).await;
    let none = fixture.metadata.desired_state(&itself, Some(1), no_longer()).await.unwrap();
    assert_eq!(none, None, "the time is over");
}

#[tokio::test]
async fn so_many_wait_and_no_more() {
    let fixture = Fixture::with(DeviceLimits { waiters: 1, ..DeviceLimits::default() }).await;
    let (attic, itself) = fixture.acting("attic").await;
    let waits = wait(&fixture, &itself, 0);
    fixture.waiters(1).await;
    let refused = fixture.metadata.desired_state(&itself, Some(0), for_ever()).await;
    assert!(refused.as_ref().unwrap_err().to_string().contains("devices.waiters"));
    assert_eq!(kind(refused), Some(ErrorKind::Busy));
    let at_once = fixture.metadata.desired_state(&itself, Some(7), for_ever()).await.unwrap();
    assert_eq!(at_once.unwrap().version, 0, "who need not wait needs no place");
    set(&fixture, attic.id, 0, json!({})).await;
    assert_eq!(waits.await.unwrap().unwrap(), Some(1));
}

#[tokio::test]
async fn a_device_that_is_disabled_or_deleted_while_it_waits_learns_nothing_more() {
    let fixture = Fixture::new().await;
    let (attic, itself) = fixture.acting("attic").await;
    let waits = wait(&fixture, &itself, 0);
    fixture.waiters(1).await;
    let disable = DeviceChange { enabled: Some(false), ..DeviceChange::default() };
    let attic = fixture.change(&attic, disable).await.unwrap();
    assert_eq!(kind(waits.await.unwrap()), Some(ErrorKind::Denied));
    assert_eq!(kind(fixture.metadata.report_state(&itself, &json!({})).await), Some(ErrorKind::Denied));
    set(&fixture, attic.id, 0, json!({"for": "later"})).await;

    let (cellar, itself) = fixture.acting("cellar").await;
    let waits = wait(&fixture, &itself, 0);
    fixture.waiters(1).await;
    fixture.metadata.delete_device(&fixture.owner, cellar.id, 1).await.unwrap();
    assert!(waits.await.unwrap().is_err());
    assert!(fixture.metadata.report_state(&itself, &json!({})).await.is_err());
    let token = fixture.metadata.device_tokens(&fixture.owner, attic.id).await.unwrap().remove(0);
    let (_, itself) = fixture.acting("roof").await;
    let roof = itself.device.as_ref().unwrap().id;
    let waits = wait(&fixture, &itself, 0);
    fixture.waiters(1).await;
    let own = fixture.metadata.device_tokens(&fixture.owner, roof).await.unwrap().remove(0);
    assert_ne!(own.id, token.id);
    fixture.metadata.revoke_device_token(&fixture.owner, roof, own.id).await.unwrap();
    set(&fixture, roof, 0, json!({"secret": 1})).await;
    assert_eq!(kind(waits.await.unwrap()), Some(ErrorKind::Denied), "its token was revoked meanwhile");
}

#[tokio::test]
async fn a_device_speaks_for_itself_only_and_nobody_speaks_for_it() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (attic, itself) = fixture.acting("attic").await;
    let (_, other) = fixture.acting("cellar").await;
    set(&fixture, attic.id, 0, json!({"a": 1})).await;
    metadata.report_state(&other, &json!({"b": 1})).await.unwrap();
    assert_eq!(metadata.device_state(&fixture.owner, attic.id).await.unwrap().reported.version, 0);
    assert_eq!(metadata.desired_state(&other, None, None).await.unwrap().unwrap().version, 0);
    for device in [&itself, &other] {
        assert_eq!(kind(metadata.device_state(device, attic.id).await), Some(ErrorKind::Denied));
        let set = metadata.set_desired_state(device, attic.id, 1, &json!({})).await;
        assert_eq!(kind(set), Some(ErrorKind::Denied));
    }
    assert_eq!(kind(metadata.desired_state(&fixture.owner, None, None).await), Some(ErrorKind::Denied));
    assert_eq!(kind(metadata.report_state(&fixture.owner, &json!({})).await), Some(ErrorKind::Denied));
    let stranger = &fixture.stranger;
    for id in [attic.id, DeviceId::from_uuid(Uuid::nil())] {
        assert_eq!(sentence(metadata.device_state(stranger, id).await), "there is no such device");
        let set = metadata.set_desired_state(stranger, id, 1, &json!({})).await;
        assert_eq!(sentence(set), "there is no such device");
    }
    let elsewhere = Principal { org: stranger.org, ..itself.clone() };
    assert_eq!(kind(metadata.report_state(&elsewhere, &json!({})).await), Some(ErrorKind::Missing));
}

#[tokio::test]
async fn a_thousand_reports_at_once_are_ten_transactions() {
    let fixture = Fixture::new().await;
    let (attic, itself) = fixture.acting("attic").await;
    let mut refused = 0;
    for number in 0..1_000 {
        match fixture.metadata.report_state(&itself, &json!({"number": number})).await {
            Ok(_) => {}
            Err(error) => {
                assert_eq!((error.kind(), error.retry_after().is_some()), (ErrorKind::Busy, true), "{error}");
                refused += 1;
            }
        }
    }
    let reported = fixture.metadata.device_state(&fixture.owner, attic.id).await.unwrap().reported;
    assert_eq!((reported.version, &reported.state["number"], refused), (10, &json!(9), 990));
    fixture.pass(1_000);
    assert_eq!(fixture.metadata.report_state(&itself, &json!({})).await.unwrap(), 11);
    assert!(fixture.metadata.report_state(&itself, &json!({})).await.is_err());
}

#[tokio::test]
async fn a_device_that_is_deleted_takes_its_state_with_it() {
    let fixture = Fixture::new().await;
    let (attic, itself) = fixture.acting("attic").await;
    set(&fixture, attic.id, 0, json!({"a": 1})).await;
    fixture.metadata.report_state(&itself, &json!({})).await.unwrap();
    fixture.metadata.delete_device(&fixture.owner, attic.id, 1).await.unwrap();
    assert_eq!(kind(fixture.metadata.device_state(&fixture.owner, attic.id).await), Some(ErrorKind::Missing));
    let again = fixture.device("attic").await;
    assert_eq!(fixture.metadata.device_state(&fixture.owner, again.id).await.unwrap().desired.version, 0);
}

#[tokio::test]
async fn who_speaks_to_devices_hears_of_changes_and_adds_to_reports() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (attic, itself) = fixture.acting("Attic").await;
    let (org, elsewhere) = (fixture.owner.org, fixture.stranger.org);
    let mut changes = metadata.desired_changes();
    assert_eq!(metadata.wanted(org, attic.id).await.unwrap(), None, "nothing was ever desired");
    set(&fixture, attic.id, 0, json!({"POWER": true})).await;
    assert_eq!(changes.recv().await.unwrap(), (org, attic.id));
    let wanted = metadata.wanted(org, attic.id).await.unwrap().unwrap();
    assert_eq!((wanted.name.as_str(), wanted.called.as_str(), wanted.desired.version), ("Attic", "Attic", 1));
    assert_eq!(metadata.wanted(elsewhere, attic.id).await.unwrap(), None);

    let said = |value: Value| value.as_object().unwrap().clone();
    metadata.report_state(&itself, &json!({"uptime": 7})).await.unwrap();
    assert!(metadata.add_to_report(org, attic.id, &said(json!({"POWER": true}))).await.unwrap());
    assert!(!metadata.add_to_report(org, attic.id, &said(json!({"POWER": true}))).await.unwrap());
    let state = metadata.device_state(&fixture.owner, attic.id).await.unwrap();
    assert_eq!((state.reported.version, Value::Object(state.reported.state)), (2, json!({"POWER": true, "uptime": 7})));
    assert_eq!(state.differences.total, 0);
    let from_elsewhere = metadata.add_to_report(elsewhere, attic.id, &said(json!({"POWER": false}))).await;
    assert_eq!(kind(from_elsewhere), Some(ErrorKind::Missing));

    let disable = DeviceChange { enabled: Some(false), ..DeviceChange::default() };
    fixture.change(&attic, disable).await.unwrap();
    assert_eq!(metadata.wanted(org, attic.id).await.unwrap(), None);
    assert!(!metadata.add_to_report(org, attic.id, &said(json!({"POWER": false}))).await.unwrap());
    let many = (0..20).map(|n| (n.to_string(), json!(n))).collect();
    let mut refused = None;
    for _ in 0..20 {
        refused = refused.or(kind(metadata.add_to_report(org, attic.id, &many).await));
    }
    assert_eq!(refused, Some(ErrorKind::Busy), "as often as over HTTP");
}
