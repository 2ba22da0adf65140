"""/apply/: the request in steps."""

from django.urls import path

from applications.views import enterprise_apply as views
from applications.views import enterprise_submit as sending

app_name = "apply"
urlpatterns = [
    path("", views.start, name="start"),
    path("<int:draft_id>/discard/", sending.discard, name="discard"),
    path("<int:draft_id>/review/", sending.review, name="review"),
    path("<int:draft_id>/submit/", sending.submit, name="submit"),
    path("<int:draft_id>/files/", views.attach, name="attach"),
    path("<int:draft_id>/files/<uuid:ref>/remove/", views.detach, name="detach"),
    path("<int:draft_id>/<slug:step>/save/", views.save, name="save"),
    path("<int:draft_id>/<slug:step>/", views.step, name="step"),
]
