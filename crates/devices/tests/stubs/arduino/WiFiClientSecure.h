// TLS: `BearSSL::WiFiClientSecure` of the ESP8266's core, `WiFiClientSecure` of the ESP32's.
#pragma once
#include "wifi_common.h"

namespace BearSSL {
class X509List {
 public:
  explicit X509List(const char *pem);
};

class WiFiClientSecure : public WiFiClient {
 public:
  void setTrustAnchors(const X509List *authorities);
  bool setFingerprint(const char *fingerprint);
};
}  // namespace BearSSL

class WiFiClientSecure : public WiFiClient {
 public:
  void setCACert(const char *pem);
};
