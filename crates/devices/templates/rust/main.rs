//! {{ device | comment }}: an SHT31 (or SHT30, SHT35) on an {{ chip }} sends temperature and humidity to Sensorium.
//!
//! Wiring: VIN to 3V3, GND to GND, SDA to GPIO{{ sda_pin }}, SCL to GPIO{{ scl_pin }}.
//!
//! How to flash (https://docs.espressif.com/projects/rust/book/ has the details):
//! 1. `cargo install espup ldproxy espflash`, then `espup install`, and what it says about your shell's environment.
//! 2. `cargo run --release` in the folder of Cargo.toml builds, flashes and shows the log.

use std::collections::VecDeque;
use std::error::Error;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use esp_idf_svc::eventloop::EspSystemEventLoop;
use esp_idf_svc::hal::i2c::{I2cConfig, I2cDriver};
use esp_idf_svc::hal::peripherals::Peripherals;
use esp_idf_svc::hal::units::Hertz;
use esp_idf_svc::http::Method;
use esp_idf_svc::http::client::{Configuration as HttpConfiguration, EspHttpConnection};
use esp_idf_svc::nvs::EspDefaultNvsPartition;
use esp_idf_svc::sntp::EspSntp;
use esp_idf_svc::wifi::{AuthMethod, BlockingWifi, ClientConfiguration, Configuration, EspWifi};

const WIFI_SSID: &str = {{ wifi_ssid | rust_string }};
const WIFI_PASSWORD: &str = {{ wifi_password | rust_string }};
const SERVER: &str = {{ server | rust_string }};
const DATABASE: &str = {{ database | url_part | rust_string }};
const TOKEN: &str = {{ token | rust_string }};
const TABLE: &str = {{ table | line_protocol | rust_string }};
const DEVICE: &str = {{ device | line_protocol | rust_string }};
{% if place %}
const PLACE: &str = {{ place | line_protocol | rust_string }};
{% endif %}

const SENSOR: u8 = {{ i2c_address }};
const INTERVAL: Duration = Duration::from_secs({{ interval }});
/// How many readings are kept while the network or the server is away.
const CAPACITY: usize = 500;
const LINES_AT_ONCE: usize = 20;
const SHORTEST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// The clock starts in 1970 and jumps to the present when a time server has answered.
const CLOCK_IS_SET: Duration = Duration::from_secs(1_600_000_000);
const I2C_TICKS: u32 = 100;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

struct Reading {
    temperature: f32,
    humidity: f32,
    taken: Instant,
    /// Milliseconds since 1970, once the clock is set.
    time_ms: Option<u64>,
}

