//! Who may do what: one rule per operation.

use sensorium_model::Role;
use sensorium_model::Role::{Administrator, Editor, Guest, Owner, Viewer};

/// The rule of an operation.
pub(crate) struct Rule {
    /// `METHOD /path`, as in the OpenAPI document.
    pub(crate) operation: &'static str,
    pub(crate) who: Who,
    pub(crate) elsewhere: Elsewhere,
}

/// Who may.
#[derive(Clone, Copy)]
pub(crate) enum Who {
    /// Everyone, also without a credential; the walk's request is answered with this status.
    Anyone(u16),
    /// The members of the organisation from this role on; others are refused.
    AtLeast(Role),
    /// Devices with tokens of their own; every person is refused.
    Devices,
}

/// What a request for something of the first organisation is for the owner of another one.
#[derive(Clone, Copy)]
pub(crate) enum Elsewhere {
    /// It names nothing, and shows and changes what the caller's own organisation has.
    Own,
    /// It names something that does not exist there: 404, or 403.
    Nothing,
}

use Elsewhere::{Nothing, Own};

const fn anyone(operation: &'static str, status: u16) -> Rule {
    Rule { operation, who: Who::Anyone(status), elsewhere: Own }
}

const fn from(least: Role, operation: &'static str, elsewhere: Elsewhere) -> Rule {
    Rule { operation, who: Who::AtLeast(least), elsewhere }
}

const fn devices(operation: &'static str) -> Rule {
    Rule { operation, who: Who::Devices, elsewhere: Nothing }
}

