"""What the scripts of the clients share: which features there are, and running one or all of them.

A feature is a function with the section of MQTT 5.0 in its name. Those with a parameter are for 3.1.1 and 5.0, others for 5.0.
"""

import inspect
import sys
import time
import traceback


def main(functions, versions):
    """Runs the feature and version that the arguments behind the credential name, or all with how long each takes."""

    def is_versioned(name):
        return bool(inspect.signature(functions[name]).parameters)

    def run(name, version):
        functions[name](versions[version]) if is_versioned(name) else functions[name]()

    if sys.argv[4:]:
        return run(*sys.argv[4:])
    failed = []
    for name in [name for name in functions if name[:1] == "s" and name[1:2].isdigit()]:
        for version in versions if is_versioned(name) else ["5.0"]:
            started = time.monotonic()
            try:
                run(name, version)
            except Exception:
                traceback.print_exc()
                failed.append((name, version))
            print(f"{name} {version}: {time.monotonic() - started:.2f} s")
    assert not failed, failed
