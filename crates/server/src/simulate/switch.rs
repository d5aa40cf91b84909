//! A Sonoff switch with Tasmota: listens to `cmnd/NAME/…`, answers with `stat/NAME/RESULT` and `stat/NAME/POWER`, and tells its state
//! with `tele/NAME/STATE` and whether it is there with `tele/NAME/LWT`.
//!
//! Of the commands, `POWER`, `POWER1` (with `ON`, `OFF`, `TOGGLE`, `1`, `0`, `2`, or nothing to ask) and `STATE` are understood; others are
//! answered as Tasmota answers what it does not know.

use chrono::{DateTime, Utc};

use super::device::{Device, Will};
use super::outbox::{Outbox, Outgoing};
use super::tally::Tally;

/// The table that its messages become rows of.
pub(super) const TABLE: &str = "tasmota";

/// A switch, which is off at first.
pub(super) struct Switch {
    name: String,
    is_on: bool,
    started: DateTime<Utc>,
    outbox: Outbox,
}

/// What a command asks for.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Turn(bool),
    Toggle,
    AskPower,
    AskState,
    Unknown,
}

/// The topic is `cmnd/NAME/…`, of which this is the rest; upper and lower case are the same.
fn understand(command: &str, payload: &str) -> Command {
    let payload = payload.trim().to_ascii_uppercase();
    match (command.to_ascii_uppercase().as_str(), payload.as_str()) {
        ("POWER" | "POWER1", "ON" | "1" | "TRUE") => Command::Turn(true),
        ("POWER" | "POWER1", "OFF" | "0" | "FALSE") => Command::Turn(false),
        ("POWER" | "POWER1", "TOGGLE" | "2") => Command::Toggle,
        ("POWER" | "POWER1", _) => Command::AskPower,
        ("STATE", _) => Command::AskState,
        _ => Command::Unknown,
    }
}

pub(super) fn name(number: u16) -> String {
    format!("sonoff-{}", u32::from(number) + 1)
}

impl Switch {
    pub(super) fn new(number: u16, now: DateTime<Utc>) -> Self {
        Self { name: name(number), is_on: false, started: now, outbox: Outbox::default() }
    }

    fn say(&mut self, prefix: &str, what: &str, payload: String, retain: bool) {
        self.outbox.push(Outgoing { topic: format!("{prefix}/{}/{what}", self.name), payload, retain });
    }

    fn power(&self) -> &'static str {
        if self.is_on { "ON" } else { "OFF" }
    }

    fn answer_power(&mut self) {
        let power = self.power();
        self.say("stat", "RESULT", format!(r#"{{"POWER":"{power}"}}"#), false);
        self.say("stat", "POWER", power.to_owned(), false);
    }

    fn state(&self, now: DateTime<Utc>) -> String {
        let (time, seconds, power) =
            (now.format("%Y-%m-%dT%H:%M:%S"), (now - self.started).num_seconds(), self.power());
        let (days, rest) = (seconds / 86_400, seconds % 86_400);
        let uptime = format!("{days}T{:02}:{:02}:{:02}", rest / 3_600, rest / 60 % 60, rest % 60);
        format!(
            r#"{{"Time":"{time}","Uptime":"{uptime}","UptimeSec":{seconds},"Heap":27,"POWER":"{power}","Wifi":{{"AP":1,"RSSI":72,"Signal":-64}}}}"#
        )
    }
}

impl Device for Switch {
    fn name(&self) -> &str {
        &self.name
    }

    fn will(&self) -> Option<Will> {
        Some(Will { topic: format!("tele/{}/LWT", self.name), payload: "Offline" })
    }

    fn subscription(&self) -> Option<String> {
        Some(format!("cmnd/{}/#", self.name))
    }

    fn connected(&mut self, now: DateTime<Utc>) {
        self.say("tele", "LWT", "Online".to_owned(), true);
        let state = self.state(now);
        self.say("tele", "STATE", state, false);
    }

    fn tick(&mut self, now: DateTime<Utc>, tally: &Tally) {
        let state = self.state(now);
        self.say("tele", "STATE", state, false);
        tally.forgotten(self.outbox.take_forgotten());
    }

    fn heard(&mut self, topic: &str, payload: &str, now: DateTime<Utc>, tally: &Tally) {
        let Some(command) = topic.strip_prefix("cmnd/").and_then(|rest| rest.strip_prefix(self.name.as_str())) else {
            return;
        };
        tally.commanded();
        match understand(command.trim_start_matches('/'), payload) {
            Command::Turn(is_on) => self.is_on = is_on,
            Command::Toggle => self.is_on = !self.is_on,
            Command::AskPower => {}
            Command::AskState => {
                let state = self.state(now);
                self.say("stat", "RESULT", state, false);
                return;
            }
            Command::Unknown => {
                self.say("stat", "RESULT", r#"{"Command":"Unknown"}"#.to_owned(), false);
                return;
            }
        }
        self.answer_power();
    }

    fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(switch: &mut Switch) -> Vec<(String, String)> {
        let mut said = Vec::new();
        while let Some(message) = switch.outbox().begin().cloned() {
            assert!(switch.outbox().acknowledged());
            said.push((message.topic, message.payload));
        }
        said
    }

    #[test]
    fn commands_turn_it_and_are_answered_as_tasmota_does() {
        let (tally, now) = (Tally::default(), DateTime::from_timestamp(1_770_227_460, 0).unwrap());
        let mut switch = Switch::new(0, now);
        for (command, payload, power) in [
            ("POWER", "ON", "ON"),
            ("power", "toggle", "OFF"),
            ("POWER1", "1", "ON"),
            ("POWER", "", "ON"),
            ("POWER", " off ", "OFF"),
        ] {
            switch.heard(&format!("cmnd/sonoff-1/{command}"), payload, now, &tally);
            let result = ("stat/sonoff-1/RESULT".to_owned(), format!("{{\"POWER\":\"{power}\"}}"));
            assert_eq!(
                said(&mut switch),
                [result, ("stat/sonoff-1/POWER".to_owned(), power.to_owned())],
                "{payload:?}"
            );
        }
        switch.heard("cmnd/sonoff-1/Dimmer", "40", now, &tally);
        let unknown = ("stat/sonoff-1/RESULT".to_owned(), r#"{"Command":"Unknown"}"#.to_owned());
        assert_eq!(said(&mut switch), [unknown]);
        switch.heard("cmnd/sonoff-2/POWER", "ON", now, &tally);
        assert!(said(&mut switch).is_empty());
    }

    #[test]
    fn it_tells_that_it_is_there_and_how_it_is() {
        let (tally, start) = (Tally::default(), DateTime::from_timestamp(1_770_227_460, 0).unwrap());
        let mut switch = Switch::new(1, start);
        switch.connected(start);
        let [(topic, online), _] = said(&mut switch).try_into().unwrap();
        assert_eq!((topic.as_str(), online.as_str()), ("tele/sonoff-2/LWT", "Online"));
        switch.heard("cmnd/sonoff-2/POWER", "ON", start, &tally);
        said(&mut switch);
        switch.tick(start + chrono::Duration::seconds(90_061), &tally);
        let [(topic, state)] = said(&mut switch).try_into().unwrap();
        let state: serde_json::Value = serde_json::from_str(&state).unwrap();
        assert_eq!(topic, "tele/sonoff-2/STATE");
        assert_eq!(state["POWER"], "ON");
        assert_eq!(state["Uptime"], "1T01:01:01");
        assert_eq!(state["UptimeSec"], 90_061);
        assert_eq!(switch.will().unwrap().payload, "Offline");
    }
}
