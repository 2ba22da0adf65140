"""Who appears in the demonstration. Every name is an example; the log-ins exist only with demonstration data."""

from dataclasses import dataclass
from datetime import date, timedelta

from banks.models import Institution
from portal.foundation.accounts.identity import second, sessions
from portal.foundation.accounts.models import Membership, Organisation, OrganisationKind, Role, User
from portal.foundation.accounts.tiers import Tier
from portal.foundation.assets.models import CoOwner, Patent
from portal.foundation.core.identifiers import PatentKind, expiry_date, organisation_check, patent_check, uscc_check

PASSWORD = "Demo-2026-portal"  # noqa: S105 - printed on purpose, demonstration only
LOGINS = ("enterprise", "officer", "manager", "guarantor", "clerk", "chief", "regulator", "admin", "security", "audit")


@dataclass(frozen=True, slots=True)
class Firm:
    """An example enterprise. `serial` makes its (valid but unissued) credit code and patent numbers."""

    serial: int
    name: str
    short: str
    district: str
    industry: str
    patents: tuple[tuple[str, PatentKind, int], ...]  # title, kind, filing year
    founded: int = 0  # year of the story it is told in; 0: not stated
    tiers: tuple[Tier, ...] = ()


FEE_SOON = (1, 3)  # the firm and the patent in pledge whose next annual fee is due within the month
WRITTEN_IN = 2026  # the filing years below are meant for a story told in this year
INV, UTI, DES = PatentKind.INVENTION, PatentKind.UTILITY, PatentKind.DESIGN
FIRMS = (
    Firm(
        1,
        "重庆示例智造科技有限公司",
        "示例智造",
        "500157",
        "C",
        (
            ("一种镁合金壳体的压铸方法", INV, 2019),
            ("一种电驱动桥的散热装置", INV, 2020),
            ("一种装配工装的定位机构", UTI, 2021),
            ("一种减速器壳体的检测方法", INV, 2018),
        ),
        2016,
        (Tier.HIGH_TECH, Tier.TECH_SME),
    ),
    Firm(
        2,
        "重庆示例微电子股份有限公司",
        "示例微电子",
        "X50001",
        "C",
        (("一种功率器件的封装结构", INV, 2020), ("一种栅极驱动电路", INV, 2021)),
        2018,
        (Tier.SPECIALISED, Tier.HIGH_TECH),
    ),
    Firm(
        3,
        "重庆示例光电技术有限公司",
        "示例光电",
        "500106",
        "C",
        (("一种光学镜片的镀膜夹具", UTI, 2020), ("一种显示背光模组", UTI, 2022)),
    ),
    Firm(
        4,
        "重庆示例生物医药有限公司",
        "示例生物",
        "500109",
        "M",
        (("一种缓释微球的制备方法", INV, 2017), ("一种药物组合物", INV, 2019)),
    ),
    Firm(5, "重庆示例新材料有限公司", "示例新材", "500102", "C", (("一种页岩气用耐蚀涂层", INV, 2018),)),
    Firm(
        6,
        "重庆示例锂能科技有限公司",
        "示例锂能",
        "500115",
        "C",
        (("一种电池模组的液冷结构", INV, 2020), ("一种电池包箱体", UTI, 2021)),
    ),
    Firm(
        7,
        "重庆示例轻量化部件有限公司",
        "示例轻量化",
        "500120",
        "C",
        (("一种铝合金副车架", UTI, 2021), ("一种连接节点", UTI, 2022)),
    ),
    Firm(8, "重庆示例智慧农机有限公司", "示例农机", "500235", "A", (("一种丘陵山地播种机", INV, 2019),)),
    Firm(9, "重庆示例软件技术有限公司", "示例软件", "500103", "I", (("一种工业数据的采集方法", INV, 2021),)),
    Firm(
        10,
        "重庆示例环保装备有限公司",
        "示例环保",
        "500116",
        "N",
        (("一种污水处理一体化装置", INV, 2018), ("一种滤芯结构", UTI, 2021)),
        2014,
        (Tier.INNOVATIVE,),
    ),
    Firm(11, "重庆示例机器人有限公司", "示例机器人", "500107", "C", (("一种协作机器人的关节模组", INV, 2021),)),
    Firm(12, "重庆示例仪器仪表有限公司", "示例仪表", "500109", "C", (("一种超声流量计的校准方法", INV, 2020),)),
    Firm(  # whose file keeps a clerk busy
        13,
        "重庆示例轨道装备有限公司",
        "示例轨道",
        "500107",
        "C",
        (
            ("一种转向架的检测装置", INV, 2018),
            ("一种制动盘的散热结构", UTI, 2020),
            ("一种车钩缓冲器", INV, 2019),
            ("一种齿轮箱的润滑方法", INV, 2020),
            ("一种轴箱的密封结构", UTI, 2021),
            ("一种受电弓的调节机构", INV, 2019),
            ("一种车体焊缝的检测方法", INV, 2021),
            ("一种车门的导向机构", UTI, 2021),
            ("一种空气弹簧的试验台", UTI, 2020),
            ("一种牵引电机的冷却装置", INV, 2018),
            ("一种轮对的加工工装", UTI, 2022),
            ("一种悬挂参数的估计方法", INV, 2021),
            ("一种司机室的减振结构", UTI, 2021),
            ("一种道岔的监测方法", INV, 2020),
        ),
        2012,
        (Tier.HIGH_TECH,),
    ),
)
INVENTED_MANAGERS = ("林", "唐", "易", "江", "向", "冉", "蒲", "文", "舒", "陶", "秦", "龚", "闵")


