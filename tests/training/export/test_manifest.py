from training.export.manifest import code_version


def test_the_code_version_is_one_line():
    assert code_version().strip().count("\n") == 0
