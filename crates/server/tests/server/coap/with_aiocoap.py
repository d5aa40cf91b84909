"""aiocoap: PUT, POST, GET, a body in blocks, and an observation. Arguments: address, token, file in line protocol."""

import asyncio
import sys

from aiocoap import GET, POST, PUT, Context, Message

ADDRESS, TOKEN, FILE = sys.argv[1:4]
READINGS = f"{ADDRESS}/readings?token={TOKEN}&table=aiocoap&device=aiocoap"
VALUE = f"{ADDRESS}/devices/aiocoap/value?token={TOKEN}"


async def ask(context, code, uri, payload=b"", content_format=None):
    request = Message(code=code, uri=uri, payload=payload)
    if content_format is not None:
        request.opt.content_format = content_format
    response = await asyncio.wait_for(context.request(request).response, 120)
    assert response.code.is_successful(), f"{uri}: {response.code} {response.payload!r}"
    return response


async def main():
    context = await Context.create_client_context()
    for code, value in [(PUT, b"28.8"), (POST, b"28.9")]:
        await ask(context, code, READINGS, value, 0)
        shown = await ask(context, GET, VALUE)
        assert shown.payload == value, shown.payload

    request = context.request(Message(code=GET, uri=VALUE, observe=0))
    first = await asyncio.wait_for(request.response, 60)
    assert first.payload == b"28.9" and first.opt.observe is not None, first
    told = aiter(request.observation)
    await ask(context, POST, READINGS, b"29.0", 0)
    second = await asyncio.wait_for(anext(told), 60)
    assert second.payload == b"29", second.payload
    request.observation.cancel()

    with open(FILE, "rb") as file:
        await ask(context, POST, f"{ADDRESS}/readings?token={TOKEN}", file.read(), 65000)
    links = await ask(context, GET, f"{ADDRESS}/.well-known/core")
    assert b"</readings>" in links.payload, links.payload
    await context.shutdown()


asyncio.run(main())
