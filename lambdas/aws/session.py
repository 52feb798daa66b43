"""The one session that all clients of a function are made from.

botocore's own: boto3 adds resources and transfers to it that no function uses, for a tenth of a cold start.
"""

from typing import Any

from botocore.config import Config
from botocore.session import Session

_session = Session()


def client(service: str, config: Config) -> Any:  # noqa: ANN401 - by service
    """Return a client of a service; the environment says where that is, and with which credentials."""
    return _session.create_client(service, config=config)
