"""The tools of measure 6. Only the special quota's 20 billion stands in the published text of the city; what is not known is
left empty and shown as to be confirmed."""

from decimal import Decimal

from .models import QuotaTool

CITY = "渝银发〔2025〕58号第（六）条"


def load() -> int:
    """Write the tools that are not there yet; returns how many were written."""
    known = set(QuotaTool.objects.values_list("code", flat=True))
    tools = [
        QuotaTool(
            code="special",
            name="支农支小再贷款、再贴现专用额度",
            total=Decimal(20_000_000_000),
            ground=CITY,
            confirmed=True,
        ),
        QuotaTool(code="yukerong", name="渝科融", ground=CITY),
        QuotaTool(
            code="sci-tech",
            name="科技创新和技术改造再贷款",
            restricted=True,
            ground="全国性工具，限名单内机构；本地额度待确认",
        ),
    ]
    return len(QuotaTool.objects.bulk_create([tool for tool in tools if tool.code not in known]))
