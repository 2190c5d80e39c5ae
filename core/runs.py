"""Sweeps on record: when each last succeeded, so that one that was down knows what it missed."""

from datetime import datetime

from sqlalchemy import Integer, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, Instant


class JobRun(Base):
    """One sweep. last_error is empty unless the last run failed."""

    __tablename__ = "job_run"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    last_success: Mapped[datetime | None] = mapped_column(Instant)
    last_error: Mapped[str] = mapped_column(String(300), default="")
    failed_at: Mapped[datetime | None] = mapped_column(Instant)
    runs: Mapped[int] = mapped_column(Integer, default=0)


def _row(session: Session, name: str) -> JobRun:
    row = session.get(JobRun, name)
    if row is None:
        row = JobRun(name=name, last_success=None, last_error="", failed_at=None, runs=0)
        session.add(row)
    return row


def succeeded(session: Session, name: str, now: datetime) -> None:
    """Remember a run that did all it had to do."""
    row = _row(session, name)
    row.last_success = now
    row.last_error = ""
    row.failed_at = None
    row.runs += 1


def failed(session: Session, name: str, error: str, now: datetime) -> None:
    """Remember a run that failed; what it left undone is due again."""
    row = _row(session, name)
    row.last_error = error[:300]
    row.failed_at = now
    row.runs += 1


def last_success(session: Session, name: str) -> datetime | None:
    """When the sweep last did all it had to do; None if it never did."""
    return session.scalar(select(JobRun.last_success).where(JobRun.name == name))


def last_run(session: Session, name: str) -> datetime | None:
    """When the sweep last ran, whether or not it succeeded; None if it never did."""
    row = session.execute(
        select(JobRun.last_success, JobRun.failed_at).where(JobRun.name == name)
    ).first()
    known = [moment for moment in row or () if moment is not None]
    return max(known, default=None)


def all_runs(session: Session) -> list[JobRun]:
    """Every sweep on record, by name."""
    return list(session.scalars(select(JobRun).order_by(JobRun.name)))