fn main() -> Result<()> {
    esp_idf_svc::sys::link_patches();
    let peripherals = Peripherals::take()?;
    let events = EspSystemEventLoop::take()?;
    let storage = EspDefaultNvsPartition::take()?;
    let wifi = EspWifi::new(peripherals.modem, events.clone(), Some(storage))?;
    let mut wifi = BlockingWifi::wrap(wifi, events)?;
    wifi.set_configuration(&Configuration::Client(ClientConfiguration {
        ssid: WIFI_SSID.try_into().map_err(|_| "the name of the network is too long")?,
        password: WIFI_PASSWORD.try_into().map_err(|_| "the password of the network is too long")?,
        auth_method: if WIFI_PASSWORD.is_empty() { AuthMethod::None } else { AuthMethod::WPA2Personal },
        ..Default::default()
    }))?;
    wifi.start()?;
    let _time_server = EspSntp::new_default()?;
    let config = I2cConfig::new().baudrate(Hertz(100_000));
    let pins = peripherals.pins;
    let mut bus = I2cDriver::new(peripherals.i2c0, pins.gpio{{ sda_pin }}, pins.gpio{{ scl_pin }}, &config)?;

    let mut waiting = VecDeque::with_capacity(CAPACITY);
    let (mut next_reading, mut next_attempt, mut wait) = (Instant::now(), Instant::now(), SHORTEST_WAIT);
    loop {
        let now = Instant::now();
        if now >= next_reading {
            next_reading = now + INTERVAL;
            match measure(&mut bus) {
                Ok((temperature, humidity)) => {
                    if waiting.len() == CAPACITY {
                        waiting.pop_front();
                    }
                    waiting.push_back(Reading { temperature, humidity, taken: now, time_ms: None });
                }
                Err(error) => println!("The sensor does not answer; check its wiring: {error}"),
            }
        }
        if !waiting.is_empty() && now >= next_attempt {
            match connect(&mut wifi).and_then(|()| send(&mut waiting)) {
                Ok(()) => (wait, next_attempt) = (SHORTEST_WAIT, now),
                Err(error) => {
                    println!("Not sent: {error}");
                    next_attempt = Instant::now() + wait;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
        sleep(Duration::from_millis(50));
    }
}

/// Degrees Celsius and per cent.
fn measure(bus: &mut I2cDriver<'_>) -> Result<(f32, f32)> {
    // One measurement with high repeatability takes up to 15 ms.
    bus.write(SENSOR, &[0x24, 0x00], I2C_TICKS)?;
    sleep(Duration::from_millis(20));
    let mut answer = [0; 6];
    bus.read(SENSOR, &mut answer, I2C_TICKS)?;
    let [t1, t0, t_sum, h1, h0, h_sum] = answer;
    if checksum([t1, t0]) != t_sum || checksum([h1, h0]) != h_sum {
        return Err("the checksum is wrong".into());
    }
    let part = |high, low| f32::from(u16::from_be_bytes([high, low])) / 65_535.0;
    Ok((175.0 * part(t1, t0) - 45.0, 100.0 * part(h1, h0)))
}

/// CRC-8 with the polynomial 0x31, as in the sensor's data sheet.
fn checksum(bytes: [u8; 2]) -> u8 {
    bytes.iter().fold(0xff, |sum, byte| {
        (0..8).fold(sum ^ byte, |sum, _| if sum & 0x80 == 0 { sum << 1 } else { (sum << 1) ^ 0x31 })
    })
}

fn connect(wifi: &mut BlockingWifi<EspWifi<'static>>) -> Result<()> {
    if !wifi.is_connected()? {
        wifi.connect()?;
        wifi.wait_netif_up()?;
    }
    Ok(())
}

/// Sends the oldest readings and forgets them when the server has them.
fn send(waiting: &mut VecDeque<Reading>) -> Result<()> {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH)?;
    if clock < CLOCK_IS_SET {
        return Err("no time server has answered yet".into());
    }
    let mut body = String::new();
    for reading in waiting.iter_mut().take(LINES_AT_ONCE) {
        // Once, so that sending a reading again does not store it twice.
        let age = || clock.saturating_sub(reading.taken.elapsed()).as_millis() as u64;
        let time_ms = *reading.time_ms.get_or_insert_with(age);
        let Reading { temperature, humidity, .. } = reading;
        body += &format!("{TABLE},device={DEVICE}");
{% if place %}
        body += &format!(",place={PLACE}");
{% endif %}
        body += &format!(" temperature={temperature:.2},humidity={humidity:.1} {time_ms}\n");
    }
    let lines = waiting.len().min(LINES_AT_ONCE);
    let status = post(&body)?;
    // What is malformed stays so; everything else may pass.
    if matches!(status, 204 | 400 | 413) {
        waiting.drain(..lines);
    }
    if status == 204 { Ok(()) } else { Err(format!("the server answered {status}").into()) }
}

fn post(body: &str) -> Result<u16> {
    let mut connection = EspHttpConnection::new(&HttpConfiguration {
        timeout: Some(Duration::from_secs(8)),
{% if server is https %}
        // The certificates that browsers trust too.
        crt_bundle_attach: Some(esp_idf_svc::sys::esp_crt_bundle_attach),
{% endif %}
        ..Default::default()
    })?;
    let (authorization, length) = (format!("Bearer {TOKEN}"), body.len().to_string());
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", length.as_str()),
    ];
    let url = format!("{SERVER}/write?precision=ms&db={DATABASE}");
    connection.initiate_request(Method::Post, &url, &headers)?;
    connection.write_all(body.as_bytes())?;
    connection.initiate_response()?;
    Ok(connection.status())
}
