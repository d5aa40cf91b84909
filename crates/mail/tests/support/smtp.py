"""A mail server for tests: says on standard output where it listens, and then what it took, each message as a line of JSON.

It does not know those whose name begins with `refused`, turns those away once whose name begins with `later`, and never answers for
those whose name begins with `slow`.
"""

import argparse
import asyncio
import email
import email.policy
import json
import ssl

from aiosmtpd.smtp import SMTP, AuthResult

arguments = argparse.ArgumentParser()
arguments.add_argument("--security", choices=["none", "tls", "starttls"], default="none")
arguments.add_argument("--cert")
arguments.add_argument("--key")
arguments.add_argument("--login", help="USER:PASSWORD, without which nothing is taken")
arguments.add_argument("--port", type=int, default=0)
wanted = arguments.parse_args()


class Handler:
    def __init__(self):
        self.turned_away = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused"):
            return f"550 5.1.1 <{address}> is unknown here"
        if address.startswith("later") and address not in self.turned_away:
            self.turned_away.add(address)
            return f"451 4.7.1 <{address}> come back later"
        if address.startswith("slow"):
            await asyncio.Event().wait()
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 known"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        text = {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}
        print(
            json.dumps(
                {
                    "from": envelope.mail_from,
                    "to": envelope.rcpt_tos,
                    "secure": session.ssl is not None or wanted.security == "tls",
                    "authenticated": session.authenticated,
                    "headers": [[name, str(value)] for name, value in message.items()],
                    "subject": message["subject"],
                    "plain": text.get("text/plain"),
                    "html": text.get("text/html"),
                }
            ),
            flush=True,
        )
        return "250 2.0.0 taken as 42"


def authenticate(server, session, envelope, mechanism, data):
    shown = f"{data.login.decode()}:{data.password.decode()}"
    return AuthResult(success=shown == wanted.login, handled=False)


async def main():
    context = None
    if wanted.security != "none":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(wanted.cert, wanted.key)
    handler = Handler()

    def session():
        return SMTP(
            handler,
            hostname="mail.example.org",
            tls_context=context if wanted.security == "starttls" else None,
            require_starttls=wanted.security == "starttls",
            authenticator=authenticate if wanted.login else None,
            auth_required=wanted.login is not None,
            auth_require_tls=wanted.security == "starttls",
        )

    outer = context if wanted.security == "tls" else None
    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", wanted.port, ssl=outer)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


asyncio.run(main())
