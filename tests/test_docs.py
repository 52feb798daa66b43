"""What the documents name exists, and what a user may type is documented."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
TEXT = "\n".join(path.read_text() for path in DOCUMENTS)
SOURCES = (".py", ".tf", ".md", ".yaml", ".toml", ".png", ".ipynb")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_source_file_that_a_document_names_exists(document):
    if document.name in {"DECISIONS.md", "CHANGELOG.md"}:
        return  # they tell of files as they were
    named = set(re.findall(r"(?:`|\]\()([\w./-]+/[\w.-]+)(?:`|\))", document.read_text()))
    files = {name for name in named if name.endswith(SOURCES) and not name.startswith(("build/", "http"))}
    assert {name for name in files if not any((base / name).exists() for base in (ROOT, document.parent))} == set()


def test_every_make_target_is_documented_and_every_documented_one_exists():
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert targets - set(re.findall(r"`make ([a-z-]+)", (ROOT / "CONTRIBUTING.md").read_text())) == set()
    assert set(re.findall(r"(?:`|\$ )make ([a-z-]+)", TEXT)) - targets == set()


def test_every_command_is_documented():
    code = (
        "from belo.cli import app\n"
        "print(*(each.callback.__name__.replace('_', '-') for each in app.registered_commands))"
    )
    listed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {name for name in listed.split() if f"belo {name}" not in TEXT} == set()
