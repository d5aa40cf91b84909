//! Who is asking, and what they may do. The one permission check that every surface calls.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, OrgId, SessionId, TokenId, UserId};
use crate::names::{DatabaseName, Name};

/// What a user is in an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees what groups share with them, and nothing else.
    Guest,
    /// Reads.
    Viewer,
    /// Reads and writes data.
    Editor,
    /// Also manages databases, users and all tokens.
    Administrator,
    /// Also manages the organisation itself.
    Owner,
}

/// Who a principal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A person in a browser, or with a name and password.
    User(UserId, Option<SessionId>),
    /// A program with an API token.
    Token(TokenId),
    /// Sensorium itself, or the person who started it, on the same machine.
    System,
    /// Nobody in particular, where the configuration lets anyone write readings.
    Anonymous,
}

/// The databases that a token is good for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DatabaseScope {
    /// Every database of the organisation.
    All,
    /// Only this one.
    One(DatabaseName),
}

/// Something that a principal wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action<'a> {
    /// Query or watch a database.
    Read(&'a DatabaseName),
    /// Write readings to a database.
    Write(&'a DatabaseName),
    /// Write readings to a database for the device that each of them names.
    WriteForDevices(&'a DatabaseName),
    /// Create a database.
    CreateDatabase(&'a DatabaseName),
    /// Set for how long a database keeps readings, and delete some.
    ManageDatabase(&'a DatabaseName),
    /// Create, list and revoke one's own API tokens.
    ManageOwnTokens,
    /// List and revoke everyone's API tokens.
    ManageTokens,
    /// See the people of the organisation, and add, change and remove those of up to this role.
    ManagePeople(Role),
    /// See, make, change and use the organisation's Wi-Fi networks, whose passwords no program gets back.
    ManageNetworks,
    /// Learn what there is without reading any of it: names of databases, templates of code, types that come with Sensorium.
    LookAround,
    /// See and manage groups, which share devices and places with guests.
    ManageGroups,
    /// See the devices and places that the caller's groups share; whoever may [`Action::ReadDevices`] sees all instead.
    SeeShared,
    /// See the devices of the organisation and their types.
    ReadDevices,
    /// Add, change and remove devices and their types.
    ManageDevices,
    /// Speak as the device that the caller is: take what it is to be and to do, and tell what it is and did.
    ActAsDevice,
    /// Make, see and revoke the API tokens of devices.
    ManageDeviceTokens,
    /// See the clients of the message broker and what is retained, and watch the messages that pass.
    ReadMessages,
    /// Publish messages other than as a client, end connections and sessions, and remove what is retained.
    ManageMessages,
    /// See the templates of code and types of devices that people submitted for review, submit some and comment on them.
    SubmitForReview,
    /// Accept and return what was submitted for review, and take accepted templates away.
    ReviewSubmissions,
    /// Read the record of changes.
    ReadAudit,
    /// List and end the queries of everyone in the organisation.
    ManageQueries,
    /// Read metrics and other facts about the server itself.
    Operate,
}

/// A device of the registry that calls with an API token of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActingDevice {
    /// The device.
    pub id: DeviceId,
    /// Its name, which is the tag `device` of everything that it writes.
    pub name: Name,
}

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The organisation that everything the caller touches must belong to.
    pub org: OrgId,
    /// Who it is.
    pub subject: Subject,
    /// What it is in the organisation.
    pub role: Role,
    /// Whether it may read data.
    pub can_read: bool,
    /// Whether it may write data.
    pub can_write: bool,
    /// The databases that it may touch.
    pub databases: DatabaseScope,
    /// The device that the caller is. It may write readings of its own and speak as itself, and nothing else.
    pub device: Option<Arc<ActingDevice>>,
    /// Of an API token: the person who made it; of a device: the person who added it.
    pub made_by: Option<UserId>,
    /// Whether the caller writes for devices that its readings name, known ones and new ones, and does nothing else.
    pub for_devices: bool,
}

impl Principal {
    /// Sensorium itself, acting for an organisation.
    pub fn system(org: OrgId) -> Self {
        Self {
            org,
            subject: Subject::System,
            role: Role::Owner,
            can_read: true,
            can_write: true,
            databases: DatabaseScope::All,
            device: None,
            made_by: None,
            for_devices: false,
        }
    }

    /// Someone without a credential who may write readings to existing databases, and nothing else.
    pub fn anonymous_writer(org: OrgId) -> Self {
        Self {
            org,
            subject: Subject::Anonymous,
            role: Role::Guest,
            can_read: false,
            can_write: true,
            databases: DatabaseScope::All,
            device: None,
            made_by: None,
            for_devices: false,
        }
    }

    /// A user with the rights of a role.
    pub fn user(org: OrgId, user: UserId, session: Option<SessionId>, role: Role) -> Self {
        Self {
            org,
            subject: Subject::User(user, session),
            role,
            can_read: role >= Role::Viewer,
            can_write: role >= Role::Editor,
            databases: DatabaseScope::All,
            device: None,
            made_by: None,
            for_devices: false,
        }
    }

    /// The person who calls; none for programs, devices and whoever runs the server.
    pub fn person(&self) -> Option<UserId> {
        match self.subject {
            Subject::User(id, _) => Some(id),
            Subject::Token(_) | Subject::System | Subject::Anonymous => None,
        }
    }

    /// Whose quotas bind the caller: the person who calls, or who made what calls.
    pub fn answerable(&self) -> Option<UserId> {
        self.person().or(self.made_by)
    }

    /// Whether the caller may do this.
    pub fn allows(&self, action: Action<'_>) -> bool {
        if self.device.is_some() && !matches!(action, Action::Write(_) | Action::ActAsDevice | Action::LookAround) {
            return false;
        }
        if self.for_devices && !matches!(action, Action::WriteForDevices(_) | Action::LookAround) {
            return false;
        }
        match action {
            Action::Read(database) => self.can_read && self.reaches(database),
            Action::Write(database) => self.can_write && self.reaches(database),
            Action::WriteForDevices(database) => self.for_devices && self.can_write && self.reaches(database),
            Action::CreateDatabase(database) => self.can_write && self.role >= Role::Editor && self.reaches(database),
            Action::ManageDatabase(database) => {
                self.can_write && self.role >= Role::Administrator && self.reaches(database)
            }
            Action::ManageOwnTokens | Action::ManageNetworks | Action::SubmitForReview => {
                !matches!(self.subject, Subject::Token(_)) && self.role >= Role::Editor
            }
            Action::ReviewSubmissions | Action::ManageGroups => {
                !matches!(self.subject, Subject::Token(_)) && self.role >= Role::Administrator
            }
            Action::ManageTokens => self.role >= Role::Administrator,
            Action::ManagePeople(theirs) => {
                !matches!(self.subject, Subject::Token(_)) && self.role >= Role::Administrator && theirs <= self.role
            }
            Action::LookAround => self.role > Role::Guest,
            Action::SeeShared => matches!(self.subject, Subject::User(..)) && self.role == Role::Guest,
            Action::ReadDevices | Action::ReadMessages => self.can_read && self.databases == DatabaseScope::All,
            Action::ManageDevices | Action::ManageMessages => {
                self.can_write && self.role >= Role::Editor && self.databases == DatabaseScope::All
            }
            Action::ActAsDevice => self.can_write && self.device.is_some(),
            // An API token makes no API tokens, unless it may manage everyone's.
            Action::ManageDeviceTokens => {
                self.allows(Action::ManageDevices)
                    && (self.allows(Action::ManageOwnTokens) || self.allows(Action::ManageTokens))
            }
            Action::ReadAudit => self.role >= Role::Administrator && self.databases == DatabaseScope::All,
            Action::ManageQueries => self.role >= Role::Administrator && self.databases == DatabaseScope::All,
            Action::Operate => self.can_read && self.databases == DatabaseScope::All,
        }
    }

    fn reaches(&self, database: &DatabaseName) -> bool {
        match &self.databases {
            DatabaseScope::All => true,
            DatabaseScope::One(only) => only == database,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_scoped_token_reaches_one_database_and_no_tokens() {
        let main = DatabaseName::new("main").unwrap();
        let other = DatabaseName::new("other").unwrap();
        let token = Principal {
            org: OrgId::from_uuid(Uuid::nil()),
            subject: Subject::Token(TokenId::from_uuid(Uuid::nil())),
            role: Role::Editor,
            can_read: false,
            can_write: true,
            databases: DatabaseScope::One(main.clone()),
            device: None,
            made_by: None,
            for_devices: false,
        };
        assert!(token.allows(Action::Write(&main)));
        assert!(!token.allows(Action::Write(&other)));
        assert!(!token.allows(Action::Read(&main)));
        assert!(!token.allows(Action::ManageDatabase(&main)));
        assert!(!token.allows(Action::ManageOwnTokens));
        assert!(!token.allows(Action::ManageNetworks));
        assert!(!token.allows(Action::ManageTokens));
        assert!(!token.allows(Action::ManageQueries));
        assert!(!token.allows(Action::ManagePeople(Role::Viewer)));
        assert!(!token.allows(Action::ReadAudit));
        assert!(!token.allows(Action::Operate));
    }

    #[test]
    fn an_anonymous_writer_only_writes() {
        let main = DatabaseName::new("main").unwrap();
        let anonymous = Principal::anonymous_writer(OrgId::from_uuid(Uuid::nil()));
        assert!(anonymous.allows(Action::Write(&main)));
        for action in [
            Action::Read(&main),
            Action::ActAsDevice,
            Action::CreateDatabase(&main),
            Action::ManageDatabase(&main),
            Action::ManageOwnTokens,
            Action::ManageNetworks,
            Action::ManageTokens,
            Action::ManageQueries,
            Action::ManagePeople(Role::Viewer),
            Action::ReadAudit,
            Action::Operate,
        ] {
            assert!(!anonymous.allows(action), "{action:?} is allowed");
        }
    }

    #[test]
    fn a_device_only_writes_whatever_else_its_principal_says() {
        let main = DatabaseName::new("main").unwrap();
        let id = Uuid::nil();
        let device = Some(Arc::new(ActingDevice { id: DeviceId::from_uuid(id), name: "attic".into() }));
        let device = Principal { device, ..Principal::system(OrgId::from_uuid(id)) };
        assert!(device.allows(Action::Write(&main)) && device.allows(Action::ActAsDevice));
        for action in [
            Action::Read(&main),
            Action::CreateDatabase(&main),
            Action::ManageDatabase(&main),
            Action::ManageOwnTokens,
            Action::ManageTokens,
            Action::ManagePeople(Role::Viewer),
            Action::ReadDevices,
            Action::ManageDevices,
            Action::ManageDeviceTokens,
            Action::ReadMessages,
            Action::ManageMessages,
            Action::ReadAudit,
            Action::ManageQueries,
            Action::Operate,
        ] {
            assert!(!device.allows(action), "{action:?} is allowed");
        }
    }

    #[test]
    fn a_key_for_devices_only_writes_for_them_whatever_else_its_principal_says() {
        let main = DatabaseName::new("main").unwrap();
        let other = DatabaseName::new("other").unwrap();
        let all = Principal::system(OrgId::from_uuid(Uuid::nil()));
        assert!(!all.allows(Action::WriteForDevices(&main)), "others write for themselves");
        let key = Principal { for_devices: true, databases: DatabaseScope::One(main.clone()), ..all };
        assert!(key.allows(Action::WriteForDevices(&main)) && !key.allows(Action::WriteForDevices(&other)));
        assert!(!Principal { can_write: false, ..key.clone() }.allows(Action::WriteForDevices(&main)));
        for action in [
            Action::Read(&main),
            Action::Write(&main),
            Action::ActAsDevice,
            Action::CreateDatabase(&main),
            Action::ManageDatabase(&main),
            Action::ManageOwnTokens,
            Action::ManageTokens,
            Action::ManagePeople(Role::Viewer),
            Action::ReadDevices,
            Action::ManageDevices,
            Action::ManageDeviceTokens,
            Action::ReadMessages,
            Action::ManageMessages,
            Action::ReadAudit,
            Action::ManageQueries,
            Action::Operate,
        ] {
            assert!(!key.allows(action), "{action:?} is allowed");
        }
    }

    #[test]
    fn editors_manage_devices_and_tokens_make_no_tokens_for_them() {
        let id = Uuid::nil();
        let user = |role| Principal::user(OrgId::from_uuid(id), UserId::from_uuid(id), None, role);
        assert!(user(Role::Viewer).allows(Action::ReadDevices) && !user(Role::Viewer).allows(Action::ManageDevices));
        assert!(
            user(Role::Editor).allows(Action::ManageDevices) && user(Role::Editor).allows(Action::ManageDeviceTokens)
        );
        let token = Principal { subject: Subject::Token(TokenId::from_uuid(id)), ..user(Role::Editor) };
        assert!(token.allows(Action::ManageDevices) && !token.allows(Action::ManageDeviceTokens));
        let main = DatabaseScope::One(DatabaseName::new("main").unwrap());
        let scoped = Principal { databases: main, ..user(Role::Editor) };
        assert!(!scoped.allows(Action::ReadDevices) && !scoped.allows(Action::ManageDevices));
    }

    #[test]
    fn a_viewer_reads_only() {
        let main = DatabaseName::new("main").unwrap();
        let id = Uuid::nil();
        let viewer = Principal::user(OrgId::from_uuid(id), UserId::from_uuid(id), None, Role::Viewer);
        assert!(viewer.allows(Action::Read(&main)) && viewer.allows(Action::ReadMessages));
        assert!(!viewer.allows(Action::Write(&main)) && !viewer.allows(Action::ManageMessages));
        assert!(!viewer.allows(Action::CreateDatabase(&main)));
        assert!(!viewer.allows(Action::ManageDatabase(&main)));
        let editor = Principal::user(OrgId::from_uuid(id), UserId::from_uuid(id), None, Role::Editor);
        assert!(editor.allows(Action::ManageMessages));
        assert!(editor.allows(Action::CreateDatabase(&main)) && !editor.allows(Action::ManageDatabase(&main)));
        assert!(!viewer.allows(Action::ManageOwnTokens));
        assert!(editor.allows(Action::ManageNetworks) && !viewer.allows(Action::ManageNetworks));
        assert!(!viewer.allows(Action::ManageQueries));
        assert!(editor.allows(Action::SubmitForReview) && !viewer.allows(Action::SubmitForReview));
        assert!(!editor.allows(Action::ReviewSubmissions));
        let administrator = Principal::user(OrgId::from_uuid(id), UserId::from_uuid(id), None, Role::Administrator);
        assert!(administrator.allows(Action::ManageQueries) && administrator.allows(Action::ReviewSubmissions));
        let token = Principal { subject: Subject::Token(TokenId::from_uuid(id)), ..administrator };
        assert!(!token.allows(Action::ReviewSubmissions) && !token.allows(Action::SubmitForReview));
    }

    #[test]
    fn a_guest_sees_what_is_shared_and_may_do_nothing_else() {
        let main = DatabaseName::new("main").unwrap();
        let id = Uuid::nil();
        let user = |role| Principal::user(OrgId::from_uuid(id), UserId::from_uuid(id), None, role);
        let guest = user(Role::Guest);
        assert!(guest.allows(Action::SeeShared));
        for action in [
            Action::Read(&main),
            Action::Write(&main),
            Action::WriteForDevices(&main),
            Action::CreateDatabase(&main),
            Action::ManageDatabase(&main),
            Action::ManageOwnTokens,
            Action::ManageTokens,
            Action::ManagePeople(Role::Guest),
            Action::ManageNetworks,
            Action::LookAround,
            Action::ManageGroups,
            Action::ReadDevices,
            Action::ManageDevices,
            Action::ActAsDevice,
            Action::ManageDeviceTokens,
            Action::ReadMessages,
            Action::ManageMessages,
            Action::SubmitForReview,
            Action::ReviewSubmissions,
            Action::ReadAudit,
            Action::ManageQueries,
            Action::Operate,
        ] {
            assert!(!guest.allows(action), "{action:?} is allowed");
        }
        let anonymous = Principal::anonymous_writer(OrgId::from_uuid(id));
        assert!(!anonymous.allows(Action::SeeShared) && !anonymous.allows(Action::LookAround));
        assert!(!user(Role::Viewer).allows(Action::SeeShared) && user(Role::Viewer).allows(Action::LookAround));
        assert!(!user(Role::Editor).allows(Action::ManageGroups));
        let administrator = user(Role::Administrator);
        assert!(administrator.allows(Action::ManageGroups) && administrator.allows(Action::ManagePeople(Role::Guest)));
        let token = Principal { subject: Subject::Token(TokenId::from_uuid(id)), ..administrator };
        assert!(!token.allows(Action::ManageGroups), "a leaked token must not share what it sees");
        assert!(Principal::system(OrgId::from_uuid(id)).allows(Action::ManageGroups));
    }

    #[test]
    fn nobody_manages_people_above_themselves() {
        let id = Uuid::nil();
        let user = |role| Principal::user(OrgId::from_uuid(id), UserId::from_uuid(id), None, role);
        for theirs in [Role::Guest, Role::Viewer, Role::Editor, Role::Administrator, Role::Owner] {
            assert!(!user(Role::Editor).allows(Action::ManagePeople(theirs)), "{theirs:?}");
            let administrator = user(Role::Administrator).allows(Action::ManagePeople(theirs));
            assert_eq!(administrator, theirs != Role::Owner, "{theirs:?}");
            assert!(user(Role::Owner).allows(Action::ManagePeople(theirs)), "{theirs:?}");
        }
        let token = Principal { subject: Subject::Token(TokenId::from_uuid(id)), ..user(Role::Administrator) };
        assert!(!token.allows(Action::ManagePeople(Role::Viewer)), "a leaked token must not make itself a person");
        assert!(token.allows(Action::ReadAudit) && !user(Role::Editor).allows(Action::ReadAudit));
    }
}
