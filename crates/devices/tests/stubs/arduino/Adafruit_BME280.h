// "Adafruit BME280 Library".
#pragma once
#include <stdint.h>
#include "Wire.h"

class Adafruit_BME280 {
 public:
  Adafruit_BME280();
  bool begin(uint8_t address = 0x77, TwoWire *wire = &Wire);
  float readTemperature();
  float readPressure();
  float readHumidity();
};
