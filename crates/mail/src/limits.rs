//! How many messages go out in an hour, in total and to one address.

use std::collections::VecDeque;
use std::time::Duration;

use sensorium_model::EmailAddress;
use tokio::time::Instant;

use crate::error::MailError;

const HOUR: Duration = Duration::from_secs(3_600);

/// The messages of the last hour; never more than may be sent in one.
pub(crate) struct Limits {
    per_hour: usize,
    per_hour_to_one: usize,
    sent: VecDeque<(Instant, EmailAddress)>,
}

impl Limits {
    pub(crate) fn new(per_hour: usize, per_hour_to_one: usize) -> Self {
        Self { per_hour, per_hour_to_one, sent: VecDeque::new() }
    }

    /// Counts a message, or says which limit is reached.
    pub(crate) fn count(&mut self, to: &EmailAddress, now: Instant) -> Result<(), MailError> {
        while self.sent.front().is_some_and(|(at, _)| now.duration_since(*at) >= HOUR) {
            self.sent.pop_front();
        }
        if self.sent.len() >= self.per_hour {
            return Err(MailError::TooMany(self.per_hour));
        }
        if self.sent.iter().filter(|(_, address)| address == to).count() >= self.per_hour_to_one {
            return Err(MailError::TooManyToOne(self.per_hour_to_one));
        }
        self.sent.push_back((now, to.clone()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_holds_so_many_and_then_there_is_room_again() {
        let address = |name: &str| format!("{name}@example.org").parse::<EmailAddress>().unwrap();
        let mut limits = Limits::new(3, 2);
        let start = Instant::now();
        limits.count(&address("ada"), start).unwrap();
        limits.count(&address("ada"), start + Duration::from_secs(60)).unwrap();
        let again = limits.count(&address("ada"), start + Duration::from_secs(61));
        assert!(matches!(again, Err(MailError::TooManyToOne(2))), "{again:?}");
        limits.count(&address("eve"), start + Duration::from_secs(62)).unwrap();
        let full = limits.count(&address("bob"), start + Duration::from_secs(63));
        assert!(matches!(full, Err(MailError::TooMany(3))), "{full:?}");
        limits.count(&address("ada"), start + HOUR).unwrap();
        assert!(limits.count(&address("bob"), start + HOUR).is_err());
        assert_eq!(limits.sent.len(), 3);
    }
}
