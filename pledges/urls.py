"""Addresses of the parties' pages and of the public verification."""

from django.urls import include, path

from .views import filing, papers, parties, public

app_name = "pledges"
urlpatterns = [
    path("pledges/", parties.files, name="list"),
    path("pledges/", include("pledges.after.urls")),
    path("pledges/start/<str:number>/", filing.start, name="start"),
    path("pledges/<str:number>/", parties.detail, name="detail"),
    path("pledges/<str:number>/edit/", filing.edit, name="edit"),
    path("pledges/<str:number>/precheck/", filing.precheck, name="precheck"),
    path("pledges/<str:number>/declare/", filing.declare, name="declare"),
    path("pledges/<str:number>/propose/", filing.propose, name="propose"),
    path("pledges/<str:number>/take-back/", filing.take_back, name="take-back"),
    path("pledges/<str:number>/confirm/", parties.confirm, name="confirm"),
    path("pledges/<str:number>/send-back/", parties.send_back, name="send-back"),
    path("pledges/<str:number>/withdraw/", parties.withdraw, name="withdraw"),
    path("pledges/<str:number>/correct/", parties.correct, name="correct"),
    path("pledges/<str:number>/loan/", parties.loan, name="loan"),
    path("pledges/<str:number>/documents/<uuid:ref>/", papers.document, name="document"),
    path("pledges/<str:number>/notices/<int:notice_id>/", papers.notice, name="notice"),
    path("pledges/<str:number>/notices/<int:notice_id>/pdf/", papers.notice_pdf, name="notice-pdf"),
    path("verify/", public.verify, name="verify"),
    path("v/<str:code>/", public.verified, name="verify"),
]
