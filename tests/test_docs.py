"""What the documents name exists, what a user may type is documented, and their examples run.

`python -m tests.test_docs` writes the notebook anew from the page that it must agree with.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.chaos.clients.defects import DEFECTS as CLIENT_DEFECTS
from tests.chaos.clients.storms import STORMS as CLIENT_STORMS
from tests.chaos.defects import DEFECTS
from tests.chaos.storms import STORMS
from tests.loop.defects import DEFECTS as LOOP_DEFECTS
from tests.loop.markets import SCENARIOS as MARKETS

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
TEXT = "\n".join(path.read_text() for path in DOCUMENTS)
PAGE, NOTEBOOK = ROOT / "docs/python.md", ROOT / "docs/python.ipynb"
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


def test_every_storm_and_defect_that_a_guarantee_names_exists():
    page = (ROOT / "docs/guarantees.md").read_text()
    known = {each.name for each in (*STORMS, *CLIENT_STORMS, *DEFECTS, *CLIENT_DEFECTS, *MARKETS)}
    known |= {each.defect.name for each in LOOP_DEFECTS}
    named = {name for name in re.findall(r'"([^"]+)"', page) if name not in {"function", "clients"}}
    whole = {name for name in named if "…" not in name}
    assert whole - known == set()
    begun = {name.partition("…")[0].strip() for name in named - whole}
    assert {name for name in begun if not any(each.startswith(name) for each in known)} == set()


def cells(page: str) -> list[tuple[str, str]]:
    """Return a page's text and its blocks of Python, in order, as a notebook has them."""
    parts = re.split(r"^```python\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    kinds = [("code" if place % 2 else "markdown", part.strip()) for place, part in enumerate(parts)]
    return [(kind, text) for kind, text in kinds if text]


def test_the_examples_of_the_python_page_run_as_they_stand():
    code = "\n".join(text for kind, text in cells(PAGE.read_text()) if kind == "code")
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_notebook_is_the_python_page():
    notebook = json.loads(NOTEBOOK.read_text())
    assert [(each["cell_type"], "".join(each["source"])) for each in notebook["cells"]] == cells(PAGE.read_text())


def write_notebook() -> None:
    """Write the page as a notebook (nbformat 4.5)."""
    made = []
    for number, (kind, text) in enumerate(cells(PAGE.read_text())):
        cell = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": text.splitlines(keepends=True)}
        made.append(cell | ({"execution_count": None, "outputs": []} if kind == "code" else {}))
    document = {"cells": made, "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}
    NOTEBOOK.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    write_notebook()


def test_every_compose_service_has_a_source_and_depends_on_what_is_there():
    services = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"]
    assert all({"image", "build"} & set(service) for service in services.values())
    assert {name for service in services.values() for name in service.get("depends_on", ())} <= set(services)
