//! What people submit for review: by whom, seen by whom, and what becomes of it.

mod templates;
mod types;

use sensorium_model::Role;
use serde_json::Value;

use super::server::{Reply, Server, failure};

const SUBMISSIONS: &str = "/api/v1/submissions";

/// A server with an owner, an editor, a viewer and somebody of another organisation, and what signs them in.
struct People {
    server: Server,
    owner: String,
    editor: String,
    viewer: String,
    stranger: String,
}

impl People {
    async fn new() -> Self {
        let (server, owner) = Server::set_up().await;
        server.user(owner.org, "edith", Role::Editor).await;
        server.user(owner.org, "vera", Role::Viewer).await;
        let elsewhere = server.stranger().await;
        server.user(elsewhere.org, "otto", Role::Owner).await;
        let (owner, editor) = (server.cookie("ada").await, server.cookie("edith").await);
        let (viewer, stranger) = (server.cookie("vera").await, server.cookie("otto").await);
        Self { server, owner, editor, viewer, stranger }
    }

    async fn submit(&self, by: &str, what: &Value) -> Reply {
        self.server.post(SUBMISSIONS).cookie(by).json(what).send().await
    }

    async fn post(&self, by: &str, id: &str, act: &str, body: Value) -> Reply {
        self.server.post(&format!("{SUBMISSIONS}/{id}/{act}")).cookie(by).json(&body).send().await
    }

    async fn get(&self, by: &str, path: &str) -> Reply {
        self.server.get(path).cookie(by).send().await
    }
}

fn id(answer: &Reply) -> String {
    answer.json()["id"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned()
}
