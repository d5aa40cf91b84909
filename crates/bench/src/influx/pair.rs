//! The two servers, and one value of each.

/// Whose server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    InfluxDb,
    Sensorium,
}

impl Kind {
    /// The name that people know.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::InfluxDb => "InfluxDB",
            Self::Sensorium => "Sensorium",
        }
    }
}

/// Something of each server.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pair<T> {
    pub(crate) influxdb: T,
    pub(crate) sensorium: T,
}

impl<T> Pair<T> {
    pub(crate) fn of(&self, kind: Kind) -> &T {
        match kind {
            Kind::InfluxDb => &self.influxdb,
            Kind::Sensorium => &self.sensorium,
        }
    }

    pub(crate) fn of_mut(&mut self, kind: Kind) -> &mut T {
        match kind {
            Kind::InfluxDb => &mut self.influxdb,
            Kind::Sensorium => &mut self.sensorium,
        }
    }

    /// Something else of each, in the same way.
    pub(crate) fn map<U>(&self, mut of: impl FnMut(&T) -> U) -> Pair<U> {
        Pair { influxdb: of(&self.influxdb), sensorium: of(&self.sensorium) }
    }

    /// As [`Pair::map`], for what can fail.
    pub(crate) fn try_map<U>(&self, mut of: impl FnMut(&T) -> anyhow::Result<U>) -> anyhow::Result<Pair<U>> {
        Ok(Pair { influxdb: of(&self.influxdb)?, sensorium: of(&self.sensorium)? })
    }
}

/// Who is asked first and who second: it changes with each round, so that neither always finds the warmer machine.
pub(crate) fn turns(round: u64) -> [Kind; 2] {
    if round.is_multiple_of(2) { [Kind::InfluxDb, Kind::Sensorium] } else { [Kind::Sensorium, Kind::InfluxDb] }
}
