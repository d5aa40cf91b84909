//! The tables, a module each. Times are milliseconds since the epoch; ids are UUIDs (version 7).
#![expect(unreachable_pub, reason = "SeaORM's derive macros write public items")]

pub(crate) mod api_token;
pub(crate) mod audit;
pub(crate) mod database_creator;
pub(crate) mod device;
pub(crate) mod device_claim;
pub(crate) mod device_command;
pub(crate) mod device_credential;
pub(crate) mod device_state;
pub(crate) mod device_type;
pub(crate) mod external_identity;
pub(crate) mod group_device;
pub(crate) mod group_member;
pub(crate) mod group_place;
pub(crate) mod inbox_device;
pub(crate) mod inbox_message;
pub(crate) mod one_time_link;
pub(crate) mod organisation;
pub(crate) mod person_class;
pub(crate) mod place;
pub(crate) mod place_plan;
pub(crate) mod recovery_code;
pub(crate) mod schema_version;
pub(crate) mod second_factor;
pub(crate) mod session;
pub(crate) mod setup;
pub(crate) mod sharing_group;
pub(crate) mod submission;
pub(crate) mod submission_comment;
pub(crate) mod user;
pub(crate) mod wifi_network;
