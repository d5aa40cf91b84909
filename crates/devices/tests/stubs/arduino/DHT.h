// "DHT sensor library" by Adafruit.
#pragma once
#include <stdint.h>
static const uint8_t DHT11 = 11;
static const uint8_t DHT22 = 22;

class DHT {
 public:
  DHT(uint8_t pin, uint8_t type, uint8_t count = 6);
  void begin(uint8_t microseconds = 55);
  float readTemperature(bool fahrenheit = false, bool force = false);
  float readHumidity(bool force = false);
};
