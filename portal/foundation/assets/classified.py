"""How much harm each text field of this app does when it gets out (portal.foundation.core.classes)."""

from portal.foundation.core.classes import classify

classify("assets.RegisterAnswer", internal="media_type sha256 problem", personal="asked_by", business="name")
classify("assets.RegisterLookup", business="number facts")
classify("assets.WeightVersion", personal="decided_by", public="weights note")
classify(
    "assets.Valuation",
    internal="number case_number provider provider_ref",
    personal="created_by final_by",
    business="purpose inputs shares_of_value",
)
classify("assets.ValuedPatent", internal="kind", business="number title scores")
classify("assets.ValuationPaper", internal="media_type sha256 scan_note", personal="uploaded_by", business="name file")
classify("assets.AgencyRequest", personal="asked_by", business="refusal")
classify("assets.Patent", public="number title patentee expiry_note same_day_twin")
classify("assets.CoOwner", personal="name", business="uscc")
