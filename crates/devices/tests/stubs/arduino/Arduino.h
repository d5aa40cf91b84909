// What the templates use of the Arduino core, declared for a check of their syntax and types; nothing here runs.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <algorithm>
#include <string>
using std::max;
using std::min;

class String {
 public:
  String(const char *text = "");
  explicit String(unsigned long number);
  String &operator+=(const char *text);
  String &operator+=(const String &text);
  String &operator+=(char character);
  const char *c_str() const;
};

struct SerialPort {
  void begin(unsigned long baud);
  size_t println(const char *text);
  size_t printf(const char *format, ...) __attribute__((format(printf, 2, 3)));
};
extern SerialPort Serial;

uint32_t millis();
void delay(unsigned long milliseconds);
long random(long below);
void configTime(long offset, int daylight, const char *server1, const char *server2 = nullptr, const char *server3 = nullptr);
