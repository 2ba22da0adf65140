"""Addresses under /valuations/."""

from django.urls import path

from . import views, views_papers, views_weights

app_name = "valuations"
urlpatterns = [
    path("", views.listing, name="list"),
    path("start/", views.start, name="start"),
    path("agency/", views_papers.ask, name="agency"),
    path("weights/", views_weights.listing, name="weights"),
    path("weights/<str:scene>/", views_weights.decide, name="decide"),
    path("<slug:number>/", views.detail, name="detail"),
    path("<slug:number>/report.pdf", views_papers.pdf, name="pdf"),
    path("<slug:number>/paper/", views_papers.paper, name="paper"),
    path("<slug:number>/shares/", views.shares, name="shares"),
    path("<slug:number>/scores/<int:pk>/", views.scores, name="scores"),
    path("<slug:number>/final/", views.final, name="final"),
    path("<slug:number>/discard/", views.discard, name="discard"),
    path("<slug:number>/renew/", views.renew, name="renew"),
    path("<slug:number>/approach/<str:kind>/", views.approach, name="approach"),
]
