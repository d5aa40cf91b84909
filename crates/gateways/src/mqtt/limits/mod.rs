//! How fast clients may send and connect: token buckets of a connection, of a device over all of its connections, and of an
//! address.
//!
//! Invariants:
//! - over its rate a connection is not read, and nothing else happens to it: its messages wait in its socket, its silence does not
//!   count, and what was read is taken;
//! - in the long run no more comes than the rate. At once may come what comes in a second, and beyond it the rest of a packet;
//! - a device that connects again finds its bucket as it left it.
//!
//! Limits: [`MqttRates`], and [`ADDRESSES`] addresses that are counted; those of IPv6 by their /64, which is what one customer has.

mod bucket;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use metrics::counter;
use parking_lot::Mutex;
use sensorium_model::{DeviceId, FastMap};
use serde::{Deserialize, Serialize};

use bucket::Bucket;

/// What a connection and a device may send at once: what comes in so many seconds.
const SEND_SECONDS: u32 = 1;
/// How many connections an address may open at once: those of so many seconds, so that a site comes back after a restart.
const CONNECT_SECONDS: u32 = 10;
/// Addresses that are counted; further ones are refused until others were quiet.
const ADDRESSES: usize = 100_000;

/// Limits of what comes in a second; 0 for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MqttRates {
    /// Messages of one connection (setting `mqtt.messages_per_second`).
    pub messages_per_second: u32,
    /// Bytes of one connection (setting `mqtt.bytes_per_second`).
    pub bytes_per_second: u32,
    /// Messages of one device over all of its connections (setting `mqtt.device_messages_per_second`).
    pub device_messages_per_second: u32,
    /// Bytes of one device over all of its connections (setting `mqtt.device_bytes_per_second`).
    pub device_bytes_per_second: u32,
    /// Connections that are opened from one address (setting `mqtt.connects_per_second`); ten times as many at once.
    pub connects_per_second: u32,
}

impl Default for MqttRates {
    fn default() -> Self {
        Self {
            messages_per_second: 0,
            bytes_per_second: 0,
            device_messages_per_second: 10_000,
            device_bytes_per_second: 32 * 1_024 * 1_024,
            connects_per_second: 1_000,
        }
    }
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Rates {
    limits: MqttRates,
    devices: Mutex<FastMap<DeviceId, Arc<Mutex<Sender>>>>,
    addresses: Mutex<FastMap<IpAddr, Bucket>>,
}

/// The buckets of who sends.
#[derive(Debug)]
struct Sender {
    messages: Option<Bucket>,
    bytes: Option<Bucket>,
}

impl Rates {
    pub(super) fn new(limits: MqttRates) -> Self {
        Self { limits, devices: Mutex::default(), addresses: Mutex::default() }
    }

    /// Whether one more client may come from an address. It is counted.
    pub(super) fn may_connect(&self, address: IpAddr, now_ms: u64) -> bool {
        let address = counted_as(address);
        let mut addresses = self.addresses.lock();
        if addresses.len() >= ADDRESSES && !addresses.contains_key(&address) {
            addresses.retain(|_, bucket| !bucket.is_full(now_ms));
        }
        let is_full = addresses.len() >= ADDRESSES;
        let bucket = match addresses.get_mut(&address) {
            Some(bucket) => bucket,
            None => match Bucket::new(self.limits.connects_per_second, CONNECT_SECONDS, now_ms) {
                None => return true,
                Some(_) if is_full => return false,
                Some(bucket) => addresses.entry(address).or_insert(bucket),
            },
        };
        let may_connect = bucket.left(now_ms) > 0;
        match may_connect {
            true => bucket.take(1, now_ms),
            false => counter!("sensorium_mqtt_limited_total", "limit" => "address").increment(1),
        }
        may_connect
    }

