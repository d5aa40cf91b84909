"""Types statements into the shell of InfluxDB and prints what it answers: `with_shell.py HOST PORT USER PASSWORD STATEMENT…`.

Each answer follows a line `> STATEMENT`. The shell reads one statement a line only from a terminal, so it gets one that is as plain as can be.
"""

import os
import pty
import select
import sys
import termios
import time

DEADLINE = 60
PROMPT = b"> "


def until_prompt(terminal):
    """What comes before the next prompt."""
    text, deadline = b"", time.monotonic() + DEADLINE
    while not (text == PROMPT or text.endswith(b"\n" + PROMPT)):
        ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise AssertionError(f"no prompt after {text!r}")
        text += os.read(terminal, 65536)
    return text[: -len(PROMPT)].decode()


def main(host, port, user, password, *statements):
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "dumb"
        command = ["influx", "-host", host, "-port", port, "-username", user, "-password", password]
        os.execvp(command[0], command)
    settings = termios.tcgetattr(terminal)
    settings[1] &= ~termios.OPOST
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSANOW, settings)
    until_prompt(terminal)
    for statement in statements:
        os.write(terminal, statement.encode() + b"\n")
        print(f"> {statement}\n{until_prompt(terminal)}", end="")
    os.write(terminal, b"exit\n")
    os.waitpid(child, 0)


main(*sys.argv[1:])
