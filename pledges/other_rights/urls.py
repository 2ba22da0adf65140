"""Addresses of all registrations of a financing, under the number of its request."""

from django.urls import path

from . import views

app_name = "other-rights"
urlpatterns = [
    path("<str:number>/", views.rights, name="list"),
    path("<str:number>/add/", views.add, name="add"),
    path("<str:number>/<uuid:ref>/", views.right, name="right"),
    path("<str:number>/<uuid:ref>/papers/<uuid:file_ref>/", views.paper, name="paper"),
]
