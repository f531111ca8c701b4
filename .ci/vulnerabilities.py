"""Looks the locked libraries up among the known vulnerabilities, by pip-audit. Exit code 1 where one has any.

Where the service that knows them can't be reached, nothing is known either way: that is said, and is no failure.
"""

import json
import subprocess
import sys

PATIENCE = 300


def audited(lock: str) -> list[dict[str, object]]:
    """What pip-audit says of each library of a lock file; nothing where it says nothing readable."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", lock, "--require-hashes", "--disable-pip"]
    command += ["--progress-spinner", "off", "--format", "json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603 - our own words
        found: list[dict[str, object]] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
        return []
    return found


def told(lock: str, libraries: list[dict[str, object]]) -> tuple[str, int]:
    """What to say, and the exit code."""
    known = [one for one in libraries if "skip_reason" not in one]
    hit = [one for one in known if one.get("vulns")]
    if not known:
        return (
            f"{lock}: the service that knows vulnerabilities (pypi.org) could not be asked from here, so nothing was "
            "looked up. That is no good news and no bad news; run make audit where there is a network.",
            0,
        )
    lines = [f"{lock}: {len(known)} of {len(libraries)} libraries looked up, {len(hit)} with known vulnerabilities."]
    for one in hit:
        vulns = one["vulns"] if isinstance(one["vulns"], list) else []
        for vuln in vulns:
            fixed = ", ".join(vuln.get("fix_versions") or ()) or "no version yet"
            lines.append(f"  {one['name']} {one['version']}: {vuln['id']}, mended in {fixed}")
    return "\n".join(lines), 1 if hit else 0


def main() -> int:
    code = 0
    for lock in sys.argv[1:]:
        words, failed = told(lock, audited(lock))
        sys.stdout.write(words + "\n")
        code |= failed
    return code


if __name__ == "__main__":
    sys.exit(main())
