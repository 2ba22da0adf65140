"""Addresses of the bell."""

from django.urls import path

from . import views

urlpatterns = [
    path("", views.notices, name="notices"),
    path("<int:pk>/open/", views.open_notice, name="notice-open"),
    path("<int:pk>/digest/", views.digest, name="notice-digest"),
    path("read/", views.read_all, name="notices-read"),
]
