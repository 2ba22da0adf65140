"""《渝知贷主要产品清单》: the library as a paper, one table a mode. Pure: the products are loaded already."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings

from portal.foundation.core.display import full_date_cn
from portal.foundation.core.moments import local_date

from . import facts
from .models import Mode, Product

COLUMNS = ("产品", "机构", "可质押", "额度", "期限", "年利率或费率", "适用条件", "版本")


def context(products: Sequence[Product], *, total: int, now: datetime) -> dict[str, Any]:
    """What pdf/report_products.html prints; `products` with institution, organisation and current version loaded, the
    first of `total`."""
    tables = []
    for mode in Mode:
        mine = [p for p in products if p.mode == mode]
        if mine:
            tables.append(
                {
                    "caption": f"{mode.label}（{len(mine)} 款）",
                    "columns": COLUMNS,
                    "rows": [_row(p) for p in mine],
                    "texts": len(COLUMNS),
                }
            )
    cut = f"，本清单列出前 {len(products)} 款" if total > len(products) else ""
    return {
        "title": "渝知贷主要产品清单",
        "number": f"截至 {full_date_cn(local_date(now))}，共 {total} 款{cut}",
        "demo": settings.DEMO,
        "tables": tables,
        "note": f"机构没有公布的写作“{facts.UNKNOWN}”。标“公开资料”的摘自公开来源，机构尚未接入本平台。超过 12 个月为中期，超过 60 个月为长期。",
    }


def _row(product: Product) -> list[str]:
    mark = facts.term_mark(product)
    if product.example:
        name = f"{product.name}（示例）"
    else:
        name = product.name if product.institution.connected else f"{product.name}（公开资料）"
    number = product.current.number if product.current else None
    return [
        name,
        product.institution.organisation.name,
        facts.kinds(product),
        facts.amount(product),
        facts.term(product) + (f"（{mark}）" if mark else ""),
        "；".join(part for part in (facts.rate(product), facts.lpr(product)) if part and part != facts.UNKNOWN)
        or facts.UNKNOWN,
        product.conditions or facts.UNKNOWN,
        f"第 {number} 版，{product.updated_on:%Y-%m-%d}" if number else f"{product.updated_on:%Y-%m-%d}",
    ]
