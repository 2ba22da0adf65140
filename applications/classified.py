"""How much harm each text field of this app does when it gets out (portal.foundation.core.classes)."""

from portal.foundation.core.classes import classify

classify(
    "applications.Cover",
    internal="decline_code",
    personal="asked_by contact_name contact_phone committed_by",
    business="note next_step shares conditions decline_note close_note",
)
classify("applications.NextRound", personal="offered_by", business="reasons note")
classify("applications.Offer", personal="made_by", business="repayment conditions")
classify("applications.InformationRequest", personal="asked_by answered_by", business="question answer")
classify(
    "applications.Attachment", internal="media_type sha256 scan_note", personal="uploaded_by", business="name file"
)
classify("applications.ValuationShare", personal="agreed_by")
classify("applications.Draft", business="data")
classify(
    "applications.Application",
    internal="number district_code industry_letter",
    personal="contact_name contact_phone",
    business="organisation_name purpose_note close_reason",
)
classify("applications.ApplicationPatent", business="number kind title")
classify(
    "applications.Referral",
    internal="decline_code",
    personal="contact_name contact_phone",
    business="next_step decline_note",
)
classify("applications.Consent", personal="granted_by")
