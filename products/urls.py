"""Addresses under /products/."""

from django.urls import path

from .views import imports, institution, public, review

app_name = "products"
urlpatterns = [
    path("", public.matrix, name="list"),
    path("list.pdf", public.paper, name="paper"),
    path("changes/", public.changes, name="changes"),
    path("feed.atom", public.feed, name="feed"),
    path("<int:pk>/", public.product, name="detail"),
    path("<int:pk>/versions/<int:number>/", public.version, name="version"),
    path("own/", institution.own, name="own"),
    path("own/new/", institution.new, name="new"),
    path("own/<int:pk>/", institution.manage, name="manage"),
    path("own/<int:pk>/edit/", institution.edit, name="edit"),
    path("own/<int:pk>/<slug:verb>/", institution.verb, name="verb"),
    path("review/", review.desk, name="review"),
    path("review/policy/", review.policy, name="policy"),
    path("review/<int:pk>/", review.item, name="review-item"),
    path("export.xlsx", imports.export, name="export"),
    path("import/", imports.start, name="import"),
    path("import/template.xlsx", imports.template, name="import-template"),
    path("import/<int:pk>/", imports.job, name="import-job"),
    path("import/<int:pk>/submit/", imports.submit, name="import-submit"),
]
