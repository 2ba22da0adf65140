"""Addresses of the public pages; included at the root. `home` and `styleguide` have no namespace, the rest is `content:`."""

from django.urls import include, path

from . import views

_pages = [
    path("policy/", views.policy, name="policy"),
    path("guide/", views.guide, name="guide"),
    path("accessibility/", views.accessibility, name="accessibility"),
    path("privacy/", views.privacy, name="privacy"),
    path("display/", views.display, name="display"),
]
urlpatterns = [
    path("", views.home, name="home"),
    path("styleguide/", views.styleguide, name="styleguide"),
    path("", include((_pages, "content"))),
]
