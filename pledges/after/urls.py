"""Addresses of the parties' pages after the registration; inside the namespace of pledges.urls, under /pledges/."""

from django.urls import path

from .views import consents, parties, reading, revocation

urlpatterns = [
    path("<str:number>/after/", reading.hub, name="after"),
    path("<str:number>/after/consent/", consents.ask, name="consent-ask"),
    path("<str:number>/after/papers/<uuid:ref>/", reading.paper, name="after-paper"),
    path("<str:number>/after/statement/", revocation.state, name="revocation-state"),
    path("<str:number>/after/<str:kind>/", parties.start, name="matter-start"),
    path("matters/<str:number>/", reading.matter, name="matter"),
    path("matters/<str:number>/revise/", parties.revise, name="matter-revise"),
    path("matters/<str:number>/confirm/", parties.confirm, name="matter-confirm"),
    path("matters/<str:number>/send-back/", parties.send_back, name="matter-send-back"),
    path("matters/<str:number>/withdraw/", parties.withdraw, name="matter-withdraw"),
    path("matters/<str:number>/answer/", parties.answer, name="matter-answer"),
    path("consents/<uuid:ref>/", consents.consent, name="consent"),
    path("history/<str:number>/", reading.history, name="history"),
]
