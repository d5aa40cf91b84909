"""txThings, as the laboratory's client uses it: POST with an empty Observe. Arguments: address, port."""

import sys

import txthings.coap as coap
import txthings.resource as resource
from ipaddress import ip_address
from twisted.internet import defer, reactor

HOST, PORT = ip_address(sys.argv[1]), int(sys.argv[2])
READINGS = [(b"temperature", b"28.8"), (b"humidity", b"41.9")]
failures = ["it did not end"]


def request(kind, payload):
    message = coap.Message(code=coap.POST, payload=payload)
    message.opt.uri_path = (b"sensors", b"dht", kind)
    message.opt.observe = 0
    message.remote = (HOST, PORT)
    return message


@defer.inlineCallbacks
def main(protocol):
    try:
        for kind, payload in READINGS:
            response = yield protocol.request(request(kind, payload))
            expected = kind.capitalize() + b"=" + payload + b" saved successfully!"
            assert response.code == coap.CONTENT, response.code
            assert response.payload == expected, response.payload
        failures.clear()
    except Exception as error:  # whatever it is, the test is to say it
        failures[:] = [repr(error)]
    reactor.stop()


protocol = coap.Coap(resource.Endpoint(None))
reactor.callWhenRunning(main, protocol)
reactor.callLater(60, reactor.stop)
reactor.listenUDP(0, protocol)
reactor.run()
sys.exit("\n".join(failures) or 0)
