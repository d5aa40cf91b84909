const char WIFI_SSID[] = {{ wifi_ssid | c_string }};
const char WIFI_PASSWORD[] = {{ wifi_password | c_string }};
const char WRITE_URL[] = {{ server | c_string }} "/write?precision=s&db=" {{ database | url_part | c_string }};
const char AUTHORIZATION[] = "Bearer " {{ token | c_string }};
const char SERIES[] = {{ table | line_protocol | c_string }} ",device=" {{ device | line_protocol | c_string }}
{%- if place %} ",place=" {{ place | line_protocol | c_string }}{% endif %};

const uint32_t INTERVAL_MS = {{ interval }}UL * 1000UL;
const uint32_t WIFI_WAIT_MS = 20UL * 1000UL;
const uint32_t SHORTEST_WAIT_MS = 2UL * 1000UL;
const uint32_t LONGEST_WAIT_MS = 5UL * 60UL * 1000UL;
// The clock starts in 1970 and jumps to the present when a time server has answered.
const time_t CLOCK_IS_SET = 1600000000;
const size_t LINES_AT_ONCE = 20;

struct Reading {
  char fields[72];
  time_t time;
  uint32_t takenMs;
};

// A ring: the oldest reading gives way when there is no room.
Reading waiting[CAPACITY];
size_t oldest = 0;
size_t count = 0;

uint32_t lastReadingMs = 0;
uint32_t wifiTriedMs = 0;
uint32_t wifiWaitMs = 0;
uint32_t sendTriedMs = 0;
uint32_t sendWaitMs = 0;
uint32_t backOffMs = SHORTEST_WAIT_MS;

void forget(size_t lines) {
  oldest = (oldest + lines) % CAPACITY;
  count -= lines;
}

void takeReading(uint32_t now) {
  if (count == CAPACITY) forget(1);
  Reading &reading = waiting[(oldest + count) % CAPACITY];
  if (!measure(reading.fields, sizeof(reading.fields))) {
    Serial.println("The sensor does not answer; check its wiring.");
    return;
  }
  const time_t clock = time(nullptr);
  reading.time = clock > CLOCK_IS_SET ? clock : 0;
  reading.takenMs = now;
  count++;
}

// Wi-Fi reconnects by itself; if it does not, it is started anew, less and less often.
void keepWifi(uint32_t now) {
  if (WiFi.status() == WL_CONNECTED) {
    wifiWaitMs = WIFI_WAIT_MS;
    wifiTriedMs = now;
    return;
  }
  if (now - wifiTriedMs < wifiWaitMs) return;
  Serial.println("Connecting to Wi-Fi.");
  WiFi.disconnect();
  WiFi.begin(WIFI_SSID, WIFI_PASSWORD);
  wifiTriedMs = now;
  wifiWaitMs = min(max(wifiWaitMs * 2, WIFI_WAIT_MS), LONGEST_WAIT_MS);
}

// Gives readings from before the clock was set their time, once, so that sending one again does not store it twice.
void dateReadings(uint32_t now, time_t clock) {
  for (size_t i = 0; i < count; i++) {
    Reading &reading = waiting[(oldest + i) % CAPACITY];
    if (reading.time == 0) reading.time = clock - (time_t)((now - reading.takenMs) / 1000);
  }
}

int post(const String &body) {
  HTTPClient http;
  http.setTimeout(8000);
  if (!http.begin(client, WRITE_URL)) return -1;
  http.addHeader("Authorization", AUTHORIZATION);
  http.addHeader("Content-Type", "text/plain; charset=utf-8");
  const int status = http.POST(body);
  http.end();
  return status;
}

void sendReadings(uint32_t now) {
  const time_t clock = time(nullptr);
  if (clock > CLOCK_IS_SET) {
    dateReadings(now, clock);
  } else if (NEEDS_CLOCK) {
    return;
  }
  // Without a clock a reading gets the time when it arrives, which is right only if that is soon.
  while (count > 0 && waiting[oldest].time == 0 && now - waiting[oldest].takenMs > 10000) forget(1);
  String body;
  size_t lines = 0;
  while (lines < count && lines < LINES_AT_ONCE) {
    const Reading &reading = waiting[(oldest + lines) % CAPACITY];
    if (reading.time == 0 && lines > 0) break;
    body += SERIES;
    body += ' ';
    body += reading.fields;
    if (reading.time != 0) {
      body += ' ';
      body += String((unsigned long)reading.time);
    }
    body += '\n';
    lines++;
    if (reading.time == 0) break;
  }
  if (lines == 0) return;
  const int status = post(body);
  sendTriedMs = millis();
  if (status == 204) {
    forget(lines);
    backOffMs = SHORTEST_WAIT_MS;
    sendWaitMs = 0;
    return;
  }
  Serial.printf("The server answered %d.\n", status);
  // What is malformed stays so; everything else may pass.
  if (status == 400 || status == 413) forget(lines);
  sendWaitMs = backOffMs / 2 + (uint32_t)random((long)backOffMs);
  backOffMs = min(backOffMs * 2, LONGEST_WAIT_MS);
}

void setup() {
  Serial.begin(115200);
  beginSensor();
  beginClient();
  WiFi.persistent(false);
  WiFi.mode(WIFI_STA);
  WiFi.setAutoReconnect(true);
  // In UTC; answers come in the background.
  configTime(0, 0, "pool.ntp.org", "time.nist.gov");
  lastReadingMs = millis() - INTERVAL_MS;
}

// Subtracting times is right also when the milliseconds begin anew after 49 days.
void loop() {
  const uint32_t now = millis();
  keepWifi(now);
  if (now - lastReadingMs >= INTERVAL_MS) {
    lastReadingMs = now;
    takeReading(now);
  }
  if (count > 0 && WiFi.status() == WL_CONNECTED && now - sendTriedMs >= sendWaitMs) sendReadings(now);
  delay(20);
}
