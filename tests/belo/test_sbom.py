import hashlib
import json
import re
import zipfile

import pytest

from belo import bundle, sbom

# Licences that ask for no more than a notice, as SPDX and as older metadata call them.
PERMISSIVE = {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "Zlib"}
PERMISSIVE |= {"Apache Software License", "BSD License", "MIT License"}


def names(licences: list[dict]) -> list[str]:
    """Return a component's licences by name, an expression as its parts: each of them must be permissive."""
    found = [each["expression"] if "expression" in each else each["license"]["name"] for each in licences]
    return [part.strip("() ") for each in found for part in re.split(r" (?:AND|OR) ", each)]


@pytest.fixture(scope="module")
def built():
    return bundle.build(bundle.Target())


@pytest.fixture(scope="module")
def document(built):
    return json.loads(built.with_suffix(sbom.SUFFIX).read_text())


@pytest.fixture
def zipped(tmp_path):
    """Return a bundle of one package with that metadata, and its lock."""

    def make(metadata: str):
        with zipfile.ZipFile(tmp_path / "small.zip", "w") as archive:
            archive.writestr("of_a_kind-1.2.dist-info/METADATA", f"Name: Of_a.Kind\nVersion: 1.2\n{metadata}\n\nText")
        lock = f"of-a-kind==1.0 \\\n    --hash=sha256:{'1' * 64}\nof-a-kind==1.2 ; python_version > '3' \\\n"
        (tmp_path / "lock.txt").write_text(f"{lock}    --hash=sha256:{'2' * 64} \\\n    --hash=sha256:{'3' * 64}\n")
        return tmp_path / "small.zip", tmp_path / "lock.txt"

    return make


def test_it_has_what_cyclonedx_asks_for_and_nothing_that_changes_from_one_time_to_the_next(document):
    assert (document["bomFormat"], document["specVersion"], document["version"]) == ("CycloneDX", "1.6", 1)
    assert "serialNumber" not in document
    assert set(document["metadata"]) == {"component"}
    for each in document["components"]:
        assert each["type"] == "library"
        assert each["purl"] == each["bom-ref"] == f"pkg:pypi/{each['name']}@{each['version']}"


def test_it_says_of_which_zip_it_is(document, built):
    digest = hashlib.sha256(built.read_bytes()).hexdigest()
    assert document["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": digest}]


def test_it_names_what_is_in_the_zip_at_the_locked_versions(document, built):
    with zipfile.ZipFile(built) as archive:
        carried = {name.partition("-")[0] for name in archive.namelist() if ".dist-info/" in name}
    named = {each["name"]: each["version"] for each in document["components"]}
    assert {name.replace("-", "_") for name in named} == carried
    lock = bundle.REQUIREMENTS.read_text()
    assert [name for name, version in named.items() if f"\n{name}=={version} " not in f"\n{lock}"] == []


def test_its_hashes_are_those_of_the_lock(document):
    locked = set(re.findall(r"sha256:([0-9a-f]{64})", bundle.REQUIREMENTS.read_text()))
    for each in document["components"]:
        (wheels,) = each["externalReferences"]
        hashes = {one["content"] for one in wheels["hashes"]}
        assert hashes, each["name"]
        assert hashes <= locked


def test_the_newest_stands_beside_the_newest_bundle(built):
    newest = built.parent / f"{bundle.Target().name}{sbom.SUFFIX}"
    assert newest.read_bytes() == built.with_suffix(sbom.SUFFIX).read_bytes()


def test_everything_that_is_carried_has_a_permissive_licence(document):
    found = {each["name"]: set(names(each["licenses"])) for each in document["components"]}
    assert {name: licences - PERMISSIVE for name, licences in found.items() if not licences <= PERMISSIVE} == {}


def test_native_libraries_that_a_wheel_brings_along_are_those_whose_licences_somebody_has_read(built):
    with zipfile.ZipFile(built) as archive:
        brought = {name.partition(".libs/")[2].partition("-")[0] for name in archive.namelist() if ".libs/" in name}
    assert "libscipy_openblas64_" in brought  # BSD 3-clause, by numpy's licence file
    # GPL 3 with GCC's runtime exception and LGPL 2.1; numpy for Python 3.11 has them, for 3.12 it does without.
    assert brought <= {"libscipy_openblas64_", "libgfortran", "libquadmath"}


@pytest.mark.parametrize(
    ("metadata", "licences"),
    [
        ("License-Expression: MIT AND Zlib\nLicense: no", ["MIT", "Zlib"]),
        ("License: Dual License\nClassifier: License :: OSI Approved :: BSD License", ["BSD License"]),
        ("License: Apache-2.0\nClassifier: Programming Language :: Python", ["Apache-2.0"]),
    ],
)
def test_a_licence_is_read_from_the_metadata_newest_field_first(zipped, metadata, licences):
    (component,) = json.loads(sbom.of(*zipped(metadata)))["components"]
    assert names(component["licenses"]) == licences
    assert set(licences) <= PERMISSIVE


@pytest.mark.parametrize(
    "metadata",
    ["License-Expression: MIT AND GPL-3.0-or-later", "License: LGPL", "Classifier: License :: Other", "Summary: none"],
)
def test_a_licence_that_is_not_permissive_or_missing_is_noticed(zipped, metadata):
    (component,) = json.loads(sbom.of(*zipped(metadata)))["components"]
    assert not set(names(component["licenses"])) <= PERMISSIVE


def test_a_package_has_the_hashes_of_its_own_version_and_its_name_as_an_index_spells_it(zipped):
    (component,) = json.loads(sbom.of(*zipped("License: MIT")))["components"]
    assert component["purl"] == "pkg:pypi/of-a-kind@1.2"
    assert [each["content"][0] for each in component["externalReferences"][0]["hashes"]] == ["2", "3"]


def test_a_package_that_the_lock_does_not_have_is_an_error(zipped):
    small, lock = zipped("License: MIT")
    lock.write_text("another==1.0 \\\n    --hash=sha256:0\n")
    with pytest.raises(KeyError, match="of-a-kind"):
        sbom.of(small, lock)
