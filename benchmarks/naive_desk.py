"""The officer's desk as most Django code has it: values(), template filters, Paginator and a count for every tab."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import include, path

from applications.models import Referral
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import District, Role
from portal.foundation.core import moments

PAGE = """{% extends "base.html" %}{% load portal_ui %}
{% block title %}工作台{% endblock %}
{% block main %}<div class="head"><h1>今天要办的</h1><p>已超期 {{ overdue }}</p></div>
<nav class="tabs">{% for state, label, count in tabs %}<a href="?tab={{ state }}">{{ label }} <span class="count">{{ count }}</span></a>{% endfor %}</nav>
<table class="tbl stack"><thead><tr><th>企业</th><th>金额</th><th>期限</th><th>匹配度</th><th>经办人</th><th>响应时限</th><th></th></tr></thead><tbody>
{% for row in page %}<tr><th scope="row"><a href="{% url 'desk-referral' row.ref %}">{{ row.application__organisation_name }}</a>
<span class="sub">{{ row.application__number }} · {{ row.application__district_code|district:districts }}</span></th>
<td class="num">{{ row.application__amount|money_wan }}</td><td class="num">{{ row.application__term_months }}</td>
<td class="num">{{ row.score|default:"—" }}</td><td>{{ row.officer__name|default:"未分配" }}</td>
<td>{{ row.clock__due_at|moment_cn }} {% if row.clock__due_at <= now %}已超期{% else %}{{ row.clock__due_at|timeuntil:now }}{% endif %}</td>
<td class="act"><a class="btn small" href="{% url 'desk-referral' row.ref %}">响应</a></td></tr>
{% endfor %}</tbody></table>
<p>第 {{ page.number }} 页，共 {{ page.paginator.num_pages }} 页，{{ page.paginator.count }} 件</p>
{% if page.has_next %}<a href="?page={{ page.next_page_number }}">下一页</a>{% endif %}{% endblock %}
""".replace("|district:districts", "")
FIELDS = (
    "ref",
    "score",
    "officer__name",
    "clock__due_at",
    "application__number",
    "application__organisation_name",
    "application__district_code",
    "application__amount",
    "application__term_months",
)


@allow(Role.OFFICER, Role.MANAGER)
def desk(request: HttpRequest) -> HttpResponse:
    """Fifty rows, by due moment."""
    actor, now = actor_of(request), moments.now()
    mine = Referral.objects.visible_to(actor)
    waiting = mine.filter(state=Referral.State.WAITING)
    rows = waiting.order_by("clock__due_at", "clock_id").values(*FIELDS)
    tabs = [(state.value, state.label, mine.filter(state=state).count()) for state in Referral.State]
    context = {
        "page": Paginator(rows, 50).get_page(request.GET.get("page")),
        "tabs": tabs,
        "overdue": waiting.filter(clock__due_at__lte=now).count(),
        "districts": dict(District.objects.values_list("code", "name")),
        "now": now,
    }
    return HttpResponse(_template().render(context, request))


def _template():  # type: ignore[no-untyped-def]
    """Compiled once, as a cached loader would."""
    global _compiled
    if _compiled is None:
        _compiled = engines["django"].from_string(PAGE)
    return _compiled


_compiled = None
urlpatterns = [path("bench/desk/", desk), path("", include("portal.urls"))]
