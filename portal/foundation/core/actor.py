"""Who acts: a value passed to every action, never fetched inside one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """A person sitting in one chair of one organisation, as the journal will remember it.

    `user_id` and `organisation_id` are 0 for the system itself, which nobody else can be. `role` is a value of `accounts.Role`.
    """

    user_id: int
    name: str
    role: str
    organisation_id: int
    organisation_name: str
    organisation_kind: str

    @property
    def label(self) -> str:
        """What a reader of the journal sees, e.g. «李示例（示例银行）»."""
        return f"{self.name}（{self.organisation_name}）" if self.organisation_name else self.name


SYSTEM = Actor(user_id=0, name="系统", role="system", organisation_id=0, organisation_name="", organisation_kind="")
