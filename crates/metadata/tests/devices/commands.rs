//! Commands of devices and their answers.

use std::collections::BTreeSet;
use std::time::Duration;

use sensorium_metadata::{Command, CommandStatus, DeviceChange, DeviceLimits, MetadataError, NewCommand};
use sensorium_model::{CommandId, DeviceId, ErrorKind};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fixture::{Fixture, START_MS, for_ever, kind, no_longer, sentence};

fn new(name: &str) -> NewCommand {
    NewCommand { name: name.into(), arguments: json!({"times": 3}), timeout_seconds: 60 }
}

async fn send(fixture: &Fixture, device: DeviceId, name: &str) -> Result<Command, MetadataError> {
    fixture.metadata.send_command(&fixture.owner, device, new(name)).await
}

async fn read(fixture: &Fixture, device: DeviceId, id: CommandId) -> Command {
    fixture.metadata.command(&fixture.owner, device, id, None).await.unwrap()
}

#[tokio::test]
async fn a_command_goes_to_its_device_and_its_answer_comes_back() {
    let fixture = Fixture::new().await;
    let (attic, itself) = fixture.acting("attic").await;
    let (cellar, other) = fixture.acting("cellar").await;
    let sent = send(&fixture, attic.id, " blink ").await.unwrap();
    assert_eq!(
        (sent.name.as_str(), sent.status, sent.requested_by.as_deref()),
        ("blink", CommandStatus::Queued, Some("ada"))
    );
    assert_eq!((sent.created_at_ms, sent.expires_at_ms), (START_MS, START_MS + 60_000));
    let early = fixture.metadata.answer_command(&itself, sent.id, true, &Value::Null).await;
    assert_eq!(kind(early), Some(ErrorKind::Conflict), "it does not have it yet");
    assert_eq!(fixture.metadata.take_command(&other, None).await.unwrap(), None, "it is for another device");

    let fixture = fixture.reopen().await;
    let metadata = &fixture.metadata;
    fixture.pass(1_000);
    let taken = metadata.take_command(&itself, None).await.unwrap().unwrap();
    assert_eq!((taken.id, Value::Object(taken.arguments)), (sent.id, json!({"times": 3})));
    assert_eq!(metadata.take_command(&itself, None).await.unwrap(), None);
    let fixture = fixture.reopen().await;
    let metadata = &fixture.metadata;
    assert_eq!(metadata.take_command(&itself, None).await.unwrap(), None, "a restart hands out nothing again");
    let delivered = read(&fixture, attic.id, sent.id).await;
    assert_eq!((delivered.status, delivered.delivered_at_ms), (CommandStatus::Delivered, Some(START_MS + 1_000)));

    let theirs = metadata.answer_command(&other, sent.id, true, &Value::Null).await;
    assert_eq!(sentence(theirs), "there is no such command");
    let wrong = json!({"a\n": 1});
    assert_eq!(kind(metadata.answer_command(&itself, sent.id, true, &wrong).await), Some(ErrorKind::Invalid));
    metadata.answer_command(&itself, sent.id, true, &json!({"blinked": 3})).await.unwrap();
    let again = metadata.answer_command(&itself, sent.id, false, &Value::Null).await;
    assert!(sentence(again).contains("answered already"));
    let answered = read(&fixture, attic.id, sent.id).await;
    assert_eq!((answered.status, answered.result), (CommandStatus::Answered, Some(json!({"blinked": 3}))));
    let elsewhere = metadata.command(&fixture.owner, cellar.id, sent.id, None).await;
    assert_eq!(kind(elsewhere), Some(ErrorKind::Missing));

    let second = send(&fixture, attic.id, "second").await.unwrap();
    metadata.take_command(&itself, None).await.unwrap().unwrap();
    metadata.answer_command(&itself, second.id, false, &json!("no lamp")).await.unwrap();
    let listed = metadata.commands(&fixture.owner, attic.id, 10).await.unwrap();
    let told: Vec<_> = listed.iter().map(|command| (command.id, command.status)).collect();
    assert_eq!(told, [(second.id, CommandStatus::Failed), (sent.id, CommandStatus::Answered)]);
    let log = fixture.log("device_command").await;
    assert_eq!((log.len(), log[1].0.as_str(), log[1].1.as_str()), (2, "sent", "attic"));
    let facts = json!({"command": "blink", "arguments": {"times": 3}, "timeout_seconds": 60});
    assert_eq!(log[1].3, facts);
}

