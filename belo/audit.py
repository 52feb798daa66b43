"""Known vulnerabilities of the locked packages, by pip-audit: `make audit`.

Every version that the locks name is asked about, not only those for this Python. A source of advisories counts as one
only where it knows an old vulnerability: a mirror of an index has none, which pip-audit takes for good news. Where no
source can be asked, that is said, and the exit code is 0; a vulnerability makes it 1.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from belo.sbom import locked
from terminal.errors import Failure

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("lambda", "worker", "dev")
SOURCES = ("pypi", "osv")
KNOWN = {"jinja2": "2.4.1"}  # has vulnerabilities
OPTIONS = "--format json --disable-pip --no-deps --progress-spinner off --timeout 3 --cache-dir .cache/audit/answers"

Answer = list[dict[str, Any]]


class NoAnswer(Exception):
    """A source that cannot be asked."""


def ask(pip_audit: str, source: str, versions: dict[str, str]) -> Answer:
    """Return what a source knows of versions, one a package; raises `NoAnswer`."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(f"{name}=={version}\n" for name, version in versions.items())
        file.flush()
        command = [pip_audit, *OPTIONS.split(), "--vulnerability-service", source, "--requirement", file.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    try:
        answer: Answer = json.loads(done.stdout)["dependencies"]
    except ValueError:
        raise NoAnswer(done.stderr.strip()) from None
    return answer


def source_of_advisories(pip_audit: str) -> str | None:
    """Return the first source that knows what is known, None where there is none."""
    for source in SOURCES:
        try:
            if any(each.get("vulns") for each in ask(pip_audit, source, KNOWN)):
                return source
        except NoAnswer:
            continue
    return None


def known_of(pip_audit: str, source: str, wanted: set[tuple[str, str]]) -> Answer:
    """Return what a source knows of all versions; raises `Failure` where it answers for some only."""
    found: Answer = []
    while wanted:
        versions = dict(sorted(wanted))  # one of each package is what can be asked at once
        try:
            found += ask(pip_audit, source, versions)
        except NoAnswer as error:
            raise Failure(f"{source} does not answer for all packages: {error}") from None
        wanted = wanted - set(versions.items())
    return found


def main() -> None:
    """Look the locks up with the pip-audit that is named."""
    (pip_audit,) = sys.argv[1:]
    source = source_of_advisories(pip_audit)
    if source is None:
        print("audit: no source of advisories can be asked from here, and nothing was looked up", file=sys.stderr)
        return
    try:
        wanted = {each for lock in LOCKS for each, _ in locked(ROOT / "requirements" / f"{lock}.txt")}
        found = known_of(pip_audit, source, wanted)
    except Failure as failure:
        failure.exit("audit")
    for each in found:
        for one in each.get("vulns", []):
            fixed = ", ".join(one["fix_versions"]) or "no version"
            print(f"{each['name']} {each['version']}: {one['id']}, fixed in {fixed}")
    unknown = [f"- not {each['name']}" for each in found if "skip_reason" in each]
    print(f"audit: {source} knows {len(found) - len(unknown)} of {len(found)} versions", *unknown, file=sys.stderr)
    sys.exit(any(each.get("vulns") for each in found))


if __name__ == "__main__":
    main()
