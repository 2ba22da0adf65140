"""Addresses under /quotas/. Fixed names; no namespace."""

from django.urls import path

from . import views

urlpatterns = [
    path("", views.quotas, name="quotas"),
    path("<int:pk>/", views.quota, name="quota"),
]
