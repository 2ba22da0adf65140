"""Addresses of oversight. No namespace: the navigation names them."""

from django.urls import path

from .views import audit, incidents, mine

urlpatterns = [
    path("audit/", audit.journal, name="audit"),
    path("audit/refusals/", audit.refusals, name="audit-refusals"),
    path("audit/looks/", audit.looks, name="audit-looks"),
    path("audit/chain/", audit.chain, name="audit-chain"),
    path("audit/journal.jsonl", audit.export, name="audit-export"),
    path("incidents/", incidents.listing, name="incidents"),
    path("incidents/<int:pk>/", incidents.detail, name="incident"),
    path("profile/looks/", mine.looks, name="looks"),
    path("profile/looks/export/", mine.looks_export, name="looks-export"),
    path("profile/data/", mine.data, name="own-data"),
]
