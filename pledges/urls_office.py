"""Addresses of the clerk's screen."""

from django.urls import include, path

from .duty import views as duty
from .views import forwarding, office, office_registry

urlpatterns = [
    path("", office.desk, name="office"),
    path("after/", include("pledges.after.urls_office")),
    path("done/", office.done, name="office-done"),
    path("extracts/", office_registry.extracts, name="office-extracts"),
    path("extracts/template/", office_registry.template, name="office-extracts-template"),
    path("duty/", duty.duty, name="office-duty"),
    path("duty/absences/<int:pk>/end/", duty.end, name="office-absence-end"),
    path("duty/clerks/<int:pk>/reassign/", duty.reassign, name="office-reassign"),
    path("<str:number>/", office.file, name="office-file"),
    path("<str:number>/accept/", office.accept, name="office-accept"),
    path("<str:number>/take-over/", office.take_over, name="office-take-over"),
    path("<str:number>/assign/", office.assign, name="office-assign"),
    path("<str:number>/hand-over/", office.hand_over, name="office-hand-over"),
    path("<str:number>/registry/", office_registry.check, name="office-registry"),
    path("<str:number>/registry/progress/", office_registry.progress, name="office-registry-progress"),
    path("<str:number>/recuse/", duty.recuse, name="office-recuse"),
    path("<str:number>/check/", office.check, name="office-check"),
    path("<str:number>/correct/", office.correct, name="office-correct"),
    path("<str:number>/register/", office.register, name="office-register"),
    path("<str:number>/forward/", forwarding.forward, name="office-forward"),
    path("<str:number>/refuse/", office.refuse, name="office-refuse"),
]