def credit_code(serial: int) -> str:
    """A code with right check digits whose organisation part (MAXX…) was never given out for these names."""
    body = f"MAXX{serial:04d}"
    first = f"91500000{body}{organisation_check(body)}"
    return first + uscc_check(first)


def patent_number(kind: PatentKind, year: int, serial: int) -> str:
    """A number with a right check digit from the end of the serial range, where none is known to be issued."""
    digit = {INV: 1, UTI: 2, DES: 3}[kind]
    body = f"{year}{digit}{9_990_000 + serial:07d}"
    return body + patent_check(body)


def seat(username: str, name: str, role: Role, at: Organisation) -> Membership:
    """A person with the demonstration password in one chair; mail goes to a file."""
    user = User.objects.create_user(
        username, email=f"{username}@example.invalid", password=PASSWORD, name=name, phone="13800000000"
    )
    if sessions.needs_second(role):
        second.enrol(user, second.new_secret(), demonstration=True)  # the log-in page shows its present code
    return Membership.objects.create(user=user, organisation=at, role=role)


def enterprise(firm: Firm, username: str, *, today: date) -> Membership:
    """An example enterprise with one member, and its patents: as old, and as long paid for, in any year the story is told."""
    contact = f"{INVENTED_MANAGERS[firm.serial - 1]}示例"
    organisation = Organisation.objects.create(
        kind=OrganisationKind.ENTERPRISE,
        name=firm.name,
        short_name=firm.short,
        uscc=credit_code(firm.serial),
        district_id=firm.district,
        industry_id=firm.industry,
        address="重庆市（示例地址）",
        contact_name=contact,
        contact_phone="13800000000",
        founded_on=date(firm.founded + today.year - WRITTEN_IN, 5, 8) if firm.founded else None,
        tiers={tier.value: f"{today.year + 1}-12-31" for tier in firm.tiers},
    )
    for position, (title, kind, written) in enumerate(firm.patents):
        year = written + today.year - WRITTEN_IN
        filed = date(year, 1 + (2 + position * 2) % 12, 10 + firm.serial)
        made = Patent.objects.create(
            organisation=organisation,
            number=patent_number(kind, year, firm.serial * 10 + position),
            kind=kind,
            title=title,
            patentee=firm.name,
            filing_date=filed,
            grant_date=date(year + 2, 6, 15),
            expires_on=expiry_date(kind, filed),
            fee_paid_until=today + timedelta(days=20)
            if (firm.serial, position) == FEE_SOON
            else date(today.year + 1, filed.month, filed.day),
            checked_on=today - timedelta(days=7),
        )
        if firm.serial == 4 and position == 0:
            CoOwner.objects.create(patent=made, name="重庆示例大学")
    return seat(username, contact, Role.ENTERPRISE, organisation)


def dispatcher() -> Organisation:
    """The desk that owns what no institution matches."""
    made = Organisation.objects.create(
        kind=OrganisationKind.PLATFORM, name="快速通道调度台（示例）", short_name="调度台（示例）"
    )
    Institution.objects.create(organisation=made, example=True, dispatcher=True, takes_open_calls=False)
    return made
