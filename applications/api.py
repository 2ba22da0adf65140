"""An institution's own system reads its referrals and answers them; the verbs are the actions the pages call."""

from typing import Any

from django.db.models import Exists, OuterRef
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from applications.actions import responses
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.permissions import Answering
from portal.foundation.core import moments
from portal.foundation.core.once import once
from portal.foundation.core.paging import Pages
from portal.foundation.journal import looks

from .models import Consent, DeclineReason, Referral, ReferralQuerySet

ROW: tuple[str, ...] = (
    "ref",
    "number",
    "state",
    "origin",
    "created_at",
    "responded_at",
    "due_at",
    "provisional",
    "stopped_at",
)


class ReferralSerializer(serializers.ModelSerializer[Referral]):
    """One referral. Amount in yuan, times ISO 8601; `due_at` is exclusive and empty for pool claims."""

    number = serializers.CharField(source="application.number")
    enterprise = serializers.CharField(source="application.organisation_name")
    amount = serializers.DecimalField(source="application.amount", max_digits=16, decimal_places=2)
    term_months = serializers.IntegerField(source="application.term_months")
    due_at = serializers.DateTimeField(source="clock.due_at", default=None, allow_null=True)
    provisional = serializers.BooleanField(source="clock.provisional", default=False)
    stopped_at = serializers.DateTimeField(source="clock.stopped_at", default=None, allow_null=True)

    class Meta:
        model = Referral
        fields: tuple[str, ...] = (
            *ROW,
            "enterprise",
            "amount",
            "term_months",
            "contact_name",
            "contact_phone",
            "next_step",
            "decline_code",
        )


class ReferralRowSerializer(ReferralSerializer):
    """A row of the list: what is to be done until when. Whose request it is, the referral itself says, and counts as read."""

    class Meta(ReferralSerializer.Meta):
        fields = ROW


class ClaimSerializer(serializers.Serializer[Any]):
    contact_name = serializers.CharField(max_length=40)
    contact_phone = serializers.CharField(max_length=20)
    next_step = serializers.CharField(max_length=300)


class DeclineSerializer(serializers.Serializer[Any]):
    code = serializers.ChoiceField(choices=DeclineReason.choices)
    note = serializers.CharField(max_length=300, allow_blank=True, default="")


class ReferralViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Referral]):
    """The caller's institution's referrals; anyone else's are 404."""

    serializer_class = ReferralSerializer
    permission_classes = (Answering,)
    pagination_class = Pages
    lookup_field = "ref"
    lookup_value_converter = "uuid"
    queryset = Referral.objects.none()

    def get_queryset(self) -> ReferralQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return Referral.objects.none()
        # A withdrawn consent ends the reading, whatever became of the referral: number and state remain, on the pages.
        live = Consent.objects.filter(
            application=OuterRef("application"), institution=OuterRef("institution"), revoked_at=None
        )
        visible = Referral.objects.visible_to(actor_of(self.request._request)).filter(Exists(live))
        return visible.select_related("application", "clock")

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Referral]]:
        return ReferralRowSerializer if self.action == "list" else ReferralSerializer

    def get_object(self) -> Referral:
        """One referral, of which the enterprise sees that it was read."""
        actor, now = actor_of(self.request._request), moments.now()
        counted = self.get_queryset().annotate(**looks.today(actor, owner="application__organisation_id", now=now))
        found: Referral = generics.get_object_or_404(counted, ref=self.kwargs["ref"])  # 404 for no UUID too
        looks.check(actor, found, officer_id=found.officer_id, now=now)
        self._looked(found)
        return found

    def _looked(self, found: Referral) -> None:
        request = self.request._request
        looks.note(
            request,
            owner_id=found.application.organisation_id,
            actor=actor_of(request),
            what=looks.What.REQUEST,
            subject=f"application:{found.application_id}",
            case_number=found.application.number,
        )

    def _changed(self, referral_id: int) -> Response:
        found = self.get_queryset().get(pk=referral_id)
        self._looked(found)
        return Response(self.get_serializer(found).data)

    @extend_schema(request=ClaimSerializer, responses=ReferralSerializer)
    @action(detail=True, methods=["post"])
    @once
    def claim(self, request: Request, ref: str) -> Response:
        """接单, with a contact and the next step; stops the response clock. 409 when it can no longer be claimed."""
        referral = get_object_or_404(self.get_queryset(), ref=ref)
        form = ClaimSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        responses.claim(referral.pk, **form.validated_data, actor=actor_of(request._request), now=moments.now())
        return self._changed(referral.pk)

    @extend_schema(request=DeclineSerializer, responses=ReferralSerializer)
    @action(detail=True, methods=["post"])
    @once
    def decline(self, request: Request, ref: str) -> Response:
        """婉拒, with a reason code; stops the response clock."""
        referral = get_object_or_404(self.get_queryset(), ref=ref)
        form = DeclineSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        responses.decline(referral.pk, **form.validated_data, actor=actor_of(request._request), now=moments.now())
        return self._changed(referral.pk)
