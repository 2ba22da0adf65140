"""The frame of every page: who sits here, what this role's sections are, how many messages wait."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from portal.foundation.accounts.models import INSTITUTION_KINDS, Membership, Role
from portal.notifications.models import Notice

# (name of the address, label); what comes after the first five stands under «更多», unless it is only one.
SHOWN = 5
SECTIONS: dict[str, list[tuple[str, str]]] = {
    Role.ENTERPRISE: [
        ("case-list", "我的办件"),
        ("apply:start", "提交需求"),
        ("assets:list", "我的专利"),
        ("pledges:list", "质押登记"),
        ("products:list", "产品矩阵"),
        ("valuations:list", "专利估值"),
        ("subsidies", "补贴"),
        ("pledges:alerts", "质押提醒"),
        ("disposals:cases", "质押处置"),
    ],
    Role.OFFICER: [
        ("desk", "工作台"),
        ("desk-pool", "需求池"),
        ("desk-covers", "担保保险"),
        ("pledges:list", "质押登记"),
        ("orders", "督办单"),
        ("valuations:list", "专利估值"),
        ("products:own", "本机构产品"),
        ("products:list", "产品矩阵"),
        ("quotas", "货币政策工具"),
        ("pledges:search", "质押查询"),
        ("pledges:alerts", "质押提醒"),
        ("disposals:cases", "质押处置"),
    ],
    Role.CLERK: [
        ("office", "登记审查"),
        ("office-done", "已办结"),
        ("orders", "督办单"),
        ("pledges:alerts", "质押提醒"),
        ("pledges:verify", "核验"),
        ("pledges:search", "质押查询"),
    ],
    Role.REGULATOR: [
        ("supervision", "监测总览"),
        ("supervision-report", "时限报表"),
        ("supervision-lamps", "亮灯督办"),
        ("products:review", "产品审核"),
        ("supervision-risk", "风险分担"),
        ("supervision-policy", "时限规则"),
        ("supervision-calendar", "工作日历"),
        ("valuations:weights", "评估权重"),
        ("subsidies", "补贴"),
        ("quotas", "货币政策工具"),
        ("pledges:alerts", "质押提醒"),
        ("disposals:cases", "质押处置"),
    ],
    Role.ADMIN: [("supervision-calendar", "工作日历"), ("valuations:weights", "评估权重"), ("incidents", "安全事件")],
    Role.SECURITY: [("security", "账号管理"), ("members", "管理员任命"), ("incidents", "安全事件")],
    Role.AUDIT: [
        ("audit", "操作日志"),
        ("audit-refusals", "拒绝记录"),
        ("audit-looks", "查看记录"),
        ("audit-chain", "日志核验"),
        ("incidents", "安全事件"),
    ],
}
SECTIONS[Role.MANAGER] = SECTIONS[Role.OFFICER]
SECTIONS[Role.CHIEF] = [*SECTIONS[Role.CLERK], ("closures", "停办日")]
ACCOUNT = [("profile", "单位资料"), ("members", "成员管理"), ("safety", "登录安全"), ("password-change", "修改密码")]
OF_THE_ENTERPRISE = ("looks", "谁看过我的资料")
KEYS = ("api-keys", "接口密钥")  # of an institution's manager
WIDE = {Role.OFFICER, Role.MANAGER, Role.CLERK, Role.CHIEF, Role.REGULATOR, Role.SECURITY, Role.AUDIT}


def _link(name: str, label: str, path: str) -> dict[str, Any] | None:
    try:
        url = reverse(name)
    except NoReverseMatch:
        return None
    return {"label": label, "url": url, "current": path == url}


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context of base.html. One query (unread messages) for people, none for visitors."""
    membership: Membership | None = getattr(request, "membership", None)
    shared = {"demo": settings.DEMO}
    if membership is None:
        return shared
    sections = SECTIONS.get(membership.role, [])
    if membership.organisation.kind not in INSTITUTION_KINDS:  # the dispatcher's desk has no products
        sections = [section for section in sections if section[0] != "products:own"]
    links = [link for name, label in sections if (link := _link(name, label, request.path))]
    if links and not any(link["current"] for link in links):
        inside = [link for link in links if request.path.startswith(link["url"])]
        if inside:
            max(inside, key=lambda link: len(link["url"]))["current"] = True
    keeps_keys = membership.role == Role.MANAGER and membership.organisation.kind in INSTITUTION_KINDS
    own = [OF_THE_ENTERPRISE] if membership.role == Role.ENTERPRISE else []
    account = [*own, *ACCOUNT, *([KEYS] if keeps_keys else [])]
    shown = len(links) if len(links) <= SHOWN + 1 else SHOWN
    return {
        **shared,
        "nav": links[:shown],
        "nav_more": links[shown:],
        "account_menu": [link for name, label in account if (link := _link(name, label, request.path))],
        "person": membership.user.name,
        "organisation": membership.organisation.title,
        "wide": membership.role in WIDE,
        "bell_url": reverse("notices"),
        "unread_count": min(
            Notice.objects.filter(membership=membership, read_at=None, digest=None).values("pk")[:100].count(), 99
        ),
    }
