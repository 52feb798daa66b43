"""The command line as a process."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
BELO = f"{sys.executable} -c 'from belo.cli import main; main()'"


@pytest.mark.parametrize("arguments", ["publish --help", "models --json"])
def test_a_closed_standard_output_is_one_clear_line(arguments):
    command = f"{BELO} {arguments} >&-"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "belo: standard output is closed\n")
