"""The institution's side: desk, referral, pool, team. Mounted under desk/."""

from django.urls import path

from applications.views import (
    covers_institution,
    dispatcher_next,
    institution_desk,
    institution_files,
    institution_pool,
    institution_referral,
    valuations,
)

urlpatterns = [
    path("", institution_desk.desk, name="desk"),
    path("next/", institution_desk.next_one, name="desk-next"),
    path("take/", institution_desk.take, name="desk-take"),
    path("team/", institution_desk.team, name="desk-team"),
    path("owed/<int:pk>/", dispatcher_next.owed, name="desk-owed"),
    path("pool/", institution_pool.pool, name="desk-pool"),
    path("pool/<slug:number>/", institution_pool.claim, name="desk-pool-claim"),
    path("covers/", covers_institution.covers, name="desk-covers"),
    path("covers/<uuid:ref>/", covers_institution.cover, name="desk-cover"),
    path("covers/<uuid:ref>/files/<uuid:file_ref>/", covers_institution.attachment, name="desk-cover-attachment"),
    path("referrals/<uuid:ref>/cover/", covers_institution.ask, name="desk-cover-ask"),
    path("referrals/<uuid:ref>/", institution_referral.referral, name="desk-referral"),
    path("referrals/<uuid:ref>/reveal/", institution_referral.reveal, name="desk-reveal"),
    path("referrals/<uuid:ref>/claim/", institution_referral.claim, name="desk-claim"),
    path("referrals/<uuid:ref>/ask/", institution_referral.ask, name="desk-ask"),
    path("referrals/<uuid:ref>/offer/", institution_referral.offer, name="desk-offer"),
    path("referrals/<uuid:ref>/decline/", institution_referral.decline, name="desk-decline"),
    path("referrals/<uuid:ref>/assign/", institution_referral.assign, name="desk-assign"),
    path("referrals/<uuid:ref>/dispatch/", institution_referral.dispatch, name="desk-dispatch"),
    path("referrals/<uuid:ref>/valuation/", valuations.begin, name="desk-valuation"),
    path("valuations/<slug:number>/renew/", valuations.renew, name="desk-valuation-renew"),
    path("referrals/<uuid:ref>/files/<uuid:file_ref>/", institution_files.attachment, name="desk-attachment"),
]
