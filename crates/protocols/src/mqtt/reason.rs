//! Reason codes (MQTT 5.0, section 2.4), and what is left of them in 3.1.1.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// Why something was done or refused; a code of 128 and more is a failure.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum ReasonCode {
            $($(#[$doc])* $name = $code,)*
        }

        impl ReasonCode {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The standard's name of the reason.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// The reason of a code on the wire.
            pub fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

codes! {
    /// Also: normal disconnection, granted QoS 0.
    Success = 0x00, "success";
    /// In SUBACK.
    GrantedQos1 = 0x01, "granted QoS 1";
    /// In SUBACK.
    GrantedQos2 = 0x02, "granted QoS 2";
    /// In DISCONNECT of a client: its will is to be published.
    DisconnectWithWill = 0x04, "disconnect with will message";
    /// The message was taken; nobody subscribes to its topic.
    NoMatchingSubscribers = 0x10, "no matching subscribers";
    /// In UNSUBACK.
    NoSubscriptionExisted = 0x11, "no subscription existed";
    /// In AUTH.
    ContinueAuthentication = 0x18, "continue authentication";
    /// In AUTH of a client.
    ReAuthenticate = 0x19, "re-authenticate";
    /// A reason that nobody wants to tell, or that has no code.
    Unspecified = 0x80, "unspecified error";
    /// The packet cannot be read.
    MalformedPacket = 0x81, "malformed packet";
    /// The packet can be read and must not come like that.
    ProtocolError = 0x82, "protocol error";
    /// The packet is right and the server does not take it.
    ImplementationSpecific = 0x83, "implementation specific error";
    /// In CONNACK.
    UnsupportedProtocolVersion = 0x84, "unsupported protocol version";
    /// In CONNACK.
    ClientIdentifierNotValid = 0x85, "client identifier not valid";
    /// In CONNACK.
    BadUserNameOrPassword = 0x86, "bad user name or password";
    /// The client may not do this.
    NotAuthorized = 0x87, "not authorized";
    /// In CONNACK.
    ServerUnavailable = 0x88, "server unavailable";
    /// The server has no room for this now.
    ServerBusy = 0x89, "server busy";
    /// The client is locked out.
    Banned = 0x8a, "banned";
    /// The server stops.
    ServerShuttingDown = 0x8b, "server shutting down";
    /// The method is unknown, or another than in CONNECT.
    BadAuthenticationMethod = 0x8c, "bad authentication method";
    /// Nothing was heard for one and a half times the keep-alive.
    KeepAliveTimeout = 0x8d, "keep alive timeout";
    /// Another connection has the client identifier now.
    SessionTakenOver = 0x8e, "session taken over";
    /// The filter is right and the server does not take it, or it is wrong.
    TopicFilterInvalid = 0x8f, "topic filter invalid";
    /// The name is right and the server does not take it, or it is wrong.
    TopicNameInvalid = 0x90, "topic name invalid";
    /// A message with this packet identifier is under way.
    PacketIdentifierInUse = 0x91, "packet identifier in use";
    /// No message with this packet identifier is under way.
    PacketIdentifierNotFound = 0x92, "packet identifier not found";
    /// More messages under way than were announced.
    ReceiveMaximumExceeded = 0x93, "receive maximum exceeded";
    /// 0, or more than were announced.
    TopicAliasInvalid = 0x94, "topic alias invalid";
    /// Longer than was announced.
    PacketTooLarge = 0x95, "packet too large";
    /// Too many messages in a time.
    MessageRateTooHigh = 0x96, "message rate too high";
    /// A limit was reached.
    QuotaExceeded = 0x97, "quota exceeded";
    /// Somebody decided so.
    AdministrativeAction = 0x98, "administrative action";
    /// The payload is not what its format indicator says.
    PayloadFormatInvalid = 0x99, "payload format invalid";
    /// Retained messages are not offered.
    RetainNotSupported = 0x9a, "retain not supported";
    /// The QoS is not offered.
    QosNotSupported = 0x9b, "QoS not supported";
    /// For now.
    UseAnotherServer = 0x9c, "use another server";
    /// For good.
    ServerMoved = 0x9d, "server moved";
    /// Shared subscriptions are not offered.
    SharedSubscriptionsNotSupported = 0x9e, "shared subscriptions not supported";
    /// Too many connections in a time.
    ConnectionRateExceeded = 0x9f, "connection rate exceeded";
    /// The time that the authorisation was for is over.
    MaximumConnectTime = 0xa0, "maximum connect time";
    /// Subscription identifiers are not offered.
    SubscriptionIdentifiersNotSupported = 0xa1, "subscription identifiers not supported";
    /// Wildcards are not offered.
    WildcardSubscriptionsNotSupported = 0xa2, "wildcard subscriptions not supported";
}

impl ReasonCode {
    /// The code on the wire.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Whether the reason tells of a failure.
    pub fn is_failure(self) -> bool {
        self.code() >= 0x80
    }

    /// The return code of CONNACK in 3.1.1 (3.1.1, table 3.1).
    pub fn v3_return_code(self) -> u8 {
        match self {
            code if !code.is_failure() => 0,
            Self::UnsupportedProtocolVersion => 1,
            Self::ClientIdentifierNotValid => 2,
            Self::BadUserNameOrPassword | Self::BadAuthenticationMethod => 4,
            Self::NotAuthorized | Self::Banned => 5,
            _ => 3,
        }
    }

    /// What a client of 3.1.1 is told by a return code of CONNACK; none for a code that the standard reserves.
    pub fn from_v3_return_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Success),
            1 => Some(Self::UnsupportedProtocolVersion),
            2 => Some(Self::ClientIdentifierNotValid),
            3 => Some(Self::ServerUnavailable),
            4 => Some(Self::BadUserNameOrPassword),
            5 => Some(Self::NotAuthorized),
            _ => None,
        }
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        for code in 0..=u8::MAX {
            let reason = ReasonCode::from_code(code);
            assert_eq!(reason.map(ReasonCode::code).unwrap_or(code), code);
            let known = matches!(code, 0..=2 | 4 | 0x10 | 0x11 | 0x18 | 0x19 | 0x80..=0xa2);
            assert_eq!(reason.is_some(), known, "{code:#x}");
            assert_eq!(reason.is_some_and(ReasonCode::is_failure), known && code >= 0x80);
        }
        assert_eq!(ReasonCode::ALL.len(), 43);
    }

    #[test]
    fn a_client_of_3_1_1_is_told_what_it_knows() {
        for code in 0..=5 {
            assert_eq!(ReasonCode::from_v3_return_code(code).unwrap().v3_return_code(), code);
        }
        assert_eq!(ReasonCode::from_v3_return_code(6), None);
        assert_eq!(ReasonCode::QuotaExceeded.v3_return_code(), 3);
    }
}
