// I2C of the ESP32's core.
#pragma once
class TwoWire {
 public:
  bool begin(int sda, int scl, unsigned frequency = 0);
};
extern TwoWire Wire;
