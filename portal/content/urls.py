"""Addresses under `content:`. `home` and `styleguide` have no namespace and are named in portal/urls.py."""

from django.urls import path

from . import views

app_name = "content"
urlpatterns = [
    path("policy/", views.policy, name="policy"),
    path("guide/", views.guide, name="guide"),
    path("accessibility/", views.accessibility, name="accessibility"),
    path("privacy/", views.privacy, name="privacy"),
    path("display/", views.display, name="display"),
]
