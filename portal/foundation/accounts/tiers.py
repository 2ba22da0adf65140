"""What an enterprise may have been recognised as. Names only: whoever hands them out is not on this portal."""

from django.db.models import TextChoices


class Tier(TextChoices):
    """Recognitions that products ask for; an enterprise states its own, with the day until which each is valid."""

    LITTLE_GIANT = "little_giant", "专精特新“小巨人”企业"
    SPECIALISED = "specialised", "专精特新中小企业"
    HIGH_TECH = "high_tech", "高新技术企业"
    TECH_SME = "tech_sme", "科技型中小企业"
    INNOVATIVE = "innovative", "创新型中小企业"
    IP_STRONG = "ip_strong", "知识产权优势企业或示范企业"
    IP_INTENSIVE = "ip_intensive", "有专利密集型产品的企业"
