"""What must hold after every broken point, besides the scene's own count: the invariants, and a row for every file."""

from pathlib import Path

from django.conf import settings

from portal.foundation.core.tidying import stored
from portal.proof.invariants import checker
from portal.proof.invariants.options import Options
from portal.proof.scene import World


def violations(world: World) -> list[str]:
    """Every violated invariant with its first case; a mail may have come again once for each process that was killed."""
    run = Options(ladder=tuple(world.ladder), untouched=True, mails=world.stage.mails, repeats=world.stage.killed)
    broken = [result for result in checker.check(run) if result.count]
    return [f"{r.name} {r.count} 处：{'，'.join(r.samples[0])}" for r in broken] + [f"没有文件：{n}" for n in lost()]


def lost() -> list[str]:
    """Files that a row promises and the disk has not."""
    return [name for name in sorted(stored()) if not (Path(settings.MEDIA_ROOT) / name).exists()]
