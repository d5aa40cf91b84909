//! Types of devices that are submitted for review.

use sensorium_metadata::registry::TypeField;
use sensorium_metadata::{
    Content, Decision, Discussion, Edit, NewType, Proposal, Submission, SubmissionKind, SubmissionStatus, TypeChange,
};
use sensorium_model::{ErrorKind, Principal, Role};

use crate::fixture::{Fixture, kind, new_type, sentence};

fn accept() -> Decision {
    Decision::Accept(String::new())
}

fn proposal(name: &str) -> Proposal {
    Proposal::Type { id: None, version: None, new: new_type(name) }
}

async fn read(fixture: &Fixture, of: &Submission) -> Discussion {
    fixture.metadata.submission(&fixture.owner, of.id).await.unwrap()
}

#[tokio::test]
async fn an_accepted_type_is_made_in_the_same_moment() {
    let fixture = Fixture::new().await;
    let (metadata, owner) = (&fixture.metadata, &fixture.owner);
    let fields = vec![TypeField {
        name: "t".into(),
        display_name: "<b>Air</b>".into(),
        unit: "Cel".into(),
        min: Some(-5.5),
        max: None,
    }];
    let new = NewType { fields: fields.clone(), ..new_type(" Climate ") };
    let submitted = metadata.submit(owner, Proposal::Type { id: None, version: None, new }).await.unwrap();
    assert_eq!((submitted.kind, submitted.title.as_str(), submitted.number), (SubmissionKind::Type, "Climate", 1));
    assert!(metadata.device_types(owner).await.unwrap().is_empty());
    let of = metadata.review(owner, submitted.id, accept()).await.unwrap();
    assert_eq!((of.status, of.base_version), (SubmissionStatus::Accepted, None));
    let types = metadata.device_types(owner).await.unwrap();
    let [made] = types.as_slice() else { unreachable!("{types:?}") };
    assert_eq!((made.id.to_string(), &made.fields, made.version), (submitted.subject, &fields, 1));

    let log = fixture.log("device_type").await;
    let actions: Vec<_> = log.iter().map(|(action, name, ..)| (action.as_str(), name.as_str())).collect();
    assert_eq!(actions.len(), 3);
    for expected in [("submitted", "Climate"), ("accepted", "Climate"), ("created", "Climate")] {
        assert!(actions.contains(&expected), "{actions:?}");
    }
}

#[tokio::test]
async fn a_change_names_the_version_that_it_was_made_for() {
    let fixture = Fixture::new().await;
    let (metadata, owner) = (&fixture.metadata, &fixture.owner);
    let made = metadata.create_device_type(owner, new_type("climate")).await.unwrap();
    let change = |version: Option<i64>| Proposal::Type {
        id: Some(made.id),
        version,
        new: NewType { description: "Better".into(), ..new_type("climate") },
    };
    for version in [None, Some(0), Some(2)] {
        assert_eq!(kind(metadata.submit(owner, change(version)).await), Some(ErrorKind::Conflict), "{version:?}");
    }
    let waiting = metadata.submit(owner, change(Some(1))).await.unwrap();
    let found = read(&fixture, &waiting).await;
    assert_eq!(
        found.changes.as_deref(),
        Some(
            "--- old/type\n+++ new/type\n@@ -1,3 +1,4 @@\n name: climate\n table: climate\n decoder: none\n\
             +description: Better\n"
        )
    );
    let Content::Type(new) = found.content else { unreachable!() };
    assert_eq!(new.description, "Better");

    let rename = TypeChange { version: 1, name: Some("Klima".into()), decoder: Edit::Keep, ..TypeChange::default() };
    metadata.change_device_type(owner, made.id, rename).await.unwrap();
    let late = sentence(metadata.review(owner, waiting.id, accept()).await);
    assert!(late.contains("\"Klima\" was changed in the meantime"), "{late}");
    assert_eq!(read(&fixture, &waiting).await.submission.status, SubmissionStatus::Waiting);
    assert_eq!(metadata.device_type(owner, made.id).await.unwrap().description, "");

    let waiting = metadata.submit(owner, change(Some(2))).await.unwrap();
    metadata.delete_device_type(owner, made.id, 2).await.unwrap();
    let late = sentence(metadata.review(owner, waiting.id, accept()).await);
    assert!(late.contains("deleted"), "{late}");
    assert!(metadata.device_types(owner).await.unwrap().is_empty());
    metadata.review(owner, waiting.id, Decision::Return("It is gone".into())).await.unwrap();
}

