"""Profiles: kinds of devices as data, so that a device that is new is known when it speaks."""

from core.profiles.matching import Feed, Fit, Said, Sight, best_fit, fit_of
from core.profiles.model import Battery, Key, Known, Profile, ProfilePoint, Profiles
from core.profiles.reading import read_profile, read_profiles, shipped_profiles

__all__ = [
    "Battery",
    "Feed",
    "Fit",
    "Key",
    "Known",
    "Profile",
    "ProfilePoint",
    "Profiles",
    "Said",
    "Sight",
    "best_fit",
    "fit_of",
    "read_profile",
    "read_profiles",
    "shipped_profiles",
]
