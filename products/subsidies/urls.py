"""Addresses under /subsidies/. Fixed names; no namespace."""

from django.urls import path

from . import views

urlpatterns = [
    path("", views.subsidies, name="subsidies"),
    path("<slug:code>/apply/", views.apply, name="subsidy-apply"),
    path("claims/<uuid:ref>/", views.claim, name="subsidy-claim"),
    path("claims/<uuid:ref>/files/<uuid:file_ref>/", views.paper, name="subsidy-paper"),
]