#[tokio::test]
async fn a_command_expires_by_the_clock() {
    let fixture = Fixture::new().await;
    let (attic, itself) = fixture.acting("attic").await;
    let metadata = &fixture.metadata;
    let first = send(&fixture, attic.id, "first").await.unwrap();
    metadata.take_command(&itself, None).await.unwrap().unwrap();
    let second = send(&fixture, attic.id, "second").await.unwrap();
    fixture.pass(59_999);
    assert_eq!(read(&fixture, attic.id, first.id).await.status, CommandStatus::Delivered);
    fixture.pass(1);
    for (id, had) in [(first.id, true), (second.id, false)] {
        let command = read(&fixture, attic.id, id).await;
        assert_eq!((command.status, command.delivered_at_ms.is_some()), (CommandStatus::Expired, had));
    }
    assert_eq!(metadata.take_command(&itself, None).await.unwrap(), None);
    let late = metadata.answer_command(&itself, first.id, true, &Value::Null).await;
    assert!(sentence(late).contains("expired"));
    let at_once = metadata.command(&fixture.owner, attic.id, first.id, for_ever()).await.unwrap();
    assert_eq!(at_once.status, CommandStatus::Expired, "nobody waits for what is over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_connections_of_a_device_get_each_command_once() {
    let fixture = Fixture::new().await;
    let (attic, itself) = fixture.acting("attic").await;
    let takers: Vec<_> = (0..4)
        .map(|_| {
            let (metadata, itself) = (fixture.metadata.clone(), itself.clone());
            tokio::spawn(async move {
                let mut taken = Vec::new();
                while let Some(command) = metadata.take_command(&itself, for_ever()).await.unwrap() {
                    if command.name == "end" {
                        break;
                    }
                    taken.push(command.id);
                }
                taken
            })
        })
        .collect();
    fixture.waiters(4).await;
    let mut sent = BTreeSet::new();
    for _ in 0..40 {
        sent.insert(send(&fixture, attic.id, "blink").await.unwrap().id);
    }
    for _ in 0..4 {
        send(&fixture, attic.id, "end").await.unwrap();
    }
    let mut taken = Vec::new();
    for taker in takers {
        taken.extend(taker.await.unwrap());
    }
    assert_eq!((taken.len(), taken.into_iter().collect::<BTreeSet<_>>()), (40, sent));
}

#[tokio::test]
async fn a_device_and_who_asks_it_wait_for_each_other() {
    let fixture = Fixture::new().await;
    let (attic, itself) = fixture.acting("attic").await;
    let metadata = fixture.metadata.clone();
    let none = metadata.take_command(&itself, no_longer()).await.unwrap();
    assert_eq!(none, None, "the time is over");
    let device = tokio::spawn({
        let (metadata, itself) = (metadata.clone(), itself.clone());
        async move {
            let taken = metadata.take_command(&itself, for_ever()).await.unwrap().unwrap();
            metadata.answer_command(&itself, taken.id, true, &json!("done")).await.unwrap();
        }
    });
    fixture.waiters(1).await;
    let sent = send(&fixture, attic.id, "blink").await.unwrap();
    let answer = metadata.command(&fixture.owner, attic.id, sent.id, for_ever()).await.unwrap();
    assert_eq!((answer.status, answer.result), (CommandStatus::Answered, Some(json!("done"))));
    device.await.unwrap();

    let brief = NewCommand { timeout_seconds: 1, ..new("unheard") };
    let sent = metadata.send_command(&fixture.owner, attic.id, brief).await.unwrap();
    let clock = fixture.now_ms.clone();
    let asker = tokio::spawn({
        let (metadata, owner) = (metadata.clone(), fixture.owner.clone());
        async move { metadata.command(&owner, attic.id, sent.id, for_ever()).await.unwrap() }
    });
    fixture.waiters(1).await;
    clock.fetch_add(1_000, std::sync::atomic::Ordering::SeqCst);
    let over = tokio::time::timeout(Duration::from_secs(60), asker).await.unwrap().unwrap();
    assert_eq!(over.status, CommandStatus::Expired, "who waits learns it when the time is over");
}

#[tokio::test]
async fn so_many_are_open_and_so_many_are_kept() {
    let limits = DeviceLimits { open_commands: 2, kept_commands: 3, ..DeviceLimits::default() };
    let fixture = Fixture::with(limits).await;
    let (attic, itself) = fixture.acting("attic").await;
    let metadata = &fixture.metadata;
    for _ in 0..2 {
        send(&fixture, attic.id, "x").await.unwrap();
    }
    let third = send(&fixture, attic.id, "x").await;
    assert!(third.as_ref().unwrap_err().to_string().contains("devices.open_commands"));
    assert_eq!(kind(third), Some(ErrorKind::Conflict));
    assert!(metadata.take_command(&itself, None).await.unwrap().is_some());
    assert!(send(&fixture, attic.id, "x").await.is_err(), "one that is delivered is open, too");
    fixture.pass(60_000);
    let mut newest = Vec::new();
    for _ in 0..6 {
        newest.push(send(&fixture, attic.id, "x").await.unwrap().id);
        let taken = metadata.take_command(&itself, None).await.unwrap().unwrap();
        metadata.answer_command(&itself, taken.id, true, &Value::Null).await.unwrap();
    }
    newest.push(send(&fixture, attic.id, "x").await.unwrap().id);
    let kept: Vec<_> = metadata.commands(&fixture.owner, attic.id, 100).await.unwrap();
    let kept: Vec<_> = kept.into_iter().map(|command| command.id).rev().collect();
    assert_eq!(kept, newest[3..], "three that are over, and the open one");
    fixture.pass(30 * 86_400_000);
    assert_eq!(metadata.clean_up().await.unwrap().commands, 0);
    fixture.pass(60_000);
    assert_eq!(metadata.clean_up().await.unwrap().commands, 4);
    assert!(metadata.commands(&fixture.owner, attic.id, 100).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_cannot_be_used_is_refused() {
    let fixture = Fixture::new().await;
    let device = fixture.device("attic").await;
    for wrong in [
        new(""),
        new(" "),
        new("a\nb"),
        new(&"x".repeat(101)),
        NewCommand { arguments: json!([]), ..new("x") },
        NewCommand { arguments: json!({"a\u{7}": 1}), ..new("x") },
        NewCommand { arguments: json!({"a": "x".repeat(20_000)}), ..new("x") },
        NewCommand { timeout_seconds: 0, ..new("x") },
        NewCommand { timeout_seconds: 604_801, ..new("x") },
        NewCommand { timeout_seconds: u64::MAX, ..new("x") },
    ] {
        let told = format!("{wrong:?}");
        let sent = fixture.metadata.send_command(&fixture.owner, device.id, wrong).await;
        assert_eq!(kind(sent), Some(ErrorKind::Invalid), "{told}");
    }
    assert!(fixture.metadata.commands(&fixture.owner, device.id, 10).await.unwrap().is_empty());
    assert!(fixture.log("device_command").await.is_empty());
}

#[tokio::test]
async fn strangers_and_devices_send_nothing_and_see_nothing() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (attic, itself) = fixture.acting("attic").await;
    let sent = send(&fixture, attic.id, "x").await.unwrap();
    for id in [attic.id, DeviceId::from_uuid(Uuid::nil())] {
        let stranger = &fixture.stranger;
        assert_eq!(sentence(metadata.send_command(stranger, id, new("x")).await), "there is no such device");
        assert_eq!(sentence(metadata.commands(stranger, id, 10).await), "there is no such device");
        assert_eq!(sentence(metadata.command(stranger, id, sent.id, None).await), "there is no such command");
    }
    assert_eq!(kind(metadata.send_command(&itself, attic.id, new("x")).await), Some(ErrorKind::Denied));
    assert_eq!(kind(metadata.commands(&itself, attic.id, 10).await), Some(ErrorKind::Denied));
    assert_eq!(kind(metadata.command(&itself, attic.id, sent.id, None).await), Some(ErrorKind::Denied));
    assert_eq!(kind(metadata.take_command(&fixture.owner, None).await), Some(ErrorKind::Denied));
    let answered = metadata.answer_command(&fixture.owner, sent.id, true, &Value::Null).await;
    assert_eq!(kind(answered), Some(ErrorKind::Denied));
}

#[tokio::test]
async fn a_disabled_device_takes_nothing_and_a_deleted_one_takes_its_commands_along() {
    let fixture = Fixture::new().await;
    let (attic, itself) = fixture.acting("attic").await;
    let metadata = &fixture.metadata;
    let waits = tokio::spawn({
        let (metadata, itself) = (metadata.clone(), itself.clone());
        async move { metadata.take_command(&itself, for_ever()).await }
    });
    fixture.waiters(1).await;
    let disable = DeviceChange { enabled: Some(false), ..DeviceChange::default() };
    let attic = fixture.change(&attic, disable).await.unwrap();
    assert_eq!(kind(waits.await.unwrap()), Some(ErrorKind::Denied));
    let sent = send(&fixture, attic.id, "x").await.unwrap();
    assert_eq!(kind(metadata.take_command(&itself, None).await), Some(ErrorKind::Denied));
    assert_eq!(read(&fixture, attic.id, sent.id).await.status, CommandStatus::Queued);
    metadata.delete_device(&fixture.owner, attic.id, attic.version).await.unwrap();
    let gone = metadata.command(&fixture.owner, attic.id, sent.id, None).await;
    assert_eq!(kind(gone), Some(ErrorKind::Missing));
}