    /// What a connection may send, before it is known whose it is.
    pub(super) fn connection(&self, now_ms: u64) -> Allowance {
        let MqttRates { messages_per_second, bytes_per_second, .. } = self.limits;
        let own = Sender::new(messages_per_second, bytes_per_second, now_ms).map(Box::new);
        Allowance { own, device: None, is_held: false }
    }

    /// Has a connection count for its device, too.
    pub(super) fn belongs(&self, allowance: &mut Allowance, device: DeviceId, now_ms: u64) {
        let MqttRates { device_messages_per_second, device_bytes_per_second, .. } = self.limits;
        let new = Sender::new(device_messages_per_second, device_bytes_per_second, now_ms);
        allowance.device = new.map(|new| {
            let mut devices = self.devices.lock();
            devices.entry(device).or_insert_with(|| Arc::new(Mutex::new(new))).clone()
        });
    }

    /// Forgets who was quiet for long enough.
    pub(super) fn forget(&self, now_ms: u64) {
        self.devices.lock().retain(|_, sender| Arc::strong_count(sender) > 1 || !sender.lock().is_full(now_ms));
        self.addresses.lock().retain(|_, bucket| !bucket.is_full(now_ms));
    }
}

/// What one connection may send.
#[derive(Debug)]
pub(super) struct Allowance {
    own: Option<Box<Sender>>,
    device: Option<Arc<Mutex<Sender>>>,
    /// Something was not read.
    is_held: bool,
}

impl Allowance {
    /// How many packets may be read now, of some that are there; whether it is the first time that there are none is the second.
    pub(super) fn packets(&mut self, now_ms: u64) -> (usize, bool) {
        let own = self.own.as_mut().map_or(u64::MAX, |own| own.packets(now_ms));
        let device = self.device.as_ref().map_or(u64::MAX, |device| device.lock().packets(now_ms));
        let packets = own.min(device);
        let was_held = std::mem::replace(&mut self.is_held, packets == 0);
        let begins = packets == 0 && !was_held;
        if begins {
            let limit = if own == 0 { "connection" } else { "device" };
            counter!("sensorium_mqtt_limited_total", "limit" => limit).increment(1);
        }
        (usize::try_from(packets).unwrap_or(usize::MAX), begins)
    }

    /// Bytes were read.
    pub(super) fn took_bytes(&mut self, bytes: usize, now_ms: u64) {
        self.each(|sender| took(&mut sender.bytes, bytes as u64, now_ms));
    }

    /// A message was read.
    pub(super) fn took_message(&mut self, now_ms: u64) {
        self.each(|sender| took(&mut sender.messages, 1, now_ms));
    }

    /// Until when nothing is read; none when something may be.
    pub(super) fn until_ms(&mut self, now_ms: u64) -> Option<u64> {
        let own = self.own.as_mut().and_then(|own| own.until_ms(now_ms));
        let device = self.device.as_ref().and_then(|device| device.lock().until_ms(now_ms));
        // What was held and may be read by now is read at once.
        own.max(device).or_else(|| self.is_held.then_some(now_ms))
    }

    fn each(&mut self, mut change: impl FnMut(&mut Sender)) {
        if let Some(own) = &mut self.own {
            change(own);
        }
        if let Some(device) = &self.device {
            change(&mut device.lock());
        }
    }
}

fn took(bucket: &mut Option<Bucket>, amount: u64, now_ms: u64) {
    if let Some(bucket) = bucket {
        bucket.take(amount, now_ms);
    }
}

impl Sender {
    /// None where there are no limits.
    fn new(messages: u32, bytes: u32, now_ms: u64) -> Option<Self> {
        let bucket = |per_second| Bucket::new(per_second, SEND_SECONDS, now_ms);
        let (messages, bytes) = (bucket(messages), bucket(bytes));
        (messages.is_some() || bytes.is_some()).then_some(Self { messages, bytes })
    }

    fn packets(&mut self, now_ms: u64) -> u64 {
        if self.bytes.as_mut().is_some_and(|bytes| bytes.left(now_ms) == 0) {
            return 0;
        }
        self.messages.as_mut().map_or(u64::MAX, |messages| messages.left(now_ms))
    }

