// {{ device | comment }}: a {{ sensor }} on an ESP8266 sends temperature and humidity to Sensorium.
//
// Wiring: the sensor's + to 3V3, its - to GND, its data pin to GPIO{{ pin }}, with 10 kilo-ohms between data and 3V3
// if the sensor has no board of its own.
//
// How to flash, with the Arduino IDE 2:
// 1. File > Preferences > Additional boards manager URLs:
//    https://arduino.esp8266.com/stable/package_esp8266com_index.json
// 2. Boards manager: install "esp8266". Library manager: install "DHT sensor library" by Adafruit and what it asks for.
// 3. Open this file, choose your board (such as NodeMCU 1.0) and its port, and press Upload.
// 4. The serial monitor, at 115200 baud, says what happens.

#include <Arduino.h>
#include <DHT.h>
#include <ESP8266HTTPClient.h>
#include <ESP8266WiFi.h>
#include <WiFiClientSecure.h>
#include <math.h>
#include <time.h>

// How many readings are kept while the network or the server is away.
const size_t CAPACITY = 60;

DHT sensor({{ pin }}, {{ sensor }});

void beginSensor() { sensor.begin(); }

// Writes the fields of a measurement; returns false if the sensor did not answer.
bool measure(char *fields, size_t size) {
  const float temperature = sensor.readTemperature();
  const float humidity = sensor.readHumidity();
  if (isnan(temperature) || isnan(humidity)) return false;
  snprintf(fields, size, "temperature=%.1f,humidity=%.1f", temperature, humidity);
  return true;
}

{% if server is https %}
{% if not ca_certificate and not fingerprint %}
{{ fail("an https address needs a CA certificate or a fingerprint, or anyone could pretend to be the server") }}
{% endif %}
// Certificates are valid for some time, so the clock is set before anything is sent.
const bool NEEDS_CLOCK = true;
BearSSL::WiFiClientSecure client;
{% if ca_certificate %}
BearSSL::X509List authorities({{ ca_certificate | c_string }});

void beginClient() { client.setTrustAnchors(&authorities); }
{% else %}

// The fingerprint changes with the server's certificate.
void beginClient() { client.setFingerprint({{ fingerprint | c_string }}); }
{% endif %}
{% else %}
const bool NEEDS_CLOCK = false;
WiFiClient client;

void beginClient() {}
{% endif %}

