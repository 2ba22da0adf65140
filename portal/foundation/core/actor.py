"""Who acts: a value passed to every action, never fetched inside one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """A person sitting in one chair of one organisation, as the journal will remember it.

    `user_id` and `organisation_id` are None for the system itself. `role` is a value of `accounts.Role`.
    """

    user_id: int | None
    name: str
    role: str
    organisation_id: int | None
    organisation_name: str
    organisation_kind: str

    @property
    def label(self) -> str:
        """What a reader of the journal sees, e.g. «李示例（示例银行）»."""
        return f"{self.name}（{self.organisation_name}）" if self.organisation_name else self.name


SYSTEM = Actor(
    user_id=None, name="系统", role="system", organisation_id=None, organisation_name="", organisation_kind=""
)
