"""/apply/: the request in steps."""

from django.urls import path

from applications.views import enterprise_apply as views

app_name = "apply"
urlpatterns = [
    path("", views.start, name="start"),
    path("<int:draft_id>/discard/", views.discard, name="discard"),
    path("<int:draft_id>/review/", views.review, name="review"),
    path("<int:draft_id>/submit/", views.submit, name="submit"),
    path("<int:draft_id>/files/", views.attach, name="attach"),
    path("<int:draft_id>/files/<uuid:ref>/remove/", views.detach, name="detach"),
    path("<int:draft_id>/<slug:step>/save/", views.save, name="save"),
    path("<int:draft_id>/<slug:step>/", views.step, name="step"),
]