/// All rules.
pub(crate) const RULES: &[Rule] = &[
    // Probes.
    anyone("GET /health", 200),
    anyone("GET /ping", 204),
    anyone("GET /ready", 200),
    from(Viewer, "GET /metrics", Own),
    // Signing in; the walk knows no code and no password.
    anyone("GET /api/v1/setup", 200),
    anyone("POST /api/v1/setup", 409),
    anyone("POST /api/v1/session", 401),
    from(Guest, "GET /api/v1/session", Own),
    from(Guest, "DELETE /api/v1/session", Own),
    anyone("POST /api/v1/invitations/accept", 401),
    // Whoever asks is answered the same, whoever they name.
    anyone("GET /api/v1/password-reset", 200),
    anyone("POST /api/v1/password-reset/request", 202),
    // A provider to sign in with, which nobody set here.
    anyone("GET /api/v1/session/oidc", 404),
    anyone("POST /api/v1/session/oidc", 404),
    anyone("GET /api/v1/session/oidc/callback", 404),
    from(Guest, "GET /api/v1/account/identity", Own),
    anyone("POST /api/v1/account/identity", 401),
    anyone("POST /api/v1/account/identity/remove", 401),
    // Asking to join, which nobody set here.
    anyone("GET /api/v1/registration", 200),
    anyone("POST /api/v1/registration", 403),
    // One's own account; the walk names a session of the owner, which is nobody else's.
    from(Guest, "PUT /api/v1/account/password", Own),
    from(Guest, "GET /api/v1/account/sessions", Own),
    from(Guest, "DELETE /api/v1/account/sessions", Own),
    from(Owner, "DELETE /api/v1/account/sessions/{id}", Nothing),
    from(Guest, "GET /api/v1/account/quotas", Own),
    from(Guest, "GET /api/v1/account/email", Own),
    from(Guest, "PUT /api/v1/account/email", Own),
    anyone("POST /api/v1/account/email/confirm", 401),
    // The walk has no app that makes codes, and what it begins never counts.
    from(Guest, "GET /api/v1/account/second-factor", Own),
    from(Guest, "POST /api/v1/account/second-factor", Own),
    anyone("POST /api/v1/account/second-factor/confirm", 401),
    anyone("POST /api/v1/account/second-factor/remove", 401),
    // People; the walk names people of the lowest role, and cannot make owners.
    from(Administrator, "GET /api/v1/users", Own),
    from(Administrator, "POST /api/v1/users", Own),
    from(Administrator, "GET /api/v1/users/{id}", Nothing),
    from(Administrator, "PATCH /api/v1/users/{id}", Nothing),
    from(Administrator, "DELETE /api/v1/users/{id}", Nothing),
    from(Administrator, "POST /api/v1/users/{id}/invitation", Nothing),
    from(Administrator, "DELETE /api/v1/users/{id}/invitation", Nothing),
    from(Administrator, "POST /api/v1/users/{id}/password-reset", Nothing),
    from(Administrator, "DELETE /api/v1/users/{id}/password-reset", Nothing),
    from(Administrator, "DELETE /api/v1/users/{id}/second-factor", Nothing),
    // Classes of people.
    from(Administrator, "GET /api/v1/classes", Own),
    from(Administrator, "POST /api/v1/classes", Own),
    from(Administrator, "GET /api/v1/classes/{id}", Nothing),
    from(Administrator, "PATCH /api/v1/classes/{id}", Nothing),
    from(Administrator, "DELETE /api/v1/classes/{id}", Nothing),
    // Groups.
    from(Administrator, "GET /api/v1/groups", Own),
    from(Administrator, "POST /api/v1/groups", Own),
    from(Administrator, "GET /api/v1/groups/{id}", Nothing),
    from(Administrator, "PATCH /api/v1/groups/{id}", Nothing),
    from(Administrator, "DELETE /api/v1/groups/{id}", Nothing),
    // A test message, which belongs to nobody.
    from(Administrator, "POST /api/v1/mail/test", Own),
    // The record of changes.
    from(Administrator, "GET /api/v1/audit", Own),
    // API tokens; editors see and revoke their own only.
    from(Editor, "GET /api/v1/tokens", Own),
    from(Editor, "POST /api/v1/tokens", Own),
    from(Administrator, "DELETE /api/v1/tokens/{id}", Nothing),
    // Databases.
    from(Viewer, "GET /api/v1/databases", Own),
    from(Editor, "POST /api/v1/databases", Own),
    from(Viewer, "GET /api/v1/databases/{database}/tables", Nothing),
    from(Viewer, "GET /api/v1/databases/{database}/last", Nothing),
    from(Viewer, "GET /api/v1/databases/{database}/retention", Nothing),
    from(Administrator, "PUT /api/v1/databases/{database}/retention", Nothing),
    from(Administrator, "PUT /api/v1/databases/{database}/tables/{table}/retention", Nothing),
    from(Administrator, "POST /api/v1/databases/{database}/tables/{table}/delete", Nothing),
    from(Viewer, "GET /api/v1/databases/{database}/rollups", Nothing),
    from(Administrator, "POST /api/v1/databases/{database}/rollups", Nothing),
    from(Administrator, "DELETE /api/v1/databases/{database}/rollups/{rollup}", Nothing),
    // Sending.
    from(Editor, "POST /write", Nothing),
    from(Editor, "POST /api/v2/write", Nothing),
    from(Editor, "POST /api/v3/write_lp", Nothing),
    from(Editor, "POST /api/v1/readings", Nothing),
    from(Editor, "POST /api/v1/detections", Nothing),
    from(Viewer, "GET /api/v1/rejections", Own),
    // Asking and watching.
    from(Viewer, "GET /api/v1/sql", Nothing),
    from(Viewer, "POST /api/v1/sql", Nothing),
    // As InfluxDB is asked; the walk asks for databases, other statements have tests of their own.
    from(Viewer, "GET /query", Own),
    from(Viewer, "POST /query", Own),
    from(Viewer, "GET /api/v2/buckets", Own),
    from(Editor, "POST /api/v2/buckets", Own),
    from(Viewer, "GET /api/v2/orgs", Own),
    anyone("GET /api/v2/setup", 200),
    anyone("POST /api/v2/setup", 422),
    anyone("GET /api/v2/ready", 200),
    anyone("POST /api/v2/query", 400),
    from(Viewer, "GET /api/v3/query_sql", Nothing),
    from(Viewer, "POST /api/v3/query_sql", Nothing),
    from(Viewer, "GET /api/v3/query_influxql", Nothing),
    from(Viewer, "POST /api/v3/query_influxql", Nothing),
    from(Administrator, "GET /api/v1/queries", Own),
    from(Administrator, "DELETE /api/v1/queries/{id}", Nothing),
    from(Viewer, "GET /api/v1/live", Nothing),
    from(Viewer, "GET /ws/live", Own),
    // Devices and their types; what the walk names is shared with the guest. What comes with Sensorium is the same for all organisations.
    from(Viewer, "GET /api/v1/device-types", Own),
    from(Viewer, "GET /api/v1/device-types/shipped", Own),
    from(Editor, "POST /api/v1/device-types", Own),
    from(Viewer, "GET /api/v1/device-types/{id}", Nothing),
    from(Editor, "PATCH /api/v1/device-types/{id}", Nothing),
    from(Editor, "DELETE /api/v1/device-types/{id}", Nothing),
    from(Guest, "GET /api/v1/devices", Own),
    from(Editor, "POST /api/v1/devices", Own),
    from(Editor, "POST /api/v1/devices/import", Own),
    from(Guest, "GET /api/v1/devices/{id}", Nothing),
    from(Editor, "PATCH /api/v1/devices/{id}", Nothing),
    from(Editor, "DELETE /api/v1/devices/{id}", Nothing),
    from(Editor, "GET /api/v1/devices/{id}/tokens", Nothing),
    from(Editor, "POST /api/v1/devices/{id}/tokens", Nothing),
    from(Editor, "DELETE /api/v1/devices/{id}/tokens/{token}", Nothing),
    from(Editor, "GET /api/v1/devices/{id}/credentials", Nothing),
    from(Editor, "POST /api/v1/devices/{id}/credentials", Nothing),
    from(Editor, "DELETE /api/v1/devices/{id}/credentials/{credential}", Nothing),
    from(Editor, "GET /api/v1/devices/{id}/claim", Nothing),
    from(Editor, "POST /api/v1/devices/{id}/claim", Nothing),
    from(Editor, "DELETE /api/v1/devices/{id}/claim", Nothing),
    // The walk knows no claim link.
    anyone("POST /api/v1/claims", 401),
    from(Guest, "GET /api/v1/devices/{id}/state", Nothing),
    from(Editor, "PUT /api/v1/devices/{id}/state/desired", Nothing),
    from(Viewer, "GET /api/v1/devices/{id}/commands", Nothing),
    from(Editor, "POST /api/v1/devices/{id}/commands", Nothing),
    from(Viewer, "GET /api/v1/devices/{id}/commands/{command}", Nothing),
    // What devices do themselves; the walk's device has a state that it is to have, and a command that it took.
    devices("GET /api/v1/device/state"),
    devices("PUT /api/v1/device/state/reported"),
    devices("GET /api/v1/device/commands"),
    devices("POST /api/v1/device/commands/{id}/answer"),
    // Devices that write with a key for devices and are not known.
    from(Viewer, "GET /api/v1/inbox", Own),
    from(Viewer, "GET /api/v1/inbox/{id}", Nothing),
    from(Editor, "PATCH /api/v1/inbox/{id}", Nothing),
    from(Editor, "DELETE /api/v1/inbox/{id}", Nothing),
    from(Editor, "POST /api/v1/inbox/{id}/adopt", Nothing),
    // The MQTT broker, with topics and clients of each organisation's own.
    from(Viewer, "GET /api/v1/mqtt", Own),
    from(Viewer, "GET /api/v1/mqtt/clients", Own),
    from(Viewer, "GET /api/v1/mqtt/clients/{key}", Nothing),
    from(Editor, "DELETE /api/v1/mqtt/clients/{key}", Nothing),
    from(Viewer, "GET /api/v1/mqtt/retained", Own),
    from(Editor, "DELETE /api/v1/mqtt/retained", Nothing),
    from(Editor, "POST /api/v1/mqtt/publish", Own),
    from(Viewer, "GET /api/v1/mqtt/messages", Own),
    from(Viewer, "GET /api/v1/mqtt/traces", Own),
    from(Editor, "POST /api/v1/mqtt/traces", Own),
    from(Viewer, "GET /api/v1/mqtt/traces/{id}", Nothing),
    from(Editor, "DELETE /api/v1/mqtt/traces/{id}", Nothing),
    // Sites, buildings and floors.
    from(Guest, "GET /api/v1/places", Own),
    from(Editor, "POST /api/v1/places", Own),
    from(Guest, "GET /api/v1/places/{id}", Nothing),
    from(Editor, "PATCH /api/v1/places/{id}", Nothing),
    from(Editor, "DELETE /api/v1/places/{id}", Nothing),
    from(Guest, "GET /api/v1/places/{id}/devices", Nothing),
    from(Guest, "GET /api/v1/places/{id}/plan", Nothing),
    from(Editor, "PUT /api/v1/places/{id}/plan", Nothing),
    from(Editor, "DELETE /api/v1/places/{id}/plan", Nothing),
    // Code for devices; the walk asks for a template that is the same for all organisations.
    from(Viewer, "GET /api/v1/templates", Own),
    from(Viewer, "GET /api/v1/templates/{id}", Own),
    from(Viewer, "POST /api/v1/templates/{id}/render", Own),
    // What people submit for review; administrators decide about it, and the walk withdraws a template of the owner.
    from(Editor, "GET /api/v1/submissions", Own),
    from(Editor, "POST /api/v1/submissions", Own),
    from(Editor, "GET /api/v1/submissions/{id}", Nothing),
    from(Administrator, "DELETE /api/v1/submissions/{id}", Nothing),
    from(Editor, "POST /api/v1/submissions/{id}/render", Nothing),
    from(Administrator, "POST /api/v1/submissions/{id}/review", Nothing),
    from(Editor, "POST /api/v1/submissions/{id}/comments", Nothing),
    // Wi-Fi networks.
    from(Editor, "GET /api/v1/networks", Own),
    from(Editor, "POST /api/v1/networks", Own),
    from(Editor, "GET /api/v1/networks/{id}", Nothing),
    from(Editor, "PATCH /api/v1/networks/{id}", Nothing),
    from(Editor, "DELETE /api/v1/networks/{id}", Nothing),
];
