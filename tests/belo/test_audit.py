"""A source that knows nothing is no good news, and a vulnerability of any locked version is told."""

import json
import stat
import subprocess
import sys

import pytest

from belo.audit import known_of, source_of_advisories
from terminal.errors import Failure


def pip_audit(folder, *, advisories: dict[str, str], answers: bool = True):
    """Return a pip-audit with a database of its own: package, and the version that has a vulnerability."""
    program = folder / "pip-audit"
    program.write_text(
        f"#!{sys.executable}\n"
        "import json, pathlib, sys\n"
        f"if not {answers}: sys.exit('no route')\n"
        "lines = pathlib.Path(sys.argv[-1]).read_text().split()\n"
        "pairs = [line.split('==') for line in lines]\n"
        f"bad = {json.dumps(advisories)}\n"
        "print(json.dumps({'dependencies': [{'name': n, 'version': v, 'vulns': "
        "[{'id': 'X-1', 'fix_versions': []}] if bad.get(n) == v else []} for n, v in pairs]}))\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


def test_a_source_that_does_not_know_an_old_vulnerability_is_none(tmp_path):
    assert source_of_advisories(pip_audit(tmp_path, advisories={})) is None
    assert source_of_advisories(pip_audit(tmp_path, advisories={"jinja2": "2.4.1"})) == "pypi"


def test_where_nobody_answers_that_is_said(tmp_path):
    silent = pip_audit(tmp_path, advisories={}, answers=False)
    assert source_of_advisories(silent) is None
    with pytest.raises(Failure, match=r"^pypi does not answer for all packages: no route$"):
        known_of(silent, "pypi", {("numpy", "2.0.0")})
    done = subprocess.run([sys.executable, "-m", "belo.audit", silent], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert "no source of advisories can be asked from here" in done.stderr


def test_every_locked_version_of_a_package_is_asked_about(tmp_path):
    wanted = {("numpy", "2.4.1"), ("numpy", "2.5.5"), ("onnx", "1.20.0")}
    found = known_of(pip_audit(tmp_path, advisories={"numpy": "2.4.1"}), "osv", wanted)
    assert {(each["name"], each["version"]) for each in found} == wanted
    assert [each["version"] for each in found if each["vulns"]] == ["2.4.1"]


def test_a_vulnerability_ends_with_one(tmp_path):
    program = pip_audit(tmp_path, advisories={"jinja2": "2.4.1"} | {"boto3": locked_version("boto3")})
    done = subprocess.run([sys.executable, "-m", "belo.audit", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == f"boto3 {locked_version('boto3')}: X-1, fixed in no version\n"


def locked_version(name: str) -> str:
    from belo.audit import LOCKS, ROOT
    from belo.sbom import locked

    found = {each for lock in LOCKS for each, _ in locked(ROOT / "requirements" / f"{lock}.txt")}
    return dict(found)[name]
