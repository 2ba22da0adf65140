"""What people are told about each thing that happens: to whom, in which words, and where the link leads.

Sentences carry no personal data and no amounts: mail repeats them outside the portal.
"""

from portal.foundation.accounts.models import Role
from portal.foundation.journal.models import Entry

from . import about_files as files
from . import about_pledges as pledges
from . import about_products as products
from . import about_requests as requests
from . import about_time as time
from .about_disposals import DISPOSAL
from .letters import A, Letter, Maker, R, both

CATALOGUE: dict[str, Maker] = {
    "file.quarantined": files.quarantined,
    "application.submitted": requests.submitted,
    "application.extended": requests.submitted,
    "application.withdrawn": requests.withdrawn,
    "application.all_declined": requests.to_enterprise(R, "所有机构均已婉拒，正在为您推荐其他机构"),
    "referral.claimed": requests.to_enterprise(R, "机构已接单"),
    "referral.asked": requests.to_enterprise(A, "机构请您补充资料"),
    "referral.answered": requests.to_institution(A, "企业已补充资料"),
    "referral.offered": requests.to_enterprise(A, "收到融资方案，请查看并选择"),
    "referral.declined": requests.to_enterprise(R, "一家机构婉拒了您的需求"),
    "referral.assigned": requests.assigned,
    "referral.dispatched": requests.dispatched,
    "consent.revoked": requests.to_institution(R, "企业已收回对本机构的授权，不必再答复"),
    "valuation.received": products.valued(R, "信用机构估值报告已收到", "list"),
    "valuation.agency_refused": products.valued(R, "信用机构未能出具估值报告", "agency"),
    "valuation.shown": requests.to_institution(R, "企业向本机构出示了专利估值"),
    "referral.lapsed": requests.to_institution(R, "企业已改选其他机构，这一件不必再答复"),
    "next.offered": requests.next_offered,
    "next.owed": requests.next_owed,
    "next.none": requests.to_enterprise(A, "调度台答复：暂无其他机构，请调整需求或结束"),
    "referral.not_selected": requests.to_institution(R, "企业已选定其他机构的方案"),
    "offer.accepted": both(
        requests.to_institution(A, "企业选定了本机构的方案，请办理签约和质押登记"), requests.carried
    ),
    "quota.allotted": products.quota_told("分配了货币政策工具额度"),
    "quota.reduced": products.quota_told("货币政策工具额度被调减"),
    "quota.listed": products.quota_list("本机构列入了货币政策工具的机构名单"),
    "quota.unlisted": products.quota_list("本机构移出了货币政策工具的机构名单"),
    "subsidy.applied": products.subsidy(A, "新的补贴申请，请初审", regulators=True),
    "subsidy.supplemented": products.subsidy(R, "补贴申请补充了证明材料", regulators=True),
    "subsidy.checked": products.subsidy(A, "一份补贴申请已初审，请另一人复核", regulators=True),
    "subsidy.approved": products.subsidy(R, "补贴申请已核定"),
    "subsidy.refused": products.subsidy(R, "补贴申请未通过，请查看理由"),
    "subsidy.withdrawn": products.subsidy(R, "补贴申请已撤回", regulators=True),
    "subsidy.paid": products.subsidy(R, "补贴已拨付"),
    "tier.listed": products.tier_told("本企业列入了分档认定名单"),
    "tier.ended": products.tier_told("本企业的分档认定已结束"),
    "cover.proposed": requests.covered(A, "银行建议申请担保、保险，请您决定", to="e"),
    "cover.asked": both(
        requests.covered(A, "新的担保、保险申请，请在 {days} 个工作日内响应", to="i"),
        requests.covered(R, "已向担保、保险机构申请", to="b"),
    ),
    "cover.intent": requests.covered(R, "担保、保险机构有意向", to="be"),
    "cover.terms": requests.covered(R, "担保、保险机构提出了条件", to="be"),
    "cover.committed": both(
        requests.covered(A, "担保、保险机构已承诺，可以选定方案", to="e"),
        requests.covered(R, "担保、保险机构已承诺", to="b"),
    ),
    "cover.declined": requests.covered(R, "担保、保险机构婉拒了申请", to="be"),
    "cover.withdrawn": requests.covered(R, "担保、保险申请已撤回，不必再办理", to="ib"),
    "cover.released": requests.covered(R, "担保、保险责任已解除", to="be"),
    "cover.compensated": requests.covered(R, "已记录代偿", to="be"),
    "pledge.proposed": pledges.parties(A, "请确认质押登记申请", but_actor=True),
    "pledge.returned": pledges.parties(A, "质押登记申请被退回修改", but_actor=True),
    "pledge.taken_back": pledges.parties(R, "对方取回修改质押登记申请，暂不必确认", but_actor=True),
    "pledge.submitted": pledges.office(A, "新的质押登记件，力争 {days} 个工作日内办结"),
    "pledge.accepted": pledges.parties(R, "质押登记件已受理"),
    "pledge.assigned": pledges.office(A, "一件质押登记件转派给您"),
    "pledge.handed_over": both(
        pledges.office(A, "另一受理机构转来一件质押登记件，时限接着计算"),
        pledges.parties(R, "质押登记件改由另一受理机构办理"),
    ),
    "pledge.correction": pledges.parties(A, "质押登记件需要补正"),
    "pledge.amended": pledges.amended,
    "pledge.completed": pledges.office(A, "补正已完成，请继续审查"),
    "pledge.registered": pledges.parties(R, "专利权质押已登记，可下载通知书"),
    "pledge.refused": pledges.parties(R, "专利权质押不予登记，请查看理由"),
    "pledge.withdrawn": both(
        pledges.parties(R, "质押登记申请已撤回", but_actor=True), pledges.office(R, "质押登记申请已撤回")
    ),
    "pledge.discarded": pledges.parties(R, "质押登记草稿已撤回", but_actor=True),
    "pledge.forwarded": pledges.parties(R, "国家登记号已登记，可在登记件中查看"),
    "pledge.alert": pledges.alert(A),
    "pledge.alert_ended": pledges.alert(R, ended=True),
    "pledge.recused": pledges.recused,
    "patent.register_changed": pledges.register_changed,
    "duty.absence_set": pledges.away,
    "matter.proposed": pledges.matter(A, "请确认{matter}申请", to="p"),
    "matter.returned": pledges.matter(A, "{matter}申请被退回修改", to="p"),
    "matter.submitted": pledges.matter(A, "新的{matter}申请，力争 {days} 个工作日内办结", to="o"),
    "matter.accepted": pledges.matter(R, "{matter}申请已受理", to="p"),
    "matter.assigned": pledges.assigned,
    "matter.correction": pledges.matter(A, "{matter}申请需要补正", to="p"),
    "matter.completed": pledges.matter(A, "{matter}申请补正完成，请继续审查", to="o"),
    "matter.refused": pledges.matter(R, "{matter}申请不予办理，请查看理由", to="p"),
    "matter.withdrawn": pledges.matter(R, "{matter}申请已撤回", to="po"),
    "matter.ended": pledges.matter(R, "质押已终止，{matter}申请随之终止", to="p"),
    "pledge.changed": pledges.matter(R, "质押登记已变更，可下载通知书", to="p"),
    "pledge.released": pledges.matter(R, "部分专利已解除质押，可下载通知书", to="p"),
    "pledge.cancelled": pledges.matter(R, "质押登记已注销，可下载通知书", to="p"),
    "pledge.revocation_proposed": pledges.revocation(A, "建议撤销一件质押登记，请决定", Role.CHIEF),
    "pledge.revocation_told": pledges.revocation_told,
    "pledge.revocation_stated": pledges.revocation(R, "当事人对拟撤销登记陈述了意见", Role.CLERK, Role.CHIEF),
    "pledge.revocation_dropped": pledges.revocation_dropped,
    "pledge.revoked": pledges.parties(R, "质押登记已被撤销，自始无效，请查看通知书"),
    "use.asked": pledges.use_of_patents(A, "出质人请您同意处分质押专利", to="p"),
    "use.agreed": pledges.use_of_patents(R, "质权人已同意，请按所列条件办理", to="o"),
    "use.declined": pledges.use_of_patents(R, "质权人不同意处分质押专利", to="o"),
    "use.withdrawn": pledges.use_of_patents(R, "出质人撤回了处分质押专利的请求", to="p"),
    "loan.recorded": requests.to_enterprise(R, "贷款已发放"),
    **DISPOSAL,
    "product.submitted": products.product_submitted,
    "product.submitted_together": products.products_submitted,
    "product.returned": products.to_its_institution(A, "产品被退回，请按理由修改"),
    "product.published": products.to_its_institution(R, "产品已发布"),
    "product.suspended": products.other_side("产品已暂停"),
    "product.resumed": products.other_side("产品已恢复"),
    "product.withdrawn": products.other_side("产品已下架"),
    "product.stale": products.stale,
    "product.import_checked": products.importer(A, "产品导入文件检查通过，请确认"),
    "product.import_failed": products.importer(A, "产品导入文件有错误，未导入"),
    "product.imported": products.importer(R, "产品已导入"),
    "clock.escalated": time.escalated,
    "clock.recomputed": time.moved,
    "calendar.alarm": time.calendar_ends,
    "calendar.loaded": time.calendar_loaded,
    "closure.set": time.closed("登记处新设停办日"),
    "closure.removed": time.closed("登记处撤销停办日"),
    "supervision.ordered": time.ordered,
    "supervision.overdue": time.late_answer,
    "supervision.replied": time.replied,
    "looks.limit": time.scraping,
    "incident.opened": time.incident("登记了一起安全事件，请在 4 小时内报告"),
    "incident.due_soon": time.incident("安全事件即将超过报告时限"),
    "incident.overdue": time.incident("安全事件已超过 4 小时报告时限"),
}
VERBS = frozenset(CATALOGUE)


def letters(entry: Entry) -> list[Letter]:
    """Who is told what about this entry; empty for verbs nobody is told about."""
    make = CATALOGUE.get(entry.verb)
    return make(entry) if make else []
