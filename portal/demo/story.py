"""The demonstration's cast and its day: open, near, overdue, paused and closed cases for every role.

Everything goes through the portal's own actions with moments of the past, so rules, clocks and journal are as they would
have been. Run once, on an empty database with reference data.
"""

from datetime import datetime, timedelta

from applications.actions import choices, drafts, next_lenders, responses
from applications.models import Application, DeclineReason, NextLender, NextRound, Purpose
from pledges.actions import examination
from pledges.duty import actions as duty
from pledges.models import Ground
from pledges.search import certificates
from pledges.search.asking import Question
from pledges.watch import daily as watch
from portal.foundation.accounts.models import Membership, Organisation, OrganisationKind, Role
from portal.foundation.core.moments import local_date
from portal.foundation.journal.dispatcher import dispatch
from portal.foundation.journal.sealer import seal
from portal.foundation.sla import calendars_in_use
from portal.foundation.sla.models import Clock, Escalation, Kind
from portal.foundation.sla.sweep import sweep
from portal.notifications.models import Notice
from portal.reports import actions as supervision
from products.library import load_library
from products.models import Product

from . import afterwards, covers, disposals, filings, library, people, requests, valuing
from .requests import Bank
from .timeline import Timeline


class Story:
    """Builds the cast, then tells it chapter by chapter; each chapter can be read alone."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.time = Timeline(now, calendars_in_use.current())

    def tell(self) -> None:
        """The whole story, then what the loops would have done by now (announce, deliver, seal)."""
        self.cast()
        self.closed_cases()
        self.shared_risk()
        self.offers_to_choose()
        self.desk_of_the_bank()
        self.pledge_files()
        self.afterwards()
        self.not_repaid()
        self.loose_ends()
        self.silent_banks()
        valuing.tell(self.firms[1], self.bank, at=self.time.at(1, 16, 30))
        sweep()
        self.heard(self.time.just(2))  # that a bank stays silent: the next lenders are offered
        self.moved_on()
        self.supervise()
        self.watch_over_pledges()
        library.tell(
            self.time,
            first=self.bank,
            second=self.second,
            third=self.third,
            insurer=self.insurer,
            regulator=self.regulator,
        )
        while dispatch(now=self.now):
            pass
        while seal(now=self.now):
            pass
        Notice.objects.filter(created_at__lt=self.time.at(2, 0)).update(read_at=self.now)

    @staticmethod
    def heard(moment: datetime) -> None:
        """What happened so far is handed to whoever listens, as the loops did within a second."""
        while dispatch(now=moment):
            pass

    def cast(self) -> None:
        """Institutions from the example library with their people; the office, the regulators, the platform."""
        load_library()
        banks = list(Organisation.objects.filter(kind=OrganisationKind.BANK, institution__example=True).order_by("pk"))
        guarantor = Organisation.objects.filter(kind=OrganisationKind.GUARANTOR, institution__example=True).earliest(
            "pk"
        )
        insurer = Organisation.objects.filter(kind=OrganisationKind.INSURER, institution__example=True).earliest("pk")
        office = Organisation.objects.create(
            kind=OrganisationKind.IP_OFFICE,
            name="专利质押登记受理窗口（示例）",
            short_name="登记受理窗口（示例）",
            district_id="500157",
        )
        regulator = Organisation.objects.create(
            kind=OrganisationKind.REGULATOR, name="知识产权质押融资监测组（示例）", short_name="监测组（示例）"
        )
        platform = Organisation.objects.create(
            kind=OrganisationKind.PLATFORM, name="平台运维（示例）", short_name="平台运维（示例）"
        )
        seat, officer = people.seat, Role.OFFICER
        self.bank = self._bank(seat("officer", "李示例", officer, banks[0]))
        self.manager = seat("manager", "高示例", Role.MANAGER, banks[0])
        self.colleague = seat("officer-b", "何示例", officer, banks[0])
        self.second = self._bank(seat("officer2", "罗示例", officer, banks[1]))
        seat("manager2", "杜示例", Role.MANAGER, banks[1])
        self.third = self._bank(seat("officer3", "邓示例", officer, banks[2]))
        seat("manager3", "彭示例", Role.MANAGER, banks[2])
        self.guarantor = self._bank(seat("guarantor", "曾示例", officer, guarantor))
        self.insurer = self._bank(seat("insurer", "田示例", officer, insurer))
        self.clerk = seat("clerk", "王示例", Role.CLERK, office)
        self.clerk2 = seat("clerk2", "汪示例", Role.CLERK, office)
        seat("chief", "周示例", Role.CHIEF, office)
        self.regulator = seat("regulator", "赵示例", Role.REGULATOR, regulator)
        self.second_regulator = seat("regulator2", "钱示例", Role.REGULATOR, regulator)
        seat("admin", "安示例", Role.ADMIN, platform)
        seat("security", "严示例", Role.SECURITY, platform)
        seat("audit", "沈示例", Role.AUDIT, platform)
        seat("dispatcher", "段示例", officer, people.dispatcher())
        self.firms: dict[int, Membership] = {
            firm.serial: people.enterprise(
                firm, "enterprise" if firm.serial == 1 else f"enterprise{firm.serial}", today=local_date(self.now)
            )
            for firm in people.FIRMS
        }

    @staticmethod
    def _bank(officer: Membership) -> Bank:
        return Bank(officer, list(Product.objects.filter(institution_id=officer.organisation_id).order_by("pk")))

    def closed_cases(self) -> None:
        """Two requests that ended well, one refused, one withdrawn: what the channel promises, and what it also does."""
        at = self.time.at
        case = requests.agreed(
            self.firms[1], self.bank, asked=at(14, 9, 20), claimed=at(14, 15, 5), offered=at(13, 10), taken=at(12, 16), wan=500,
            rate="3.45", patents=slice(3, 4),
        )  # fmt: skip
        file = filings.filed(case, self.firms[1], self.bank.officer, at=at(11, 10, 10), serial=1)
        filings.registered(file, self.clerk, at=at(11, 16, 30))
        filings.paid(file, self.bank.officer, at=at(10, 14), rate="3.45", number="SL-0001")
        filings.forwarded(file, self.clerk, at=at(9, 10), number="SHILI-2026-0001")
        # Another bank asks before it lends: what was pledged stands on its certificate, with the moment.
        certificates.certify(
            Question("patent", file.patents.all()[0].number), actor=self.second.officer.actor, now=at(9, 15)
        )
        case = requests.agreed(
            self.firms[6], self.second, asked=at(12, 9), claimed=at(11, 11), offered=at(10, 9), taken=at(9, 10), wan=450,
            rate="3.60", patents=slice(0, 1),
        )  # fmt: skip
        file = filings.filed(case, self.second.officer, self.firms[6], at=at(8, 11), serial=2)
        filings.registered(file, self.clerk2, at=at(8, 17, 20))
        filings.paid(file, self.second.officer, at=at(6, 10), rate="3.60", number="SL-0002")
        case = requests.agreed(
            self.firms[12], self.bank, asked=at(9, 9), claimed=at(8, 11), offered=at(7, 9), taken=at(6, 10), wan=600, rate="3.55",
            patents=slice(0, 1),
        )  # fmt: skip
        file = filings.filed(case, self.bank.officer, self.firms[12], at=at(5, 9, 30), serial=3)
        filings.examined(file, self.clerk, at=at(5, 14))
        examination.refuse(
            file.pk,
            ground=Ground.R12,
            note="合同所附专利清单与申请表不一致，双方确认后另行申请。",
            actor=self.clerk.actor,
            now=at(5, 16),
        )
        case = requests.apply(self.firms[11], [self.bank, self.third], at=at(7, 10), wan=300)
        choices.withdraw(case.pk, reason="已通过自有资金解决", actor=self.firms[11].actor, now=at(7, 17))

    def shared_risk(self) -> None:
        """Bank, guarantor and national fund; bank and insurer; each from the request to the money."""
        covers.tiers(self.firms, today=self.now)
        covers.with_guarantor_and_fund(self.firms[5], self.bank, self.guarantor, self.clerk, time=self.time)
        covers.subsidised(self.firms[5], self.guarantor, self.regulator, self.second_regulator, time=self.time)
        covers.with_insurer(self.firms[3], self.second, self.insurer, self.clerk2, time=self.time)

    def offers_to_choose(self) -> None:
        """The enterprise's own day: three offers to choose from, one bank still due, a guarantor on board, a draft."""
        at, who = self.time.at, self.firms[1]
        case = requests.apply(
            who, [self.bank, self.second, self.third, self.guarantor], at=at(2, 9, 12), wan=450, months=24,
            purpose=Purpose.RESEARCH, patents=slice(0, 2), note="新一代电驱动壳体的研发投入",
        )  # fmt: skip
        requests.claim(case, self.bank, at=at(2, 10, 40), next_step="安排客户经理上门了解研发项目")
        requests.offer(case, self.bank, at=at(1, 10, 15), wan=450, rate="3.45")
        requests.claim(case, self.second, at=at(2, 14, 5), next_step="线上核验专利权属，次日出方案")
        requests.offer(case, self.second, at=at(1, 11, 30), wan=400, rate="3.30")
        requests.claim(case, self.guarantor, at=at(2, 16), next_step="评估反担保方案")
        requests.offer(case, self.guarantor, at=at(1, 15), wan=450, fee="0.80")
        drafts.start(
            actor=who.actor,
            now=self.time.just(95),
            data={"need": {"amount": "300", "term_months": "12", "purpose": Purpose.WORKING_CAPITAL}},
        )

    def desk_of_the_bank(self) -> None:
        """What the officer finds: overdue, due today, fresh, waiting for papers, declined, an open call in the pool."""
        at = self.time.at
        requests.apply(self.firms[5], [self.bank], at=at(4, 15, 20), wan=450, months=12)  # overdue by more than a day
        requests.apply(
            self.firms[3], [self.bank, self.second], at=at(3, 10, 5), wan=300, patents=slice(0, 2)
        )  # just overdue
        requests.apply(self.firms[8], [self.bank], at=at(2, 16, 40), wan=260, months=18)  # due today
        requests.apply(
            self.firms[2],
            [self.bank, self.third],
            at=self.time.just(25),
            wan=900,
            patents=slice(0, 2),
            purpose=Purpose.EQUIPMENT,
        )
        case = requests.apply(self.firms[7], [self.bank], at=at(3, 9), wan=120, months=12, patents=slice(0, 2))
        requests.claim(case, self.bank, at=at(3, 14), next_step="核对近一年财务报表")
        responses.ask(
            requests.referral(case, self.bank).pk,
            question="请补充近一年的财务报表和最近一期纳税申报表。",
            actor=self.bank.officer.actor,
            now=at(2, 9, 30),
        )
        case = requests.apply(self.firms[10], [self.bank], at=at(2, 10), wan=280, months=24)
        requests.claim(case, self.bank, at=at(1, 9, 50), next_step="本周内完成尽职调查")
        covers.asked(case, self.bank, self.guarantor, self.firms[10], at=at(1, 10, 30), wan=280)  # the guarantor's desk
        case = requests.apply(self.firms[9], [self.bank], at=at(5, 9), wan=350, months=12)
        responses.decline(
            requests.referral(case, self.bank).pk,
            code=DeclineReason.IP_VALUE,
            note="专利与主营产品关联度不足",
            actor=self.bank.officer.actor,
            now=at(4, 11),
        )
        self.heard(at(4, 11, 1))  # at once the enterprise is offered others
        requests.apply(self.firms[9], [], at=at(1, 10, 30), wan=200, months=12, open_call=True)
        requests.apply(self.firms[11], [], at=self.time.just(70), wan=700, months=24, open_call=True)

    def pledge_files(self) -> None:
        """What the clerk finds: one overdue, one being examined, one fresh, one waiting for correction."""
        at = self.time.at
        overdue = self._agreed(10, self.third, wan=260)
        filings.filed(overdue, self.third.officer, self.firms[10], at=at(3, 11), serial=4)
        examining = self._agreed(6, self.second, wan=420, patents=slice(1, 2))
        filings.examined(
            filings.filed(examining, self.second.officer, self.firms[6], at=at(1, 10, 20), serial=5, maximum=True),
            self.clerk,
            at=at(1, 15),
        )
        fresh = self._agreed(4, self.third, wan=800, patents=slice(0, 2))
        filings.filed(fresh, self.firms[4], self.third.officer, at=self.time.just(40), serial=6, agent=True)
        large = self._agreed(13, self.bank, wan=900, patents=slice(0, 14))
        filings.filed(large, self.firms[13], self.bank.officer, at=self.time.just(50), serial=9)
        correcting = self._agreed(1, self.third, wan=480, patents=slice(2, 3))
        file = filings.filed(correcting, self.firms[1], self.third.officer, at=at(1, 9, 40), serial=7)
        examination.accept(file.pk, actor=self.clerk2.actor, now=at(1, 11))
        defects = [
            examination.Defect("contract", "合同未加盖出质人骑缝章，请上传完整签章的合同。"),
            examination.Defect("debt_period", "债务履行期限与借款合同不一致，请核对后更正。"),
        ]
        examination.ask_correction(file.pk, defects, actor=self.clerk2.actor, now=at(1, 14, 30))
        drafting = self._agreed(2, self.bank, wan=700, patents=slice(1, 2))
        file = filings.filled(drafting, self.bank.officer, at=at(1, 16), serial=8)
        filings.contract_read(file, self.bank.officer, at=at(1, 16, 5))

    def afterwards(self) -> None:
        """What comes after a registration, decided and waiting, for everybody who has a part in it."""
        bank, firms = self.bank.officer, self.firms
        afterwards.changed_and_cancelled(firms[6], self.second.officer, self.clerk2, time=self.time)
        afterwards.waiting(firms[1], bank, time=self.time)
        afterwards.with_the_office(firms[5], bank, time=self.time)
        afterwards.to_be_revoked(firms[3], self.second.officer, self.clerk2, time=self.time)

    def _agreed(self, firm: int, bank: Bank, *, wan: int, patents: slice = slice(0, 1)) -> Application:
        at = self.time.at
        return requests.agreed(
            self.firms[firm], bank, asked=at(8, 9, 30), claimed=at(7, 14), offered=at(6, 10), taken=at(5, 15), wan=wan, rate="3.50",
            patents=patents,
        )  # fmt: skip

    def not_repaid(self) -> None:
        """Pledged patents on sale, one sale that is over, and a pledge of several kinds of rights."""
        firms, bidders = self.firms, [self.firms[11], self.firms[4]]
        disposals.taking_offers(firms[8], self.bank, self.manager, self.clerk, bidders, time=self.time)
        disposals.over(firms[7], self.bank, self.manager, self.guarantor, self.clerk2, bidders, time=self.time)
        disposals.combined(firms[1], self.bank.officer, time=self.time)

    def loose_ends(self) -> None:
        """A request for the guarantor alone, and one nobody matches: the dispatcher's desk owns it."""
        requests.apply(self.firms[8], [self.guarantor], at=self.time.at(1, 9, 15), wan=300, months=12)
        requests.apply(self.firms[12], [], at=self.time.just(180), wan=20000, months=120, open_call=True)

    def silent_banks(self) -> None:
        """A bank that never answers, twice; and a refusal nobody else can make good, which the dispatcher's desk owes an answer."""
        at = self.time.at
        self.given_up = requests.apply(self.firms[7], [self.third], at=at(8, 10), wan=220, months=12)
        requests.apply(self.firms[1], [self.third], at=at(7, 9, 30), wan=150, months=12, patents=slice(1, 2))
        case = requests.apply(self.firms[11], [self.bank], at=at(2, 9), wan=15000, months=36)
        responses.decline(
            requests.referral(case, self.bank).pk,
            code=DeclineReason.AMOUNT,
            note="超过本行单户可办理的金额",
            actor=self.bank.officer.actor,
            now=at(1, 10),
        )
        self.heard(at(1, 10, 1))

    def moved_on(self) -> None:
        """One of the two enterprises has authorised the next bank; the silent one lapsed. The other has still to choose."""
        offered = NextLender.objects.filter(
            round__application=self.given_up, round__state=NextRound.State.OFFERED
        ).order_by("pk")
        chosen = offered.filter(institution_id__in=[self.bank.pk, self.second.pk]).first() or offered.first()
        if chosen is None:  # told for a day to come, of which the database's own clock has announced nothing yet
            return
        # The sweep goes by the database's clock, which has moved on while the story was told.
        announced = Escalation.objects.filter(clock__case_number=self.given_up.number).latest("pk").announced_at
        soon = self.now <= announced <= self.now + timedelta(minutes=15)
        next_lenders.take(
            self.given_up.pk,
            institution_id=chosen.institution_id,
            actor=self.firms[7].actor,
            now=announced if soon else self.now,
        )

    def watch_over_pledges(self) -> None:
        """A fee is due soon, which both parties read; a clerk is away tomorrow."""
        watch.run(now=self.now)
        tomorrow = local_date(self.now) + timedelta(days=1)
        duty.set_absence(
            self.clerk2.user_id,
            first=tomorrow,
            last=tomorrow,
            note="外出培训（示例）",
            actor=self.clerk2.actor,
            now=self.time.just(30),
        )

    def supervise(self) -> None:
        """The regulator has asked about the longest overdue answer."""
        late = Clock.objects.overdue(now=self.now).filter(kind=Kind.RESPONSE).order_by("due_at").first()
        if late is not None:
            supervision.issue(
                late.pk,
                demand="请说明未在 2 个工作日内响应的原因，并尽快联系企业给出意见。",
                reply_days=1,
                actor=self.regulator.actor,
                now=self.time.just(15),
            )
