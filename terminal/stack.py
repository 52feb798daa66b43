"""Where a stack is: the names of its streams, buckets and function, and how to reach them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.utils import is_valid_uri

from terminal.errors import Failure

ENV_FILE = Path("build/stack.env")
CHOSEN = "BELO_STACK"  # names another file; `--stack` sets it

# The names have these variables; Terraform's outputs are called like the fields.
NAMES = {
    "listings_stream": "BELO_LISTINGS_STREAM",
    "predictions_stream": "BELO_PREDICTIONS_STREAM",
    "models_bucket": "BELO_MODELS_BUCKET",
    "dead_letters_bucket": "BELO_DEAD_LETTERS_BUCKET",
    "archive_bucket": "BELO_ARCHIVE_BUCKET",
    "score_function": "BELO_SCORE_FUNCTION",
}
# These, too, but a stack that was described before they were there is still one.
OPTIONAL_NAMES = {
    "retraining_queue": "BELO_RETRAINING_QUEUE",
    "topic": "BELO_TOPIC",
    "market": "BELO_MARKET",
    "price_url": "BELO_PRICE_URL",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Keys of an AWS account, or of a local cloud, which takes any."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A deployed stack. Without credentials of its own it is reached with boto3's usual ones."""

    listings_stream: str
    predictions_stream: str
    models_bucket: str
    dead_letters_bucket: str
    archive_bucket: str
    score_function: str
    region: str
    retraining_queue: str | None = None  # its name
    topic: str | None = None  # for alarms and promotions; its ARN
    price_url: str | None = None  # where POST /price is
    market: str | None = None  # the market that it prices, where it is not the only one: a name or a file
    endpoint_url: str | None = None
    credentials: Credentials | None = field(default=None, repr=False)

    @classmethod
    def find(cls, environ: Mapping[str, str], env_file: Path = ENV_FILE) -> "Stack":
        """Return the stack of the file that BELO_STACK (`--stack`) names, else the environment's, else `env_file`'s.

        It is one of them whole: a mixture would publish to one cloud and read from another. Where BELO_LISTINGS_STREAM
        is set the environment names one; another variable of a stack that says otherwise than the file is refused by
        name. Raises `Failure` for that, and where nothing names a whole stack.
        """
        if chosen := environ.get(CHOSEN):
            return cls._of_file(Path(chosen))
        if "BELO_LISTINGS_STREAM" in environ:
            return cls._read(environ, "the environment", credentials=None)
        if not env_file.is_file():
            raise Failure(
                "no stack: start one with `make up`, or set BELO_LISTINGS_STREAM and the other BELO_ variables"
            )
        stack = cls._of_file(env_file)
        stack._refuse_contradictions(environ, env_file)
        return stack

    @classmethod
    def _of_file(cls, env_file: Path) -> "Stack":
        try:
            text = env_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Failure(f"no stack: {env_file}: {error}") from None
        lines = [line.partition("=") for line in text.splitlines()]
        values = {name.strip(): value for name, separator, value in lines if separator}
        return cls._read(values, str(env_file), credentials=_credentials(values))

    def _refuse_contradictions(self, environ: Mapping[str, str], env_file: Path) -> None:
        ours = self.environment()
        for name in ("AWS_ENDPOINT_URL", *NAMES.values(), *OPTIONAL_NAMES.values()):
            if environ.get(name) and environ[name] != ours.get(name):
                raise Failure(
                    f"which stack? {name} is {environ[name]} in the environment and {ours.get(name, 'not set')} in "
                    f"{env_file}: unset it, or name a file with --stack"
                )

    def place(self, name: str) -> str:
        """Return where one of its streams, buckets or queues is, for whoever is about to write there."""
        return f"{name} at {self.endpoint_url or f'AWS, {self.region}'}"

    @classmethod
    def _read(cls, values: Mapping[str, str], where: str, credentials: Credentials | None) -> "Stack":
        region = values.get("AWS_REGION") or values.get("AWS_DEFAULT_REGION")
        missing = [variable for variable in NAMES.values() if not values.get(variable)]
        if not region:
            missing.append("AWS_REGION")
        if missing or not region:
            raise Failure(f"no stack: {where} names one, but without {', '.join(missing)}")
        return cls(
            **{name: values[variable] for name, variable in NAMES.items()},
            retraining_queue=values.get(OPTIONAL_NAMES["retraining_queue"]) or None,
            topic=values.get(OPTIONAL_NAMES["topic"]) or None,
            market=values.get(OPTIONAL_NAMES["market"]) or None,
            price_url=values.get(OPTIONAL_NAMES["price_url"]) or None,
            region=region,
            endpoint_url=_endpoint(values.get("AWS_ENDPOINT_URL")),
            credentials=credentials,
        )

    def environment(self) -> dict[str, str]:
        """Return the variables that name this stack to `find`, to boto3 and to the AWS command line."""
        variables = {"AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region}
        if self.endpoint_url:
            variables["AWS_ENDPOINT_URL"] = self.endpoint_url
        if self.credentials:
            variables["AWS_ACCESS_KEY_ID"] = self.credentials.access_key_id
            variables["AWS_SECRET_ACCESS_KEY"] = self.credentials.secret_access_key
            if self.credentials.session_token:
                variables["AWS_SESSION_TOKEN"] = self.credentials.session_token
        names = {variable: getattr(self, name) for name, variable in (NAMES | OPTIONAL_NAMES).items()}
        return variables | {variable: value for variable, value in names.items() if value}

    def write_env(self, path: Path = ENV_FILE) -> None:
        """Write `environment()` as NAME=value lines; a reader sees the old file or the whole new one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f".{path.name}.new")
        text = "".join(f"{name}={value}\n" for name, value in self.environment().items())
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(path)

    def client(self, service: str, config: Config | None = None) -> Any:  # noqa: ANN401 - boto3 makes them
        """Return a boto3 client of the service; `config` wins over the timeouts and retries set here."""
        ours = Config(
            connect_timeout=5,
            read_timeout=30,
            retries={"mode": "standard", "total_max_attempts": 4},
            # A local cloud has one address, and no names like BUCKET.127.0.0.1.
            s3={"addressing_style": "path"} if self.endpoint_url else None,
        )
        keys = self.credentials
        return boto3.client(
            service,
            region_name=self.region,
            endpoint_url=self.endpoint_url,
            aws_access_key_id=keys.access_key_id if keys else None,
            aws_secret_access_key=keys.secret_access_key if keys else None,
            aws_session_token=keys.session_token if keys else None,
            config=ours.merge(config) if config else ours,
        )


def _endpoint(text: str | None) -> str | None:
    if not text:
        return None
    try:
        url = urlsplit(text)
        usable = url.scheme in ("http", "https") and url.port != 0 and bool(is_valid_uri(text))
    except ValueError:  # a port beyond 65535, a broken IPv6 address
        usable = False
    if not usable:
        raise Failure(f"no stack: AWS_ENDPOINT_URL: expected a URL such as http://127.0.0.1:4566, got {text}")
    return text


def _credentials(values: Mapping[str, str]) -> Credentials | None:
    if not values.get("AWS_ACCESS_KEY_ID"):
        return None
    return Credentials(
        access_key_id=values["AWS_ACCESS_KEY_ID"],
        secret_access_key=values.get("AWS_SECRET_ACCESS_KEY", ""),
        session_token=values.get("AWS_SESSION_TOKEN") or None,
    )
