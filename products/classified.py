"""How much harm each text field of this app does when it gets out (portal.foundation.core.classes)."""

from portal.foundation.core.classes import classify

classify(
    "products.ProductImport",
    internal="media_type sha256 scan_note role faults",
    personal="uploaded_by",
    business="name file preview plan",
)
classify("products.LibraryPolicy", personal="set_by", public="ground")
classify("products.QuotaTool", public="code name ground")
classify("products.QuotaEligible", internal="source")
classify("products.QuotaEntry", internal="case_number ground", personal="by", business="loan_number")
classify("products.EnterpriseTier", internal="source")
classify("products.RiskScheme", personal="decided_by", public="code name ground")
classify("products.ExposureEntry", internal="subject")
classify("products.SubsidyScheme", public="code name ground rule")
classify("products.SubsidyClaim", internal="case_number", personal="applied_by", business="note refused_note voucher")
classify("products.SubsidyPaper", internal="media_type sha256 scan_note", personal="uploaded_by", business="name file")
classify(
    "products.ProductVersion", personal="drafted_by submitted_by reviewed_by", business="terms changes note reason"
)
classify("products.Product", public="name rate_note pledge_rates conditions requirements summary state_note source")
