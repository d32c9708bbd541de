"""Known faults of the versions in constraints.txt: `python -m tests.audit`.

pip-audit asks a service on the internet. Where there is none, this is said, and is no failure.
"""

import json
import subprocess
import sys
from pathlib import Path

__all__ = ["main", "report"]

_PINS = Path(__file__).parents[1] / "constraints.txt"


def report(found: str) -> bool:
    """Print the faults in an answer of pip-audit, as JSON, and return if there are any."""
    packages = json.loads(found)["dependencies"] if found else []
    known = [package for package in packages if "vulns" in package]
    faults = [(package, fault) for package in known for fault in package["vulns"]]
    for package, fault in faults:
        mended = ", ".join(fault["fix_versions"]) or "no version"
        print(f"{package['name']} {package['version']}: {fault['id']}, mended in {mended}")
    if known:
        print(f"{len(known)} of {len(packages)} packages audited: {len(faults)} known faults")
    else:
        print("not audited: no service that knows of faults answers")
    return bool(faults)


def main() -> int:
    """Audit; 1 where a fault is known."""
    options = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(_PINS), *options]
    done = subprocess.run(command, capture_output=True, text=True)
    return int(report(done.stdout))


if __name__ == "__main__":
    sys.exit(main())
