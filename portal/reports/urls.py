"""Addresses of supervision and of the orders it sends. Fixed names; no namespace."""

from django.urls import path

from portal.reports.views import (
    calendar_changes,
    case,
    figures,
    handover,
    orders,
    overview,
    risk,
    rules_and_days,
    tiers,
)

urlpatterns = [
    path("supervision/", overview.overview, name="supervision"),
    path("supervision/report/", figures.report, name="supervision-report"),
    path("supervision/cases/", figures.behind, name="supervision-cases"),
    path("supervision/cases/<str:number>/", case.case, name="supervision-case"),
    path("supervision/files/<str:number>/hand-over/", handover.hand_over, name="supervision-hand-over"),
    path("supervision/risk/", risk.overview, name="supervision-risk"),
    path("supervision/risk/schemes/new/", risk.scheme_new, name="supervision-scheme-new"),
    path("supervision/risk/schemes/<slug:code>/", risk.scheme, name="supervision-scheme"),
    path("supervision/tiers/", tiers.tiers, name="supervision-tiers"),
    path("supervision/tiers/import/", tiers.import_list, name="supervision-tiers-import"),
    path("supervision/tiers/template.xlsx", tiers.template, name="supervision-tiers-template"),
    path("supervision/tiers/<int:pk>/end/", tiers.end, name="supervision-tier-end"),
    path("supervision/export/", figures.export, name="supervision-export"),
    path("supervision/lamps/", orders.lamps, name="supervision-lamps"),
    path("supervision/lamps/<int:pk>/order/", orders.order, name="supervision-order"),
    path("supervision/policy/", rules_and_days.policy, name="supervision-policy"),
    path("supervision/policy/<str:kind>/new/", rules_and_days.policy_new, name="supervision-policy-new"),
    path("supervision/calendar/", rules_and_days.calendar, name="supervision-calendar"),
    path("supervision/calendar/import/", calendar_changes.import_year, name="supervision-calendar-import"),
    path("supervision/calendar/provisional/", calendar_changes.provisional, name="supervision-calendar-provisional"),
    path("closures/", calendar_changes.closed_days, name="closures"),
    path("closures/remove/", calendar_changes.reopen_day, name="closures-remove"),
    path("orders/", orders.orders, name="orders"),
    path("orders/<str:number>/", orders.reply, name="order-reply"),
]
