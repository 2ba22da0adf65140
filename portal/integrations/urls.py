"""Addresses of the keys. Fixed names; no namespace."""

from django.urls import path

from . import views

urlpatterns = [
    path("", views.keys, name="api-keys"),
    path("<int:pk>/revoke/", views.revoke, name="api-key-revoke"),
]
