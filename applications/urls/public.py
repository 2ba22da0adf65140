"""Addresses under /track/: open to anyone."""

from django.urls import path

from applications.views import public

urlpatterns = [path("", public.track, name="track")]
