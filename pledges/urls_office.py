"""Addresses of the clerk's screen."""

from django.urls import include, path

from .views import office

urlpatterns = [
    path("", office.desk, name="office"),
    path("after/", include("pledges.after.urls_office")),
    path("done/", office.done, name="office-done"),
    path("<str:number>/", office.file, name="office-file"),
    path("<str:number>/accept/", office.accept, name="office-accept"),
    path("<str:number>/take-over/", office.take_over, name="office-take-over"),
    path("<str:number>/assign/", office.assign, name="office-assign"),
    path("<str:number>/hand-over/", office.hand_over, name="office-hand-over"),
    path("<str:number>/check/", office.check, name="office-check"),
    path("<str:number>/correct/", office.correct, name="office-correct"),
    path("<str:number>/register/", office.register, name="office-register"),
    path("<str:number>/refuse/", office.refuse, name="office-refuse"),
]
