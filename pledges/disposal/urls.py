"""Addresses of the disposals: the public list, the bidder's page, and the parties' pages under «cases»."""

from django.urls import path

from .views import bank, cases, claims, defaults, public

app_name = "disposals"
urlpatterns = [
    path("", public.listings, name="list"),
    path("cases/", cases.cases, name="cases"),
    path("cases/<str:number>/", cases.case, name="case"),
    path("cases/<str:number>/edit/", bank.edit, name="edit"),
    path("cases/<str:number>/take-over/", bank.take_over, name="take-over"),
    path("cases/<str:number>/valuation/<int:pk>/", cases.report, name="report"),
    path("cases/<str:number>/distribution/", bank.distribution, name="distribution"),
    path("defaults/new/<str:number>/", defaults.record, name="default-new"),
    path("defaults/<uuid:ref>/", defaults.default, name="default"),
    path("defaults/<uuid:ref>/papers/<uuid:file_ref>/", defaults.paper, name="default-paper"),
    path("claims/<uuid:ref>/", claims.claim, name="claim"),
    path("<str:number>/", public.detail, name="detail"),
    path("<str:number>/offer/", public.offer, name="offer"),
]
