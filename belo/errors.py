"""Errors that the person at the command line can mend: one line on standard error, no traceback."""


class Failure(Exception):
    """Something went wrong that the message explains; exit code 1."""

    exit_code = 1


class UsageFailure(Failure):
    """The command was called in a way that cannot work; exit code 2."""

    exit_code = 2
