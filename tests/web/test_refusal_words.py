"""What is refused is told to people in Chinese: what was wrong, and what to do about it."""

import ast
from collections.abc import Iterator
from pathlib import Path

from fastapi.testclient import TestClient
from sqlalchemy import select

from api.deps import SESSION_COOKIE, csrf_token
from tests.web.stage import OVERHEATING, ROOT, Stage
from tests.web.test_alarm_pages import PUMP, alarm_of, later, send, somebody
from tests.web.test_walk_tests import place_of
from workflows.tickets import Ticket

ERRORS = {"Conflict", "Invalid", "NotAllowed", "NotFound", "Refused", "Stale", "TooManyTries"}
# Where people meet them: all but the forms and tools of those who set the product up.
TOLD = (
    *(f"workflows/{name}" for name in ("alarms", "customers", "dispatch", "patrol", "tickets")),
    # Rules, back-tests, lists that were kept, and one's own account.
    *(f"core/rulebook{name}.py" for name in ("_drafts", "_reading", "_review", "_shadows")),
    *("core/identity", "core/invitations.py", "core/push_devices.py"),
    *(f"workflows/{name}" for name in ("laboratory", "notifications", "overview")),
    *("workflows/saved_views.py", "api/patrol", "api/laboratory.py", "api/rule_drafts.py"),
    "api/ticket_views.py",
    *(f"core/{name}.py" for name in ("accounts", "files", "households", "pins", "teams", "tries")),
    *("core/lifecycle.py", "core/rosters", "web"),
    *(f"core/{name}" for name in ("administration", "device_credentials", "profiles")),
    *(f"core/{name}.py" for name in ("adoption", "expected_devices", "hearings", "profile_use")),
    *(f"core/{name}.py" for name in ("quarantine_reading", "register", "replacing")),
    *(f"core/{name}.py" for name in ("codes", "dialects", "topic_sharing")),
    *(f"core/{name}.py" for name in ("calendars", "inherited", "local_time", "working_time")),
    *(f"core/{name}.py" for name in ("callers", "limits", "people", "permissions")),
    *(f"core/{name}.py" for name in ("floor_plans", "pictures", "shift_codes", "sign_in_links")),
    *(f"workflows/{name}" for name in ("control_room", "intake", "notifications", "staff")),
    *("api/deps.py", "core/identity/provider.py", "core/voice"),
)
LEFT = {
    # Of files that no person asks for by hand.
    "web/bundle.py",
}


def texts(node: ast.expr) -> Iterator[ast.expr]:
    """What an argument says by itself: no message, which a catalogue would have."""
    if isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value
    ):
        yield node
    elif isinstance(node, ast.IfExp):
        yield from (*texts(node.body), *texts(node.orelse))
    elif isinstance(node, ast.List | ast.Tuple):
        for each in node.elts:
            yield from texts(each)
    elif isinstance(node, ast.ListComp | ast.GeneratorExp):
        yield from texts(node.elt)


def said(path: Path) -> Iterator[ast.expr]:
    """What refusals of a module say."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield from called(node)
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            known = {getattr(target, "id", "") for target in targets} & {"problem", "problems"}
            yield from [node.value] if known and node.value else []
        elif isinstance(node, ast.FunctionDef) and node.name.endswith("_problems"):
            steps = [each for each in ast.walk(node) if isinstance(each, ast.Return)]
            yield from (step.value for step in steps if step.value)


def called(call: ast.Call) -> Iterator[ast.expr]:
    """What a call says: of an error, or one that adds to what is wrong."""
    if isinstance(call.func, ast.Name) and call.func.id in ERRORS:
        yield from (*call.args, *(each.value for each in call.keywords))
    elif isinstance(call.func, ast.Attribute) and call.func.attr == "append":
        known = getattr(call.func.value, "id", "")
        yield from call.args if known == "problems" else ()


def test_what_is_refused_is_in_the_catalogue() -> None:
    paths = [ROOT / name for name in TOLD]
    files = [file for path in paths for file in (path.rglob("*.py") if path.is_dir() else [path])]
    looked = 0
    for file in files:
        name = file.relative_to(ROOT).as_posix()
        if name in LEFT:
            continue
        for argument in said(file):
            looked += 1
            bare = [ast.unparse(text) for text in texts(argument)]
            assert not bare, f"{name}:{argument.lineno}"
    assert looked > 500


def refused(client: TestClient, address: str, status: int, **fields: str) -> str:
    """The page that refuses a form, as a Chinese reader sees it."""
    csrf = csrf_token(client.cookies[SESSION_COOKIE])
    answer = client.post(f"{address}?lang=zh", data={"csrf": csrf, **fields})
    assert answer.status_code == status, answer.text
    return str(answer.text)


def test_a_chinese_reader_is_told_in_chinese_what_was_refused(stage: Stage) -> None:
    stage.trip(PUMP, OVERHEATING)
    stage.say(PUMP, {"running": 0})
    lead = somebody(stage, "supervisor", "Lead Zhao")
    place = {"site": str(stage.site_id), "space": str(place_of(stage))}
    test = {**place, "ends": later(stage, 2)}
    page = refused(lead, "/walk-tests", 422, **test, reason=" ")
    assert "测试未开始" in page
    assert "原因：请说明谁在测试什么" in page
    address = send(lead, "/walk-tests", **test, reason="年度测试")
    send(lead, f"{address}/finish")
    page = refused(lead, f"{address}/finish", 409)
    assert "这次步行测试已结束" in page
    assert "剩余部分请另行测试。" in page
    page = refused(lead, f"/alarms/{alarm_of(stage)}/shelve", 422, minutes="60", reason=" ")
    assert "报警未搁置" in page
    assert "原因：请填写，以便他人了解" in page
    page = refused(lead, "/checkpoints", 422, site=str(stage.site_id), latitude="31.2")
    assert "纬度、经度：须同时填写或同时留空" in page
    missing = lead.get("/tickets/424242?lang=zh")
    assert missing.status_code == 404
    assert "没有工单 424242" in missing.text


def test_what_a_status_does_not_allow_is_told_by_its_name(stage: Stage) -> None:
    stage.trip(PUMP, OVERHEATING)
    with stage.parts.database.read() as session:
        ticket = session.scalars(select(Ticket)).one()
    lead = somebody(stage, "supervisor", "Lead Zhao")
    address = f"/tickets/{ticket.number}/verify"
    page = refused(lead, address, 409, version=str(ticket.version))
    assert "当前状态为“待处理”，不允许这样操作。" in page
    assert "cannot" not in page


def test_who_lacks_a_right_is_told_in_chinese_which(stage: Stage) -> None:
    guard = somebody(stage, "guard", "Guard Sun")
    place = {"site": str(stage.site_id), "code": "gateway", "topic_filter": "gateway/#"}
    page = refused(guard, "/sources", 403, **place, dialect="tasmota")
    assert "您在此处没有权限：接入和修改传感器、数据源" in page
    assert "请向本项目的管理员申请包含此权限的角色。" in page


def test_what_is_wrong_with_a_source_is_told_in_chinese(stage: Stage) -> None:
    manager = somebody(stage, "manager", "Manager Zhou")
    place = {"site": str(stage.site_id), "code": "gate way", "topic_filter": "gateway/#/a"}
    page = refused(manager, "/sources", 422, **place, dialect="tasmota")
    assert "数据源未保存" in page
    assert "主题过滤器：# 只能单独作为主题过滤器的最后一级" in page
    assert "编码：只能用字母、数字、_ . 和 -，最多 60 个字符" in page
