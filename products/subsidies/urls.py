"""Addresses under /subsidies/. Fixed names; no namespace."""

from django.urls import path

from . import views, views_schemes

urlpatterns = [
    path("", views.subsidies, name="subsidies"),
    path("schemes/new/", views_schemes.new, name="subsidy-scheme-new"),
    path("schemes/<slug:code>/", views_schemes.scheme, name="subsidy-scheme"),
    path("<slug:code>/apply/", views.apply, name="subsidy-apply"),
    path("claims/<uuid:ref>/", views.claim, name="subsidy-claim"),
    path("claims/<uuid:ref>/files/<uuid:file_ref>/", views.paper, name="subsidy-paper"),
]
