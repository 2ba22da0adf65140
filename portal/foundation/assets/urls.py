"""Addresses under /patents/."""

from django.urls import path

from . import views

app_name = "assets"
urlpatterns = [
    path("", views.patents, name="list"),
    path("add/", views.add, name="add"),
    path("check/", views.check, name="check"),
    path("several/", views.add_several, name="several"),
    path("<int:pk>/", views.edit, name="edit"),
    path("<int:pk>/remove/", views.remove, name="remove"),
]
