//! Walks every operation of the OpenAPI document as nobody, as somebody of another organisation, and in every role, and
//! compares what happens with the rule of the operation ([`rules::RULES`]). An operation without a rule fails, and so does
//! a rule without an operation.
//!
//! The other organisation names things that exist in the first one, and then things that exist nowhere: both answers must
//! be the same, and no answer may hold a name of the first organisation.

mod contents;
mod rules;
mod world;

use std::collections::BTreeSet;

use sensorium_model::Role;
use serde_json::json;

use self::rules::{Elsewhere, RULES, Rule, Who};
use self::world::{Answer, Caller, MARK, PASSWORD, World};

/// Every documented operation, as `METHOD /path`.
fn operations() -> BTreeSet<String> {
    let document = serde_json::to_value(sensorium_api::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    operations.collect()
}

#[test]
fn every_operation_has_a_rule_and_every_rule_an_operation() {
    let operations = operations();
    let rules: BTreeSet<String> = RULES.iter().map(|rule| rule.operation.to_owned()).collect();
    assert_eq!(rules.len(), RULES.len(), "a rule stands twice");
    let without_rule: Vec<_> = operations.difference(&rules).collect();
    assert!(without_rule.is_empty(), "say in permissions/rules.rs who may do {without_rule:?}");
    let without_operation: Vec<_> = rules.difference(&operations).collect();
    assert!(without_operation.is_empty(), "nothing answers to the rules for {without_operation:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_for_those_that_its_rule_names() {
    let world = World::start().await;
    let mut problems = Vec::new();
    for rule in RULES {
        walk(&world, rule, &mut problems).await;
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Calls an operation as everyone. Who must be refused comes first and shares its target with the first who may: that it
/// is still there proves that the refused ones did nothing to it.
async fn walk(world: &World, rule: &Rule, problems: &mut Vec<String>) {
    let mut target = world.target(rule.operation).await;
    let mut report = |caller: Caller, expected: &str, answer: &Answer| {
        let Answer { status, text } = answer;
        problems.push(format!("{} as {caller:?}: {expected}, not {status} {text}", rule.operation));
    };
    let nobody = world.call(rule.operation, Caller::Nobody, &target).await;
    match rule.who {
        Who::Anyone(status) if nobody.status != status => report(Caller::Nobody, "its own status", &nobody),
        Who::AtLeast(_) | Who::Devices if nobody.status != 401 => report(Caller::Nobody, "401", &nobody),
        _ => {}
    }
    let stranger = world.call(rule.operation, Caller::Stranger, &target).await;
    let nothing = world.call(rule.operation, Caller::Stranger, &target.made_up()).await;
    match (rule.who, rule.elsewhere) {
        (Who::Anyone(_), _) => {}
        (_, Elsewhere::Own) if !stranger.is_success() => report(Caller::Stranger, "success with its own", &stranger),
        (_, Elsewhere::Nothing) if !stranger.is_refusal() => report(Caller::Stranger, "403 or 404", &stranger),
        (_, Elsewhere::Nothing) if stranger != nothing => {
            report(Caller::Stranger, &format!("the same as for what does not exist ({nothing:?})"), &stranger);
        }
        _ => {}
    }
    for (caller, answer) in [(Caller::Nobody, &nobody), (Caller::Stranger, &stranger)] {
        if answer.text.to_lowercase().contains(MARK) {
            report(caller, "nothing of the first organisation", answer);
        }
    }
    let least = match rule.who {
        Who::Anyone(_) => return,
        Who::AtLeast(least) => Some(least),
        Who::Devices => None,
    };
    let mut used = false;
    for role in [Role::Guest, Role::Viewer, Role::Editor, Role::Administrator, Role::Owner] {
        let caller = Caller::Member(role);
        let may = least.is_some_and(|least| role >= least);
        if std::mem::replace(&mut used, may) {
            target = world.target(rule.operation).await;
        }
        let answer = world.call(rule.operation, caller, &target).await;
        if may && !answer.is_success() {
            report(caller, "success", &answer);
        }
        if !may && !answer.is_refusal() {
            report(caller, "403 or 404", &answer);
        }
    }
    if matches!(rule.who, Who::Devices) {
        let answer = world.call(rule.operation, Caller::Device, &target).await;
        if !answer.is_success() {
            report(Caller::Device, "success", &answer);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_shared_with_a_guest_is_for_them_as_what_does_not_exist() {
    let world = World::start().await;
    let guest = Caller::Member(Role::Guest);
    for operation in [
        "GET /api/v1/devices/{id}",
        "GET /api/v1/devices/{id}/state",
        "GET /api/v1/places/{id}",
        "GET /api/v1/places/{id}/devices",
        "GET /api/v1/places/{id}/plan",
    ] {
        let target = world.unshared(operation).await;
        let answer = world.call(operation, guest, &target).await;
        assert_eq!(answer.status, 404, "{operation}: {}", answer.text);
        assert_eq!(answer, world.call(operation, guest, &target.made_up()).await, "{operation}");
    }
    for operation in ["GET /api/v1/devices", "GET /api/v1/places"] {
        let answer = world.call(operation, guest, &world.unshared(operation).await).await;
        assert!(answer.is_success() && !answer.text.to_lowercase().contains(MARK), "{operation}: {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_commands_on_this_machine_use_is_closed_to_everyone_else() {
    let world = World::start().await;
    for operation in ["POST /api/v1/backup", "DELETE /api/v1/backup/{id}"] {
        let target = world.target(operation).await;
        assert_eq!(world.call(operation, Caller::Nobody, &target).await.status, 401, "{operation}");
        for caller in [Caller::Stranger, Caller::Member(Role::Owner)] {
            assert_eq!(world.call(operation, caller, &target).await.status, 403, "{operation} as {caller:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_on_the_live_connection_watches_nothing_of_the_first_organisation() {
    use base64::Engine;
    let world = World::start().await;
    let target = world.target("GET /ws/live").await;
    let login = format!("{}:{PASSWORD}", Caller::Stranger.login().unwrap());
    let basic = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(login));
    let mut socket = world.server.connect_with(&[("authorization", &basic)]).await.unwrap();
    let refused = socket.subscribe_with(json!({"database": target.database})).await;
    let nothing = socket.subscribe_with(json!({"database": target.made_up().database})).await;
    assert_eq!(refused["type"], "error", "{refused}");
    assert_eq!(
        refused.to_string().replace(&target.database, ""),
        nothing.to_string().replace(&target.made_up().database, "")
    );
}
