"""The notice that tests and benchmarks print: a demonstration registration with any number of patents."""

from typing import Any

from portal.foundation.core import qr

ADDRESS = "https://portal.example/verify/7K3QABCD/"
TITLES = ("一种变速器壳体的真空压铸方法", "基于边缘计算的电机轴承故障在线诊断装置及其控制系统", "散热器")
KINDS = ("发明", "实用新型", "外观设计")


def registration(patents: int = 4) -> dict[str, Any]:
    """Return the context of templates/pdf/notice_registration.html with that many patents."""
    return {
        "number": "渝质登〔2026〕000128号",
        "demo": True,
        "verify_url": ADDRESS,
        "verify_code": "7K3Q-ABCD",
        "verify_qr": qr.data_uri(ADDRESS),
        "issuer": "重庆代办处（示例）",
        "issued_on": "2026年11月23日",
        "parties": [
            {"role": "出质人", "name": "重庆两江智造科技有限公司（示例）", "uscc": "91500000202869177Y"},
            {"role": "质权人", "name": "示例银行股份有限公司重庆分行", "uscc": "91500000676129728J"},
        ],
        "debt_kind": "流动资金借款合同",
        "debt_yuan": "8,000,000.00",
        "debt_wan": "800",
        "period_from": "2026年11月20日",
        "period_to": "2029年11月19日",
        "guarantee_scope": "主债权本金、利息、违约金及实现债权的费用",
        "registration_date": "2026年11月23日",
        "registrar_number": "",
        "patents": [
            {
                "seq": seq,
                "title": TITLES[seq % 3],
                "kind": KINDS[seq % 3],
                "number": f"{2021100000000 + seq * 7919}",
                "grant_date": f"2023年5月{seq % 28 + 1}日",
            }
            for seq in range(1, patents + 1)
        ],
    }
