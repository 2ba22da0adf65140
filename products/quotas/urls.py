"""Addresses under /quotas/. Fixed names; no namespace."""

from django.urls import path

from . import views, views_eligible

urlpatterns = [
    path("", views.quotas, name="quotas"),
    path("eligible/<slug:code>/", views_eligible.listing, name="quota-eligible"),
    path("<int:pk>/", views.quota, name="quota"),
]
