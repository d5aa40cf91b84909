"""The laboratory's server, as it was: txThings (0.3.0) takes a reading, creates the database in InfluxDB, writes one line and answers.

Arguments: the address and the port to listen on, and those of InfluxDB.
"""

import sys
from http.client import HTTPConnection
from urllib.parse import quote

import txthings.coap as coap
import txthings.resource as resource
from twisted.internet import defer, reactor

LISTEN, PORT, INFLUXDB, INFLUXDB_PORT = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])

# Kept open, which helps it: a connection for each request would cost more.
influxdb = HTTPConnection(INFLUXDB, INFLUXDB_PORT)


def post(path, body=b""):
    influxdb.request("POST", path, body)
    answer = influxdb.getresponse()
    answer.read()
    if answer.status >= 300:
        raise RuntimeError(f"{path}: {answer.status}")


class Reading(resource.CoAPResource):
    def __init__(self, kind):
        resource.CoAPResource.__init__(self)
        self.kind = kind

    def render_POST(self, request):
        value = request.payload.decode()
        post("/query?q=" + quote('CREATE DATABASE "dht"'))
        post("/write?db=dht", f"{self.kind},place=room1 value={value}".encode())
        reply = f"{self.kind.capitalize()}={value} saved successfully!"
        return defer.succeed(coap.Message(code=coap.CONTENT, payload=reply.encode()))


root, sensors, dht = (resource.CoAPResource() for _ in range(3))
root.putChild(b"sensors", sensors)
sensors.putChild(b"dht", dht)
for kind in ("temperature", "humidity"):
    dht.putChild(kind.encode(), Reading(kind))
reactor.listenUDP(PORT, coap.Coap(resource.Endpoint(root)), interface=LISTEN)
reactor.run()
