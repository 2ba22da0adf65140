"""Addresses of log-in, registration, members and profile. No namespace: the names are used everywhere."""

from django.urls import path

from .sso import views as sso
from .views import members, organisation, own, registration, reset, safety, second, security, session

urlpatterns = [
    path("login/", session.login, name="login"),
    path("login/second/", second.step, name="login-second"),
    path("login/second/setup/", second.setup, name="login-setup"),
    path("login/password/", second.password, name="login-password"),
    path("login/sso/", sso.start, name="sso-start"),
    path("login/sso/return/", sso.come_back, name="sso-return"),
    path("logout/", session.logout, name="logout"),
    path("start/", session.landing, name="landing"),
    path("seat/", session.seat, name="seat"),
    path("password/forgotten/", reset.forgotten, name="password-forgotten"),
    path("password/reset/<str:token>/", reset.use, name="password-reset"),
    path("password/", session.password, name="password-change"),
    path("safety/", safety.safety, name="safety"),
    path("safety/code/", safety.code, name="safety-code"),
    path("safety/passkey/", safety.passkey, name="safety-passkey"),
    path("safety/recovery/", safety.recovery, name="safety-recovery"),
    path("safety/<int:pk>/remove/", safety.remove, name="safety-remove"),
    path("safety/sessions/end/", safety.end_others, name="sessions-end"),
    path("safety/sso/", sso.bind, name="sso-bind"),
    path("safety/sso/remove/", sso.unbind, name="sso-unbind"),
    path("register/", registration.register, name="enterprise-register"),
    path("register/code/", registration.code, name="register-code"),
    path("profile/", organisation.profile, name="profile"),
    path("profile/me/", own.me, name="own-edit"),
    path("profile/me/phone/", own.phone, name="own-phone"),
    path("profile/me/phone/code/", own.phone_code, name="own-phone-code"),
    path("mail/<str:token>/", own.confirm_mail, name="mail-confirm"),
    path("profile/edit/", organisation.edit, name="profile-edit"),
    path("members/", members.members, name="members"),
    path("members/<int:pk>/end/", members.end, name="member-end"),
    path("members/invitations/<int:pk>/confirm/", members.confirm, name="invitation-confirm"),
    path("members/invitations/<int:pk>/revoke/", members.revoke, name="invitation-revoke"),
    path("invitation/<str:token>/", members.invitation, name="invitation"),
    path("security/", security.people, name="security"),
    path("security/people/<int:pk>/", security.person, name="security-person"),
]
