"""Addresses under /products/."""

from django.urls import path

from . import views

app_name = "products"
urlpatterns = [
    path("", views.matrix, name="list"),
    path("<int:pk>/", views.product, name="detail"),
]