#[tokio::test]
async fn another_version_of_a_type_that_nobody_made_withdraws_the_one_before() {
    let fixture = Fixture::new().await;
    let (metadata, owner) = (&fixture.metadata, &fixture.owner);
    let first = metadata.submit(owner, proposal("climate")).await.unwrap();
    let id = Some(first.subject.parse().unwrap());
    let again = |name: &str| Proposal::Type { id, version: None, new: new_type(name) };
    let second = metadata.submit(owner, again("Climate")).await.unwrap();
    assert_eq!((second.number, &second.subject), (2, &first.subject));
    assert_eq!(read(&fixture, &first).await.submission.status, SubmissionStatus::Withdrawn);
    assert_eq!(kind(metadata.submit(&fixture.stranger, again("x")).await), Some(ErrorKind::Missing));
    // A name is free until the type is made.
    let other = metadata.submit(owner, proposal("CLIMATE")).await.unwrap();
    metadata.review(owner, second.id, accept()).await.unwrap();
    let late = sentence(metadata.review(owner, other.id, accept()).await);
    assert!(late.contains("\"Climate\" already"), "{late}");
    assert_eq!(kind(metadata.submit(owner, proposal("climate")).await), Some(ErrorKind::Conflict));
    // What is accepted is changed in the registry, and not taken away here.
    assert_eq!(kind(metadata.withdraw(owner, second.id).await), Some(ErrorKind::Conflict));
    assert_eq!(metadata.submissions(owner, Some(SubmissionKind::Template), None).await.unwrap(), []);
    assert_eq!(metadata.submissions(owner, Some(SubmissionKind::Type), None).await.unwrap().len(), 3);
}

#[tokio::test]
async fn editors_submit_and_administrators_decide() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let waiting = metadata.submit(&fixture.owner, proposal("climate")).await.unwrap();
    let editor = Principal { role: Role::Editor, ..fixture.owner.clone() };
    let viewer = Principal { role: Role::Viewer, can_write: false, ..fixture.owner.clone() };
    assert!(metadata.submit(&editor, proposal("lamp")).await.is_ok());
    assert_eq!(kind(metadata.submit(&viewer, proposal("x")).await), Some(ErrorKind::Denied));
    assert_eq!(kind(metadata.submission(&viewer, waiting.id).await), Some(ErrorKind::Denied));
    assert_eq!(kind(metadata.review(&editor, waiting.id, accept()).await), Some(ErrorKind::Denied));
    let stranger = &fixture.stranger;
    assert_eq!(kind(metadata.submission(stranger, waiting.id).await), Some(ErrorKind::Missing));
    assert_eq!(kind(metadata.review(stranger, waiting.id, accept()).await), Some(ErrorKind::Missing));
    assert_eq!(kind(metadata.comment_on_submission(stranger, waiting.id, "x").await), Some(ErrorKind::Missing));
    assert_eq!(kind(metadata.withdraw(stranger, waiting.id).await), Some(ErrorKind::Missing));
    assert!(metadata.submissions(stranger, None, None).await.unwrap().is_empty());
    metadata.review(&fixture.owner, waiting.id, accept()).await.unwrap();
    assert!(metadata.device_types(stranger).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_before_anybody_reads_it() {
    let fixture = Fixture::new().await;
    for (new, part) in [
        (new_type(" "), "MAX_NAME"),
        (NewType { table: String::new(), ..new_type("x") }, "table"),
        (NewType { description: "x".repeat(1_001), ..new_type("x") }, "MAX_DESCRIPTION"),
    ] {
        let refused = fixture.metadata.submit(&fixture.owner, Proposal::Type { id: None, version: None, new }).await;
        let refused = sentence(refused);
        assert!(refused.contains(part), "{refused}");
    }
}
