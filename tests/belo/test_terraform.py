from belo import terraform


def mirror(folder):
    (folder / "some.registry" / "hashicorp" / "aws").mkdir(parents=True)
    return folder


def test_the_first_place_that_holds_the_provider_is_the_mirror(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    first, second = mirror(tmp_path / "first"), mirror(tmp_path / "second")
    places = (str(tmp_path / "missing"), str(empty), str(first), str(second))
    assert terraform.plugin_mirror({}, places) == first


def test_a_mirror_that_the_user_names_wins(tmp_path):
    named = {"TF_PLUGIN_DIR": str(tmp_path / "mine")}
    assert terraform.plugin_mirror(named, (str(mirror(tmp_path)),)) == tmp_path / "mine"


def test_nobodys_aws_or_terraform_settings_reach_a_local_cloud():
    mine = {"PATH": "/bin", "AWS_PROFILE": "production", "AWS_SESSION_TOKEN": "t", "TF_VAR_prefix": "x-"}
    seen = terraform.environment(mine)
    assert seen["PATH"] == "/bin"
    assert seen["AWS_ACCESS_KEY_ID"] == "test"
    assert not seen.keys() & {"AWS_PROFILE", "AWS_SESSION_TOKEN", "TF_VAR_prefix"}


def test_a_configuration_file_counts_only_where_there_is_one(tmp_path):
    there = tmp_path / "terraformrc"
    assert "TF_CLI_CONFIG_FILE" not in terraform.environment({"TF_CLI_CONFIG_FILE": str(there)})
    there.touch()
    assert terraform.environment({"TF_CLI_CONFIG_FILE": str(there)})["TF_CLI_CONFIG_FILE"] == str(there)
