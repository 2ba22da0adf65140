"""The pre-check at /match/."""

from django.urls import path

from . import views_match

urlpatterns = [path("", views_match.match, name="match")]