    fn until_ms(&mut self, now_ms: u64) -> Option<u64> {
        let until_ms = |bucket: &mut Option<Bucket>| bucket.as_mut().and_then(|bucket| bucket.until_ms(now_ms));
        until_ms(&mut self.messages).max(until_ms(&mut self.bytes))
    }

    fn is_full(&mut self, now_ms: u64) -> bool {
        let is_full = |bucket: &mut Option<Bucket>| bucket.as_mut().is_none_or(|bucket| bucket.is_full(now_ms));
        is_full(&mut self.messages) && is_full(&mut self.bytes)
    }
}

/// What an address counts as.
fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const NONE: MqttRates = MqttRates {
        messages_per_second: 0,
        bytes_per_second: 0,
        device_messages_per_second: 0,
        device_bytes_per_second: 0,
        connects_per_second: 0,
    };

    #[test]
    fn without_limits_everything_may_come() {
        let rates = Rates::new(NONE);
        let mut allowance = rates.connection(0);
        rates.belongs(&mut allowance, DeviceId::from_uuid(Uuid::nil()), 0);
        (0..1_000).for_each(|_| allowance.took_message(0));
        allowance.took_bytes(usize::MAX, 0);
        assert_eq!((allowance.packets(0), allowance.until_ms(0)), ((usize::MAX, false), None));
        assert!(rates.devices.lock().is_empty() && rates.may_connect([10, 0, 0, 1].into(), 0));
        assert!(rates.addresses.lock().is_empty());
    }

    #[test]
    fn what_is_over_the_rate_waits_and_is_read_when_it_may() {
        let rates = Rates::new(MqttRates { messages_per_second: 10, bytes_per_second: 1_000, ..NONE });
        let mut allowance = rates.connection(0);
        assert_eq!(allowance.packets(0), (10, false));
        (0..10).for_each(|_| allowance.took_message(0));
        assert_eq!((allowance.packets(0), allowance.packets(50)), ((0, true), (0, false)));
        assert_eq!(allowance.until_ms(50), Some(100));
        assert_eq!(allowance.until_ms(100), Some(100), "it was held, and is read now");
        assert_eq!((allowance.packets(100), allowance.until_ms(100)), ((1, false), None));
        allowance.took_bytes(3_000, 1_000);
        assert_eq!((allowance.packets(1_000).0, allowance.until_ms(1_000)), (0, Some(3_001)));
    }

    #[test]
    fn connections_of_a_device_share_what_it_may_send() {
        let rates = Rates::new(MqttRates { device_messages_per_second: 5, ..NONE });
        let of = |number| {
            let mut allowance = rates.connection(0);
            rates.belongs(&mut allowance, DeviceId::from_uuid(Uuid::from_u128(number)), 0);
            allowance
        };
        let (mut one, mut same, mut other) = (of(1), of(1), of(2));
        (0..5).for_each(|_| one.took_message(0));
        assert_eq!((same.packets(0).0, other.packets(0).0), (0, 5));
        drop((one, same));
        rates.forget(500);
        assert_eq!(of(1).packets(500).0, 2, "it came again");
        rates.forget(10_000);
        assert_eq!(rates.devices.lock().len(), 1, "the other one is still there");
    }

    #[test]
    fn an_address_is_refused_until_it_was_quiet() {
        let rates = Rates::new(MqttRates { connects_per_second: 1, ..NONE });
        let (one, other) = ("2001:db8::1".parse().unwrap(), "2001:db8:0:1::1".parse().unwrap());
        assert!((0..10).all(|_| rates.may_connect(one, 0)));
        assert!(!rates.may_connect("2001:db8::2".parse().unwrap(), 0), "it is the same customer's");
        assert!(rates.may_connect(other, 0) && rates.may_connect(one, 1_000));
        rates.forget(20_000);
        assert!(rates.addresses.lock().is_empty());
    }
}
