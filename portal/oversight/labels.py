"""The journal's and the refusals' own words, as the audit administrator reads them."""

from portal.foundation.accounts.models import Role

# The first half of a verb: what it was done to. A test holds it against every verb that is written.
AREAS = {
    "account": "账号管理", "application": "融资需求", "calendar": "工作日历", "clock": "时限", "closure": "临时停办", "consent": "授权",
    "compensation": "代偿", "contact": "联系方式", "cover": "担保、保险", "data": "本单位数据", "default": "违约", "disposal": "质押处置", "duty": "值班和请假",
    "enterprise": "企业注册", "file": "文件", "incident": "安全事件", "institution": "机构", "journal": "日志", "key": "接口密钥", "loan": "放款",
    "looks": "查看上限", "matter": "登记后事项", "member": "成员", "next": "推荐下一批", "offer": "融资方案", "organisation": "单位资料",
    "patent": "专利", "person": "本人账号", "pledge": "质押登记", "policy": "时限规则", "product": "产品", "quota": "政策额度", "records": "导出",
    "referral": "推送办理", "register": "登记簿", "report": "报表导出", "retention": "数据清理", "right": "其他质押登记", "risk": "风险分担",
    "search": "质押查询", "subsidy": "补贴", "supervision": "监测督办", "tier": "分档名单", "use": "使用许可", "valuation": "专利估值",
    "weights": "估值权重",
}  # fmt: skip
KINDS = {
    "conflict": "状态已变", "csrf": "伪造的表单", "log-in-first": "未登录", "method": "方法不对", "no-key": "接口密钥不对",
    "no-seat": "没有身份", "not-allowed": "无此权限", "not-yours": "不属于本单位", "nothing-there": "访客猜测地址", "other-body": "内容不符",
    "sealed-twice": "重复排入封存", "second-step-first": "缺第二步验证", "sso": "统一身份登录失败", "too-large": "文件过大", "too-many": "过于频繁",
    "unreadable": "请求读不懂", "wrong-code": "验证码不对", "wrong-password": "口令不对", "wrong-proof": "身份核对不对", "wrong-second": "第二步不对",
    "wrong-type": "文件类型不对",
}  # fmt: skip


def area(verb: str) -> str:
    """What an entry is about, in words; the verb itself where it has none."""
    return AREAS.get(verb.partition(".")[0], verb)


def kind(code: str) -> str:
    """Why somebody was refused, in words."""
    return KINDS.get(code, code)


def role(code: str) -> str:
    """A role in words; empty for a visitor."""
    return str(Role(code).label) if code in Role.values else code
