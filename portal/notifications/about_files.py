"""What the scanner of uploads has to tell."""

from django.urls import reverse

from portal.foundation.accounts.models import Role
from portal.foundation.journal.models import Entry

from .letters import ANSWERING, OFFICE, A, Letter

_SENDERS = (Role.ENTERPRISE, *ANSWERING, *OFFICE, Role.REGULATOR)


def quarantined(entry: Entry) -> list[Letter]:
    """To everybody of the organisation that sent the file. Which one it is says its list, not the message: mail leaves the house."""
    title = "本单位上传的一份文件查出恶意程序，已经隔离"
    body = "材料列表里标有“已隔离”的就是这份文件，对方看不到它。请检查电脑后，重新提供没有问题的文件。"
    sender = entry.data["organisation"]
    return [Letter([sender], _SENDERS, A, title, reverse("landing"), body)] if sender else []
