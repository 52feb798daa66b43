"""The runbook has a section for every alarm, and no other; what it names exists.

`integration_tests/operating/test_runbook.py` tries its commands.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer

from belo.cli import app

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/runbook.md").read_text()
ALARMS = (ROOT / "infra/modules/stack/alarms.tf").read_text()
PARTS = ("Means", "Look", "Do", "Over")
GROUPS = {"page": "Pages", "ticket": "Tickets"}
NO_VARIABLES = {  # spelt like Terraform's
    *("champion_refused", "challenger_dropped", "foreign_errors"),  # of a function's line
    *("partition_key", "arrived_at", "source_position"),  # of dead letters and predictions
    *("invalid_json", "invalid_event", "invalid_listing"),  # reasons
}


@dataclass(frozen=True)
class Section:
    """A section of the page: the chapter that it stands in, its heading, its text."""

    chapter: str
    heading: str
    text: str

    @property
    def commands(self) -> list[str]:
        """What a person types, in order."""
        blocks = re.findall(r"^```console\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL)
        return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def sections() -> list[Section]:
    """Return the page's sections, in order; a chapter without sections is one."""
    found = []
    for chapter in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        name, _, text = chapter.partition("\n")
        first, *parts = re.split(r"^### ", text, flags=re.MULTILINE)
        if not parts:
            found.append(Section(name, name, first))
        found += [Section(name, part.partition("\n")[0], part.partition("\n")[2]) for part in parts]
    return found


def alarms() -> dict[str, str]:
    """Return who is called by each alarm: page or ticket."""
    return dict(re.findall(r'^ +([a-z][a-z-]*) = \{\n +severity +?= "([a-z]+)"', ALARMS, re.MULTILINE))


OF_ALARMS = [each for each in sections() if each.chapter in GROUPS.values()]
PROCEDURES = [each for each in sections() if each.chapter == "Procedures"]


def test_every_alarm_of_terraform_is_found():
    assert len(alarms()) == len(re.findall(r"^ +severity\b", ALARMS, re.MULTILINE)) > 15


def test_every_alarm_has_a_section_where_its_severity_says_and_every_section_an_alarm():
    assert {each.heading: each.chapter for each in OF_ALARMS} == {
        name: GROUPS[severity] for name, severity in alarms().items()
    }
    assert len(OF_ALARMS) == len(alarms())


@pytest.mark.parametrize("section", OF_ALARMS, ids=lambda each: each.heading)
def test_a_section_says_what_it_means_how_to_look_what_to_do_and_when_it_is_over(section):
    places = [section.text.find(f"**{part}") for part in PARTS]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("section", PROCEDURES, ids=lambda each: each.heading)
def test_a_procedure_has_commands(section):
    assert section.commands


def test_every_link_within_the_page_leads_to_a_section():
    anchors = {re.sub(r"[^a-z0-9-]", "", each.heading.lower().replace(" ", "-")) for each in sections()}
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) - anchors == set()


def test_every_command_is_one_line_behind_a_prompt():
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert {kind for kind, _ in blocks} == {"console"}
    assert [line for _, block in blocks for line in block.splitlines() if not line.startswith("$ ")] == []


def test_every_variable_that_is_named_is_one_of_terraforms():
    stack = "\n".join(path.read_text() for path in (ROOT / "infra").rglob("*.tf"))
    variables = set(re.findall(r'^variable "([a-z_]+)"', stack, re.MULTILINE))
    named = set(re.findall(r"`((?:[a-z]+_)+[a-z]+)`", PAGE)) - NO_VARIABLES
    assert named - variables == set()


def test_every_command_of_belo_exists_with_its_options():
    known = typer.main.get_command(app).commands
    for line in [line for each in sections() for line in each.commands if line.startswith("belo ")]:
        _, name, *words = shlex.split(line)
        assert name in known, line
        options = {option for parameter in known[name].params for option in parameter.opts}
        assert {word for word in words if word.startswith("-")} <= options, line
