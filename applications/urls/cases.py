"""/cases/: the enterprise's home and its cases."""

from django.urls import path

from applications.views import covers_enterprise as covering
from applications.views import enterprise_cases as reading
from applications.views import enterprise_choices as deciding
from applications.views import valuations

urlpatterns = [
    path("", reading.case_list, name="case-list"),
    path("valuations/<str:number>/", valuations.show, name="valuation-show"),
    path("<str:number>/", reading.case, name="case"),
    path("<str:number>/covers/ask/", covering.ask, name="case-cover-ask"),
    path("<str:number>/covers/<uuid:ref>/", covering.cover, name="case-cover"),
    path("<str:number>/offers/", reading.offers, name="case-offers"),
    path("<str:number>/files/<uuid:ref>/", reading.attachment, name="case-attachment"),
    path("<str:number>/offers/<int:offer_id>/accept/", deciding.accept, name="case-accept"),
    path("<str:number>/questions/<int:question_id>/", deciding.answer, name="case-answer"),
    path("<str:number>/withdraw/", deciding.withdraw, name="case-withdraw"),
    path("<str:number>/extend/", deciding.extend, name="case-extend"),
    path("<str:number>/next/<int:institution_id>/", deciding.take_next, name="case-next"),
    path("<str:number>/close/", deciding.close, name="case-close"),
    path("<str:number>/consents/<uuid:ref>/revoke/", deciding.revoke, name="case-revoke"),
]
