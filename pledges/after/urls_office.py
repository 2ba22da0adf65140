"""Addresses of the office after the registration, under /office/after/."""

from django.urls import path

from .views import office, revocation

urlpatterns = [
    path("", office.desk, name="office-after"),
    path("revoke/<str:number>/", revocation.revoke, name="office-revoke"),
    path("<str:number>/", office.matter, name="office-matter"),
    path("<str:number>/accept/", office.accept, name="office-matter-accept"),
    path("<str:number>/take-over/", office.take_over, name="office-matter-take-over"),
    path("<str:number>/assign/", office.assign, name="office-matter-assign"),
    path("<str:number>/approve/", office.approve, name="office-matter-approve"),
    path("<str:number>/correct/", office.correct, name="office-matter-correct"),
    path("<str:number>/refuse/", office.refuse, name="office-matter-refuse"),
]
