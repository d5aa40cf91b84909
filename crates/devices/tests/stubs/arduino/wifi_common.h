// What Wi-Fi and HTTP of both cores have in common.
#pragma once
#include "Arduino.h"

enum wl_status_t { WL_IDLE_STATUS = 0, WL_CONNECTED = 3, WL_DISCONNECTED = 6 };
enum WiFiMode_t { WIFI_OFF = 0, WIFI_STA = 1 };

class WiFiClient {
 public:
  virtual ~WiFiClient();
};

struct WiFiClass {
  void persistent(bool persistent);
  bool mode(WiFiMode_t mode);
  bool setAutoReconnect(bool reconnect);
  wl_status_t begin(const char *ssid, const char *password);
  bool disconnect(bool off = false);
  wl_status_t status();
};
extern WiFiClass WiFi;

class HTTPClient {
 public:
  void setTimeout(uint16_t milliseconds);
  bool begin(WiFiClient &client, const String &url);
  void addHeader(const String &name, const String &value, bool first = false, bool replace = true);
  int POST(const String &body);
  void end();
};
