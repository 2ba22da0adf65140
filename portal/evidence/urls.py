"""Addresses of the evidence of a clock; the number is the clock's. No namespace."""

from django.urls import path

from . import views

urlpatterns = [
    path("evidence/<int:pk>/", views.page, name="evidence"),
    path("evidence/<int:pk>/paper.pdf", views.paper, name="evidence-paper"),
    path("evidence/<int:pk>/package.jsonl", views.evidence_package, name="evidence-package"),
]
