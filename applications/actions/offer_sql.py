"""An offer's rows in one statement: the new version, and its referral as the state machine has left it."""

from django.db import connection

from applications.models import Offer, Referral
from portal.foundation.core.prepared import columns, instances

_COLUMNS = (
    "referral_id", "version", "state", "amount", "term_months", "annual_rate", "fee_rate", "other_fees", "repayment",
    "conditions", "valid_until", "made_by", "made_at",
)  # fmt: skip

_OFFER = f"""
WITH answered AS (
    UPDATE applications_referral
       SET state = %(referral_state)s, officer_id = %(officer)s, responded_at = %(responded_at)s
     WHERE id = %(referral_id)s
)
INSERT INTO applications_offer ({", ".join(_COLUMNS)}, product_version_id)
VALUES ({", ".join(f"%({name})s" for name in _COLUMNS)}, (SELECT current_id FROM products_product WHERE id = %(product)s))
RETURNING {columns(Offer)}
"""  # noqa: S608 — only constants are put together, every value is a parameter


def insert_offer(offer: Offer, *, answered: Referral) -> Offer:
    """Save a new offer and its locked referral's state, officer and first reply. Returns the offer as it is stored now.

    It keeps the version of the product that stands in public at this moment: the terms the enterprise has seen.
    """
    values = {name: getattr(offer, name) for name in _COLUMNS} | {
        "product": answered.product_id,
        "referral_state": answered.state,
        "officer": answered.officer_id,
        "responded_at": answered.responded_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(_OFFER, values)
        made = instances(Offer, cursor.fetchall())[0]
    made.referral = answered
    return made
