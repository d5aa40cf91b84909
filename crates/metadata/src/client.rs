//! Where a sign-in comes from, as the person sees it in the list of their sessions.

use std::net::IpAddr;

/// The most characters of a user agent that are kept.
const MAX_USER_AGENT: usize = 200;

/// The address and the program that a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub(crate) address: IpAddr,
    pub(crate) user_agent: Option<String>,
}

impl Client {
    /// A program at an address; of what it calls itself the first 200 characters are kept.
    pub fn new(address: IpAddr, user_agent: Option<&str>) -> Self {
        let kept = |agent: &str| agent.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT).collect::<String>();
        Self { address, user_agent: user_agent.map(kept).filter(|agent| !agent.is_empty()) }
    }
}

impl From<IpAddr> for Client {
    fn from(address: IpAddr) -> Self {
        Self::new(address, None)
    }
}
