import pytest
from botocore.config import Config

from terminal.errors import Failure
from terminal.stack import Credentials, Stack

NAMES = {
    "BELO_LISTINGS_STREAM": "listings",
    "BELO_PREDICTIONS_STREAM": "predictions",
    "BELO_MODELS_BUCKET": "models",
    "BELO_DEAD_LETTERS_BUCKET": "dead-letters",
    "BELO_ARCHIVE_BUCKET": "archive",
    "BELO_SCORE_FUNCTION": "score",
}
LOCAL = Stack(
    listings_stream="listings",
    predictions_stream="predictions",
    models_bucket="models",
    dead_letters_bucket="dead-letters",
    archive_bucket="archive",
    score_function="score",
    region="us-east-1",
    endpoint_url="http://127.0.0.1:4566",
    credentials=Credentials(access_key_id="of-the-file", secret_access_key="secret"),
)


@pytest.fixture
def env_file(tmp_path):
    path = tmp_path / "build" / "stack.env"
    LOCAL.write_env(path)
    return path


def test_a_stack_that_was_written_is_found_again(env_file):
    assert Stack.find({}, env_file) == LOCAL


def test_the_file_names_everything_that_other_programs_need(env_file):
    assert dict(line.split("=", 1) for line in env_file.read_text().splitlines()) == NAMES | {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "of-the-file",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }


def test_the_environment_wins_over_the_file_and_nothing_is_mixed(env_file):
    environ = NAMES | {"BELO_LISTINGS_STREAM": "elsewhere", "AWS_REGION": "sa-east-1"}
    found = Stack.find(environ, env_file)
    assert (found.listings_stream, found.region) == ("elsewhere", "sa-east-1")
    assert found.endpoint_url is None
    assert found.credentials is None


def test_other_aws_variables_do_not_reach_into_the_stack_of_the_file(env_file):
    environ = {"AWS_REGION": "sa-east-1", "AWS_ACCESS_KEY_ID": "mine"}
    assert Stack.find(environ, env_file) == LOCAL


@pytest.mark.parametrize(
    ("name", "value"), [("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("BELO_MODELS_BUCKET", "another-bucket")]
)
def test_a_variable_that_contradicts_the_file_is_refused_by_name(env_file, name, value):
    with pytest.raises(Failure, match=f"{name} is {value} in the environment and .* in .*stack.env"):
        Stack.find({name: value}, env_file)


def test_a_file_that_was_chosen_wins_over_the_environment_and_over_the_usual_file(env_file, tmp_path):
    other = tmp_path / "other.env"
    env_file.rename(other)
    environ = NAMES | {"BELO_STACK": str(other), "BELO_LISTINGS_STREAM": "elsewhere", "AWS_REGION": "sa-east-1"}
    assert Stack.find(environ, env_file) == LOCAL


def test_a_chosen_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(Failure, match=r"no stack: .*nowhere\.env"):
        Stack.find({"BELO_STACK": str(tmp_path / "nowhere.env")})


def test_without_a_stack_one_line_says_how_to_get_one(tmp_path):
    with pytest.raises(Failure, match=r"^no stack: start one with `make up`, or set BELO_LISTINGS_STREAM"):
        Stack.find({}, tmp_path / "stack.env")


def test_half_a_stack_is_refused_by_the_names_of_what_is_missing():
    with pytest.raises(Failure, match="without BELO_MODELS_BUCKET, AWS_REGION"):
        Stack.find({name: value for name, value in NAMES.items() if name != "BELO_MODELS_BUCKET"})


@pytest.mark.parametrize("url", ["http://127.0.0.1:4566", "https://localhost.localstack.cloud", "http://[::1]:4566"])
def test_an_endpoint_is_a_url_that_clients_accept(url):
    stack = Stack.find(NAMES | {"AWS_REGION": "sa-east-1", "AWS_ENDPOINT_URL": url})
    assert stack.client("kinesis").meta.endpoint_url == url


@pytest.mark.parametrize(
    "url",
    ["localhost:4566", "ftp://a", "http://", "http://a:0", "http://a:99999", "http://foo_bar:80", "http://exa mple:80"],
)
def test_an_endpoint_that_no_client_accepts_is_refused_by_name(url):
    with pytest.raises(Failure, match=r"^no stack: AWS_ENDPOINT_URL: expected a URL such as .*, got ") as failure:
        Stack.find(NAMES | {"AWS_REGION": "sa-east-1", "AWS_ENDPOINT_URL": url})
    assert str(failure.value).endswith(url)


def test_clients_speak_to_the_stack_with_its_own_credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-environment")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    client = LOCAL.client("kinesis")
    assert client.meta.endpoint_url == "http://127.0.0.1:4566"
    assert client.meta.region_name == "us-east-1"
    assert client._request_signer._credentials.access_key == "of-the-file"


def test_buckets_of_a_local_cloud_stand_in_the_path():
    url = LOCAL.client("s3").generate_presigned_url("get_object", Params={"Bucket": "models", "Key": "k"})
    assert url.startswith("http://127.0.0.1:4566/models/k?")


def test_a_caller_may_set_other_timeouts_and_keeps_the_rest():
    config = LOCAL.client("lambda", Config(read_timeout=900)).meta.config
    assert (config.read_timeout, config.connect_timeout) == (900, 5)
    assert config.retries["mode"] == "standard"


def test_the_credentials_do_not_show_when_a_stack_is_printed():
    assert "secret" not in repr(LOCAL)
