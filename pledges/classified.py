"""How much harm each text field of this app does when it gets out (portal.foundation.core.classes)."""

from portal.foundation.core.classes import classify

classify(
    "pledges.Matter",
    internal="number",
    personal="proposed_by confirmed_by decided_by",
    business="reason content kept checks sent_back_note refusal_note",
)
classify("pledges.MatterCorrection", personal="answered_by", business="answer")
classify("pledges.Revocation", business="found note")
classify("pledges.UseConsent", personal="asked_by answered_by", business="counterparty about terms")
classify("pledges.AfterPaper", internal="media_type sha256 scan_note", personal="uploaded_by", business="name file")
classify("pledges.RegisterJob", internal="problem", personal="asked_by")
classify("pledges.ContractReading", internal="document_sha256", personal="read_by", business="items clauses")
classify("pledges.Default", personal="recorded_by cured_by", business="note cure_note")
classify("pledges.DefaultPaper", internal="media_type sha256 scan_note", personal="uploaded_by", business="name file")
classify(
    "pledges.Disposal",
    internal="number",
    personal="contact_name contact_phone awarded_by",
    public="statement",
    business="return_note failed_note close_note",
)
classify("pledges.Bid", personal="made_by", business="note")
classify(
    "pledges.TakeOver",
    internal="media_type sha256 scan_note",
    personal="uploaded_by answered_by",
    business="name file valuer answer_note",
)
classify("pledges.Distribution", personal="confirmed_by")
classify("pledges.Share", personal="payee")
classify("pledges.Compensation", personal="filed_by answered_by", business="shares voucher refused_note")
classify("pledges.Absence", personal="set_by", business="note")
classify("pledges.Recusal", business="reason")
classify(
    "pledges.OtherRight",
    internal="registrar",
    personal="created_by saved_by",
    business="title number classes filing_number pledge_number note",
)
classify(
    "pledges.OtherRightPaper", internal="media_type sha256 scan_note", personal="uploaded_by", business="name file"
)
classify(
    "pledges.Document",
    internal="media_type sha256 scan_note",
    personal="uploaded_by",
    business="name file co_owner patent_number",
)
classify("pledges.Check", internal="point source", personal="checked_by", business="evidence")
classify("pledges.Correction", internal="field", personal="answered_by", business="defect answer")
classify("pledges.Notice", internal="verify_code sha256 sealed_digest", public="number", business="facts file")
classify("pledges.Receipt", internal="verify_code sha256 sealed_digest", public="number", business="facts file")
classify("pledges.OutsideParty", personal="address", sensitive="identity")
classify("pledges.Agent", personal="agency person phone", business="powers", sensitive="identity")
classify("pledges.PatentList", internal="media_type sha256 scan_note", personal="uploaded_by", business="name file")
classify(
    "pledges.SearchCertificate",
    internal="verify_code sha256 sealed_digest",
    public="number asked",
    business="facts file",
)
classify(
    "pledges.Signature",
    internal="digest provider algorithm key_id",
    personal="signed_by",
    business="signed_for content value",
)
classify("pledges.Alert", internal="number", business="text ended_text")
classify("pledges.AlertSeen", personal="seen_by")
classify(
    "pledges.Registration",
    internal="number saved_page",
    personal="national_by saved_by proposed_by confirmed_by decided_by",
    business="national_number typed debtor_name contract_number sent_back_note refusal_note pledgor_name pledgee_name pledgor_address pledgee_address",
)
classify("pledges.PledgedPatent", public="number kind title")
classify("pledges.Loan", personal="recorded_by", business="loan_number")
classify("pledges.RevocationStatement", personal="said_by", business="text")
