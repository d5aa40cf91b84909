// {{ device | comment }}: a BME280 on an ESP32 sends temperature, humidity and air pressure to Sensorium.
//
// Wiring: VIN to 3V3, GND to GND, SDA to GPIO{{ sda_pin }}, SCL to GPIO{{ scl_pin }}.
//
// How to flash, with the Arduino IDE 2:
// 1. Boards manager: install "esp32" by Espressif, version 3 or newer. Library manager: install "Adafruit BME280 Library"
//    and what it asks for.
// 2. Open this file, choose your board (such as ESP32 Dev Module) and its port, and press Upload.
// 3. The serial monitor, at 115200 baud, says what happens.

#include <Adafruit_BME280.h>
#include <Arduino.h>
#include <HTTPClient.h>
#include <WiFi.h>
#include <WiFiClientSecure.h>
#include <Wire.h>
#include <math.h>
#include <time.h>

// How many readings are kept while the network or the server is away.
const size_t CAPACITY = 600;

Adafruit_BME280 sensor;
bool sensorFound = false;

void beginSensor() { Wire.begin({{ sda_pin }}, {{ scl_pin }}); }

// Writes the fields of a measurement; returns false if the sensor did not answer. Then it is looked for again next time.
bool measure(char *fields, size_t size) {
  if (!sensorFound) sensorFound = sensor.begin({{ i2c_address }}, &Wire);
  if (!sensorFound) return false;
  const float temperature = sensor.readTemperature();
  const float humidity = sensor.readHumidity();
  const float pressure = sensor.readPressure() / 100.0F;
  if (isnan(temperature) || isnan(humidity) || isnan(pressure)) {
    sensorFound = false;
    return false;
  }
  snprintf(fields, size, "temperature=%.2f,humidity=%.1f,pressure=%.2f", temperature, humidity, pressure);
  return true;
}

{% if server is https %}
{% if not ca_certificate %}
{{ fail("an https address needs a CA certificate, or anyone could pretend to be the server") }}
{% endif %}
// Certificates are valid for some time, so the clock is set before anything is sent.
const bool NEEDS_CLOCK = true;
WiFiClientSecure client;

void beginClient() { client.setCACert({{ ca_certificate | c_string }}); }
{% else %}
const bool NEEDS_CLOCK = false;
WiFiClient client;

void beginClient() {}
{% endif %}

