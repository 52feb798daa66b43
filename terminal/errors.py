"""Errors that the person at the command line can mend: one line on standard error, no traceback."""

import sys
from typing import NoReturn

from botocore.exceptions import BotoCoreError, ClientError


class Failure(Exception):
    """Something went wrong that the message explains; exit code 1."""

    exit_code = 1

    def exit(self, program: str) -> NoReturn:
        """Say so on standard error, and end the process with the exit code."""
        print(f"{program}: {self}", file=sys.stderr)
        sys.exit(self.exit_code)


class UsageFailure(Failure):
    """The command was called in a way that cannot work; exit code 2."""

    exit_code = 2


def one_line(error: ClientError | BotoCoreError) -> str:
    """Return what AWS, or its client, has to say against a call."""
    text = str(error)
    if isinstance(error, ClientError):
        answer = error.response["Error"]
        text = f"{error.operation_name}: {answer.get('Message') or answer['Code']} ({answer['Code']})"
    return " ".join(text.split())
