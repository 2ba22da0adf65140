"""Addresses of the parties' pages and of the public verification."""

from django.urls import include, path

from .search import views as search
from .views import contract, correcting, declared, filing, lists, papers, parties, public
from .watch import views as watch

app_name = "pledges"
urlpatterns = [
    path("pledges/", parties.files, name="list"),
    path("pledges/alerts/", watch.alerts, name="alerts"),
    path("pledges/alerts/<int:pk>/note/", watch.note, name="alert-note"),
    path("pledges/", include("pledges.after.urls")),
    path("pledges/start/<str:number>/", filing.start, name="start"),
    path("pledges/<str:number>/", parties.detail, name="detail"),
    path("pledges/<str:number>/edit/", filing.edit, name="edit"),
    path("pledges/<str:number>/precheck/", filing.precheck, name="precheck"),
    path("pledges/<str:number>/declare/", filing.declare, name="declare"),
    path("pledges/<str:number>/contract/", contract.look, name="contract"),
    path("pledges/<str:number>/patents/", lists.patents, name="patents"),
    path("pledges/<str:number>/patents/list/", lists.upload, name="patent-list"),
    path("pledges/<str:number>/patents/template/", lists.template, name="patent-template"),
    path("pledges/<str:number>/patents/leave-out/", lists.leave_out, name="leave-out"),
    path("pledges/<str:number>/made/<str:kind>/", declared.paper, name="made"),
    path("pledges/<str:number>/made/<str:kind>/pdf/", declared.paper_pdf, name="made-pdf"),
    path("pledges/<str:number>/propose/", filing.propose, name="propose"),
    path("pledges/<str:number>/take-back/", filing.take_back, name="take-back"),
    path("pledges/<str:number>/confirm/", parties.confirm, name="confirm"),
    path("pledges/<str:number>/send-back/", parties.send_back, name="send-back"),
    path("pledges/<str:number>/withdraw/", parties.withdraw, name="withdraw"),
    path("pledges/<str:number>/correct/", correcting.correct, name="correct"),
    path("pledges/<str:number>/loan/", parties.loan, name="loan"),
    path("pledges/<str:number>/documents/<uuid:ref>/", papers.document, name="document"),
    path("pledges/<str:number>/notices/<int:notice_id>/", papers.notice, name="notice"),
    path("pledges/<str:number>/notices/<int:notice_id>/pdf/", papers.notice_pdf, name="notice-pdf"),
    path("pledges/<str:number>/receipts/<int:receipt_id>/pdf/", papers.receipt_pdf, name="receipt-pdf"),
    path("pledges/<str:number>/form/pdf/", papers.application_pdf, name="application-pdf"),
    path("search/", search.search, name="search"),
    path("search/certificate/", search.certify, name="search-certify"),
    path("verify/", public.verify, name="verify"),
    path("v/<str:code>/", public.verified, name="verify"),
    path("v/<str:code>/pdf/", public.certificate_pdf, name="certificate-pdf"),
]
