"""A process that is killed after its n-th write; from then on it neither writes nor reads anything."""

from dataclasses import dataclass, field
from typing import Any

WRITES = {
    "put_object", "delete_object", "delete_message", "change_message_visibility",  # S3 and SQS
    "start_run", "finish_run", "keep", "register", "point", "unpoint", "tag",  # the registry
}  # fmt: skip


class Killed(BaseException):
    """SIGKILL, as far as the code can tell: nothing after it happens."""


@dataclass
class Life:
    """One process, which may do `left` more writes, or live for ever."""

    left: int | None = None
    writes: list[str] = field(default_factory=list)
    over: bool = False

    def of(self, client: Any) -> Any:
        """Return the client as this process has it."""
        return _Mortal(client, self)


@dataclass
class _Mortal:
    client: Any
    life: Life

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.client, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            life = self.life
            if life.over:
                raise Killed
            if name not in WRITES:
                return found(*arguments, **named)
            done = found(*arguments, **named)
            life.writes.append(name)
            if len(life.writes) == life.left:
                life.over = True
                raise Killed
            return done

        return call
