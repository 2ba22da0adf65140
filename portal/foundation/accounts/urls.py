"""Addresses of log-in, registration, members and profile. No namespace: the names are used everywhere."""

from django.urls import path

from .views import members, organisation, registration, security, session

urlpatterns = [
    path("login/", session.login, name="login"),
    path("logout/", session.logout, name="logout"),
    path("start/", session.landing, name="landing"),
    path("seat/", session.seat, name="seat"),
    path("password/forgotten/", session.forgotten, name="password-forgotten"),
    path("password/", session.password, name="password-change"),
    path("register/", registration.register, name="enterprise-register"),
    path("profile/", organisation.profile, name="profile"),
    path("profile/edit/", organisation.edit, name="profile-edit"),
    path("members/", members.members, name="members"),
    path("members/<int:pk>/end/", members.end, name="member-end"),
    path("members/invitations/<int:pk>/revoke/", members.revoke, name="invitation-revoke"),
    path("invitation/<str:token>/", members.invitation, name="invitation"),
    path("security/", security.people, name="security"),
    path("security/people/<int:pk>/", security.person, name="security-person"),
]
