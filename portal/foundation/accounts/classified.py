"""How much harm each text field of this app does when it gets out (portal.foundation.core.classes)."""

from portal.foundation.core.classes import classify

classify("accounts.District", public="name kind")
classify("accounts.Industry", public="name")
classify(
    "accounts.Organisation",
    internal="sort_key",
    personal="address contact_name contact_phone",
    public="name short_name uscc",
    business="tiers",
)
classify("accounts.User", personal="username first_name last_name email name phone", sensitive="password")
classify("accounts.Invitation", internal="token_digest", personal="phone")
classify("accounts.Attempt", internal="scope key")
