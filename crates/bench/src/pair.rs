//! Two servers that are compared, Sensorium and its peer, and one value of each.

/// Whose server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Peer,
    Sensorium,
}

impl Kind {
    /// The name that people know.
    pub(crate) fn name(self, peer: &'static str) -> &'static str {
        match self {
            Self::Peer => peer,
            Self::Sensorium => "Sensorium",
        }
    }
}

/// Something of each server.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pair<T> {
    pub(crate) peer: T,
    pub(crate) sensorium: T,
}

impl<T> Pair<T> {
    pub(crate) fn of(&self, kind: Kind) -> &T {
        match kind {
            Kind::Peer => &self.peer,
            Kind::Sensorium => &self.sensorium,
        }
    }

    pub(crate) fn of_mut(&mut self, kind: Kind) -> &mut T {
        match kind {
            Kind::Peer => &mut self.peer,
            Kind::Sensorium => &mut self.sensorium,
        }
    }

    /// Something else of each, in the same way.
    pub(crate) fn map<U>(&self, mut of: impl FnMut(&T) -> U) -> Pair<U> {
        Pair { peer: of(&self.peer), sensorium: of(&self.sensorium) }
    }

    /// As [`Pair::map`], for what can fail.
    pub(crate) fn try_map<U>(&self, mut of: impl FnMut(&T) -> anyhow::Result<U>) -> anyhow::Result<Pair<U>> {
        Ok(Pair { peer: of(&self.peer)?, sensorium: of(&self.sensorium)? })
    }
}

/// Who is asked first and who second: it changes with each round, so that neither always finds the warmer machine.
pub(crate) fn turns(round: u64) -> [Kind; 2] {
    if round.is_multiple_of(2) { [Kind::Peer, Kind::Sensorium] } else { [Kind::Sensorium, Kind::Peer] }
}
