"""Addresses under /quotas/. Fixed names; no namespace."""

from django.urls import path

from . import views, views_eligible, views_tools

urlpatterns = [
    path("", views.quotas, name="quotas"),
    path("eligible/<slug:code>/", views_eligible.listing, name="quota-eligible"),
    path("tools/new/", views_tools.new, name="quota-tool-new"),
    path("tools/<slug:code>/", views_tools.tool, name="quota-tool"),
    path("<int:pk>/", views.quota, name="quota"),
]
