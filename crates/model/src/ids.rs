//! Identities, unique without coordination (UUID version 7, RFC 9562 section 5.7).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps an existing UUID; the caller generates it, because this crate has no clock.
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// The UUID itself.
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

id! {
    /// A trace of clients of MQTT.
    TraceId
}
id! {
    /// An organisation: the owner of users, databases and everything else.
    OrgId
}
id! {
    /// A person who signs in.
    UserId
}
id! {
    /// A class of people.
    ClassId
}
id! {
    /// An API token; the secret itself is never an identity.
    TokenId
}
id! {
    /// A pre-shared key or a client certificate of a device.
    CredentialId
}
id! {
    /// A device of the registry.
    DeviceId
}
id! {
    /// A device that writes and is not in the registry.
    NewcomerId
}
id! {
    /// Something that a device was asked to do.
    CommandId
}
id! {
    /// A kind of devices.
    DeviceTypeId
}
id! {
    /// A signed-in browser.
    SessionId
}
id! {
    /// A Wi-Fi network that devices are made for.
    NetworkId
}
id! {
    /// A site, a building or a floor.
    PlaceId
}
id! {
    /// A group of people, with what it shares with them.
    GroupId
}
id! {
    /// A version of a template of code or a type of devices that somebody submitted.
    SubmissionId
}
