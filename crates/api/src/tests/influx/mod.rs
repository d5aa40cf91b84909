//! What clients of InfluxDB ask, and what they read.

mod changes;
mod query;
mod versions;

use serde_json::Value;

use super::server::{Reply, Server};

/// A server with readings of the laboratory, and the secret of a token that does everything but administer.
async fn laboratory() -> (Server, String) {
    let (server, owner) = Server::set_up().await;
    let token = server.token(&owner, None, true, true).await;
    let made = ask(&server, &token, "", "CREATE DATABASE \"dht\"").await;
    assert_eq!(made.text(), "{\"results\":[{\"statement_id\":0}]}\n");
    let lines = "temperature,place=room1 value=25.5 1700000000000000000\n\
                 temperature,place=room1 value=26 1700000010500000000\n\
                 temperature,place=room2 value=20 1700000000000000000\n\
                 humidity,place=room1 value=40i 1700000000000000000";
    let written = server.post("/write?db=dht").token(&token).body(lines).send().await;
    assert_eq!(written.status, 204, "{}", written.text());
    (server, token)
}

/// A form with the statements; `more` is what else stands in the address.
async fn ask(server: &Server, token: &str, more: &str, statements: &str) -> Reply {
    form(server, more, statements).token(token).send().await
}

fn form(server: &Server, more: &str, statements: &str) -> super::server::Call {
    let quoted: String = statements.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let call = server.post(&format!("/query?db=dht{more}"));
    call.header("content-type", "application/x-www-form-urlencoded").body(format!("q={quoted}"))
}

/// The first result.
fn result(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["results"][0].clone()
}
